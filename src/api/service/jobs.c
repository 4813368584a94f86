/* /jobs: one, all, cancel, retry. */
#include "api/service/service.h"

enum { OK = 200, CONFLICT = 409 };

struct job_call {
	struct api_call call; /* first */
	struct uuid id;
	struct job_row row;
};

static struct job_call *job_of(struct api_call *call)
{
	return (struct job_call *)call;
}

static void start(struct http_request *request, const struct api_call_kind *kind)
{
	struct api_input in;
	struct job_call *c = api_call_new(request, kind);
	if (!c)
		return;
	api_input_init(&in, request);
	api_path_id(&in, "job_id", "job", &c->id);
	api_call_start_with(&c->call, &in);
}

/* -- one --------------------------------------------------------------------------------------------- */

static enum err_code run_job(struct api_call *call, struct err *err)
{
	struct job_call *c = job_of(call);
	return job_find(call->api->files->db, &call->user, &c->id, &c->row, err);
}

static void reply_job(struct api_call *call)
{
	cleanup_strbuf struct strbuf body = STRBUF_INIT(SERVICE_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	service_job_json(&j, &job_of(call)->row);
	api_answer(call->request, OK, &body);
}

static const struct api_call_kind job_kind = { .size = sizeof(struct job_call), .run = run_job, .reply = reply_job };

static void on_job(struct http_request *request)
{
	start(request, &job_kind);
}

const struct http_handler service_job = { .on_end = on_job };

/* -- changes ----------------------------------------------------------------------------------------- */

/* "not found" of a change to a job that the user may read; else the error as it is. */
static enum err_code owner_error(struct job_call *c, struct err *err)
{
	struct err ignored;
	const struct api_call *call = &c->call;
	if (err->code == ERR_NOT_FOUND &&
	    job_find(call->api->files->db, &call->user, &c->id, &c->row, &ignored) == ERR_OK)
		return service_owner_error(call, &c->row.file, err);
	return err->code;
}

/* What stands against it is the state that the job has by now. */
static void fail_change(struct api_call *call)
{
	const struct job_call *c = job_of(call);
	if (call->err.code != ERR_CONFLICT) {
		service_fail_owner(call);
		return;
	}
	const struct api_problem problem = { .status = CONFLICT,
					     .message = call->err.message,
					     .state = service_state_name(c->row.state) };
	api_fail(call->request, &problem);
}

static enum err_code run_cancel(struct api_call *call, struct err *err)
{
	struct job_call *c = job_of(call);
	if (job_cancel_row(call->api->files, &call->user, &c->id, &c->row, err) == ERR_OK)
		return ERR_OK;
	if (err->code == ERR_CONFLICT)
		return err_set(err, ERR_CONFLICT, "the job has ended and cannot be cancelled");
	return owner_error(c, err);
}

static void reply_cancelled(struct api_call *call)
{
	const struct job_row *row = &job_of(call)->row;
	cleanup_strbuf struct strbuf body = STRBUF_INIT(SERVICE_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	json_object(&j);
	api_key_id(&j, "id", &row->id);
	json_key_str(&j, "status", service_state_name(row->state));
	api_key_time(&j, "cancelled_at", row->ended_us);
	json_object_end(&j);
	api_answer(call->request, OK, &body);
}

static const struct api_call_kind cancel_kind = {
	.size = sizeof(struct job_call), .run = run_cancel, .reply = reply_cancelled, .fail = fail_change
};

static void on_cancel(struct http_request *request)
{
	start(request, &cancel_kind);
}

const struct http_handler service_cancel = { .on_end = on_cancel };

static enum err_code run_retry(struct api_call *call, struct err *err)
{
	struct job_call *c = job_of(call);
	if (job_retry(call->api->queue, call->api->files->db, &call->user, &c->id, &c->row, err) == ERR_OK)
		return ERR_OK;
	if (err->code == ERR_CONFLICT)
		return err_set(err, ERR_CONFLICT, "only a job that has failed can be tried again");
	return owner_error(c, err);
}

static void reply_retried(struct api_call *call)
{
	const struct job_row *row = &job_of(call)->row;
	cleanup_strbuf struct strbuf body = STRBUF_INIT(SERVICE_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	json_object(&j);
	api_key_id(&j, "id", &row->id);
	json_key_str(&j, "status", service_state_name(row->state));
	json_key_int(&j, "retry_count", row->retries);
	json_object_end(&j);
	api_answer(call->request, OK, &body);
}

static const struct api_call_kind retry_kind = {
	.size = sizeof(struct job_call), .run = run_retry, .reply = reply_retried, .fail = fail_change
};

static void on_retry(struct http_request *request)
{
	start(request, &retry_kind);
}

const struct http_handler service_retry = { .on_end = on_retry };

/* -- all --------------------------------------------------------------------------------------------- */

struct list_call {
	struct api_call call; /* first */
	struct job_page page;
	struct job_rows list;
};

static struct list_call *list_of(struct api_call *call)
{
	return (struct list_call *)call;
}

static enum err_code run_list(struct api_call *call, struct err *err)
{
	struct list_call *c = list_of(call);
	return job_find_all(call->api->files->db, &c->page, &c->list, err);
}

static void add_row(struct json *j, const void *rows, size_t i)
{
	service_job_json(j, &((const struct job_row *)rows)[i]);
}

static void reply_list(struct api_call *call)
{
	const struct job_rows *list = &list_of(call)->list;
	service_reply_list(call->request, &(struct service_list){ .name = "jobs",
								  .rows = list->rows,
								  .count = list->count,
								  .total = list->total,
								  .add = add_row });
}

static void release_list(struct api_call *call)
{
	job_rows_done(&list_of(call)->list);
}

static const struct api_call_kind list_kind = {
	.size = sizeof(struct list_call), .run = run_list, .reply = reply_list, .done = release_list
};

static int read_state(struct api_input *in)
{
	const char *name = in->failed ? NULL : http_request_query(in->request, "status");
	int state = name ? service_state_find(name) : -1;
	if (name && state < 0) {
		in->failed = true;
		api_fail_field(in->request, "status", "must be pending, processing, completed, failed or cancelled");
	}
	return state;
}

static void on_list(struct http_request *request)
{
	struct api_input in;
	struct list_call *c = api_call_new(request, &list_kind);
	if (!c)
		return;
	api_input_init(&in, request);
	c->page.owner = c->call.user;
	service_page(&in, &c->page.limit, &c->page.offset);
	c->page.state = read_state(&in);
	api_call_start_with(&c->call, &in);
}

const struct http_handler service_jobs = { .on_end = on_list };
