/* Words and shapes of the dialect. */
#include <string.h>

#include "api/service/service.h"

static const char *const state_names[JOB_STATES] = {
	[JOB_QUEUED] = "pending", [JOB_RUNNING] = "processing",	 [JOB_SUCCEEDED] = "completed",
	[JOB_FAILED] = "failed",  [JOB_CANCELLED] = "cancelled",
};

const char *service_state_name(enum job_state state)
{
	return state_names[state];
}

int service_state_find(const char *name)
{
	for (int i = 0; i < JOB_STATES; i++) {
		if (strcmp(state_names[i], name) == 0)
			return i;
	}
	return -1;
}

/* -- errors ------------------------------------------------------------------------------------------ */

/* The document's categories, and what else a client can meet. */
static const struct {
	int status;
	const char *code;
} codes[] = {
	{ 400, "VALIDATION_ERROR" },
	{ 401, "AUTHENTICATION_ERROR" },
	{ 403, "AUTHORIZATION_ERROR" },
	{ 404, "NOT_FOUND" },
	{ 405, "METHOD_NOT_ALLOWED" },
	{ 408, "REQUEST_TIMEOUT" },
	{ 409, "CONFLICT" },
	{ 413, "PAYLOAD_TOO_LARGE" },
	{ 414, "URI_TOO_LONG" },
	{ 415, "UNSUPPORTED_MEDIA_TYPE" },
	{ 416, "RANGE_NOT_SATISFIABLE" },
	{ 417, "EXPECTATION_FAILED" },
	{ 429, "TOO_MANY_REQUESTS" },
	{ 431, "HEADERS_TOO_LARGE" },
	{ 500, "INTERNAL_ERROR" },
	{ 501, "NOT_IMPLEMENTED" },
	{ 503, "SERVICE_UNAVAILABLE" },
	{ 505, "HTTP_VERSION_NOT_SUPPORTED" },
	{ 507, "INSUFFICIENT_STORAGE" },
};

static const char *code_of(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (codes[i].status == status)
			return codes[i].code;
	}
	return status < 500 ? "VALIDATION_ERROR" : "INTERNAL_ERROR";
}

void service_shape(const struct api_problem *problem, struct strbuf *body)
{
	struct json j = JSON_INIT(body);
	json_object(&j);
	json_key_str(&j, "code", problem->code ? problem->code : code_of(problem->status));
	json_key_str(&j, "message", problem->message);
	json_key(&j, "details");
	json_object(&j);
	if (problem->fault_count > 0) {
		json_key_str(&j, "field", problem->faults[0].field);
		json_key_str(&j, "reason", problem->faults[0].reason);
	}
	if (problem->state)
		json_key_str(&j, "status", problem->state);
	json_object_end(&j);
	json_object_end(&j);
}

/* -- values ------------------------------------------------------------------------------------------ */

/* When it ended, under the name that says how. */
static void key_end(struct json *j, enum job_state state, int64_t ended_us)
{
	static const char *const names[JOB_STATES] = {
		[JOB_SUCCEEDED] = "completed_at", [JOB_FAILED] = "failed_at", [JOB_CANCELLED] = "cancelled_at"
	};
	if (names[state] && ended_us > 0)
		api_key_time(j, names[state], ended_us);
}

void service_file_json(struct json *j, const struct job_file *file)
{
	json_object(j);
	api_key_id(j, "id", &file->id);
	json_key_str(j, "name", file->name);
	json_key_str(j, "status", service_state_name(file->state));
	api_key_time(j, "created_at", file->created_us);
	key_end(j, file->state, file->ended_us);
	api_key_id(j, "owner_id", &file->owner);
	json_key_str(j, "content_type", file->content_type);
	/* How far an unfinished one is, its events say. */
	json_key_int(j, "upload_progress", file->is_stored);
	if (file->is_stored) {
		api_key_id(j, "job_id", &file->id);
		json_key_int(j, "size", (int64_t)file->size_bytes);
		json_key_str(j, "sha256", file->sha256);
	}
	json_object_end(j);
}

void service_job_json(struct json *j, const struct job_row *job)
{
	json_object(j);
	api_key_id(j, "id", &job->id);
	api_key_id(j, "file_id", &job->file);
	json_key_str(j, "file_name", job->file_name);
	json_key_str(j, "status", service_state_name(job->state));
	json_key_real(j, "progress", job->progress, 4);
	api_key_time(j, "created_at", job->created_us);
	if (job->started_us > 0)
		api_key_time(j, "started_at", job->started_us);
	key_end(j, job->state, job->ended_us);
	json_key_int(j, "priority", job->priority);
	json_key_int(j, "retry_count", job->retries);
	if (job->language[0])
		json_key_str(j, "language", job->language);
	if (job->model[0])
		json_key_str(j, "model", job->model);
	if (job->duration_us >= 0)
		json_key_seconds(j, "duration", job->duration_us);
	if (job->state == JOB_FAILED) {
		json_key(j, "error");
		json_object(j);
		json_key_str(j, "code", job->error_code);
		json_key_str(j, "message", job->error_message);
		json_object_end(j);
	}
	json_object_end(j);
}

/* -- answers ----------------------------------------------------------------------------------------- */

void service_reply_list(struct http_request *request, const struct service_list *list)
{
	cleanup_strbuf struct strbuf body = STRBUF_INIT(SERVICE_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	json_object(&j);
	json_key(&j, list->name);
	json_array(&j);
	for (size_t i = 0; i < list->count; i++)
		list->add(&j, list->rows, i);
	json_array_end(&j);
	json_key_int(&j, "total", (int64_t)list->total);
	json_object_end(&j);
	api_answer(request, 200, &body);
}

/* -- reading ----------------------------------------------------------------------------------------- */

void service_page(struct api_input *in, size_t *ret_limit, size_t *ret_offset)
{
	*ret_limit = (size_t)api_query_int(in, "limit", 1, SERVICE_LIMIT_MAX, SERVICE_LIMIT_DEFAULT);
	*ret_offset = (size_t)api_query_int(in, "offset", 0, INT64_MAX, 0);
}

enum err_code service_owner_error(const struct api_call *call, const struct uuid *file, struct err *err)
{
	struct err ignored;
	struct file_row row;
	if (err->code != ERR_NOT_FOUND || files_find(call->api->files, &call->user, file, &row, &ignored) != ERR_OK)
		return err->code;
	return err_set(err, ERR_DENIED, "only the owner of the file may do this");
}

void service_fail_owner(struct api_call *call)
{
	if (call->err.code != ERR_DENIED) {
		api_fail_err(call->request, &call->err);
		return;
	}
	api_fail(call->request, &(struct api_problem){ .status = 403, .message = call->err.message });
}
