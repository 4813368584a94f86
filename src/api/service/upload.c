/*
 * POST /files/upload: the life of an upload. The request's bytes go through the form's parser (upload_parts.c) into an
 * intake; when both are through, the file and its job are there in one moment, and the request is answered. Memory is
 * the same for any size, because the client is held back while the intake has no room.
 */
#include <stdlib.h>
#include <string.h>

#include "accounts/plans.h"
#include "api/service/upload.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/response.h"

enum { CREATED = 201, CONFLICT = 409, UNAVAILABLE = 503 };

/* -- the end ------------------------------------------------------------------------------------------- */

static void free_if_over(struct upload_form *form)
{
	if (form->request || form->intake)
		return;
	multipart_free(form->parser);
	free(form);
}

/* The answer, in whichever form it is given; what was fed is dropped. */
static void fail(struct upload_form *form, const struct err *why)
{
	form->is_answered = true;
	if (form->stream)
		service_stream_fail(form->stream, why);
	else if (form->problem.status)
		api_fail(form->request, &form->problem);
	else
		api_fail_err(form->request, why);
	if (form->intake)
		intake_abort(form->intake);
}

struct created_call {
	struct api_call call; /* first */
	struct uuid id;
	struct job_file file;
};

static enum err_code run_created(struct api_call *call, struct err *err)
{
	struct created_call *c = (struct created_call *)call;
	return job_file_find(call->api->files->db, &call->user, &c->id, &c->file, err);
}

static void reply_created(struct api_call *call)
{
	cleanup_strbuf struct strbuf body = STRBUF_INIT(SERVICE_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	service_file_json(&j, &((struct created_call *)call)->file);
	api_answer(call->request, CREATED, &body);
}

static const struct api_call_kind created_kind = { .size = sizeof(struct created_call),
						   .run = run_created,
						   .reply = reply_created };

/* As the database has it by now: the job may have begun. */
static void answer(struct upload_form *form)
{
	form->is_answered = true;
	struct created_call *c = api_call_new(form->request, &created_kind);
	if (!c)
		return;
	c->id = form->job.file;
	api_call_start(&c->call);
}

/* -- the intake's callbacks ---------------------------------------------------------------------------- */

static void on_begun(void *owner)
{
	struct upload_form *form = owner;
	struct err err;
	if (!form->request || form->is_answered || !form->wants_events || form->api->is_stopping)
		return;
	const struct service_stream_spec spec = { .file = form->job.file };
	if (service_stream_open(form->request, &spec, &form->stream, &err) != ERR_OK)
		fail(form, &err);
	else
		service_stream_begin(form->stream);
}

static void on_room(void *owner)
{
	struct upload_form *form = owner;
	if (form->request && !form->is_answered)
		http_request_resume(form->request);
}

/* In the pool's thread. An event that is missing costs nobody anything. */
static void on_progress(void *owner, uint64_t bytes)
{
	const struct upload_form *form = owner;
	struct err err;
	if (event_tell_upload(form->api->files->db, &form->job.file, bytes, form->announced_bytes, &err) != ERR_OK)
		log_line(LOG_DEBUG, "the progress of an upload was not written down: %s", err.message);
}

static void on_stored(void *owner, const struct vault_info *info, const struct err *why)
{
	struct upload_form *form = owner;
	form->intake = NULL;
	if (why->code == ERR_CANCELLED)
		form->problem = (struct api_problem){ .status = CONFLICT, .message = why->message };
	if (form->request && !form->is_answered) {
		if (!info)
			fail(form, why);
		else if (!form->stream)
			answer(form);
		else
			form->is_answered = true; /* the stream goes on by itself */
		if (info && form->api->is_stopping)
			service_stream_stop(form->stream, true);
	}
	free_if_over(form);
}

static const struct intake_events intake_callbacks = {
	.on_begun = on_begun, .on_room = on_room, .on_progress = on_progress, .on_end = on_stored
};

/* In the pool's thread, in the unit that stores the file. */
static enum err_code add_job(struct db_tx *tx, void *arg, struct err *err)
{
	const struct upload_form *form = arg;
	struct job_new job = form->job;
	struct plan plan;
	struct usage_shortage shortage;
	if (plan_of_user(tx, &job.owner, &plan, err) != ERR_OK)
		return err->code;
	job.weight = plan.weight;
	if (job.priority > plan.priority_max)
		job.priority = plan.priority_max;
	if (job_add(form->api->queue, tx, &job, &shortage, err) != ERR_OK)
		return err->code;
	return event_add_upload(tx, &form->job.file, form->fed_bytes, form->fed_bytes, err);
}

enum err_code upload_form_begin_file(struct upload_form *form, struct err *err)
{
	const char *what;
	enum file_kind kind = file_kind_of(form->head, form->head_len, &what);
	if (kind != FILE_KIND_UNKNOWN && kind != FILE_KIND_SOUND)
		return err_set(err, ERR_BAD_MEDIA, "the file is %s, not a recording", what);
	struct intake_spec spec = { .files = form->api->files,
				    .pool = form->api->transfers,
				    .upload = { .id = form->job.file,
						.owner = form->job.owner,
						.name = form->name,
						.content_type = form->content_type,
						.announced_bytes = form->announced_bytes,
						.slack_bytes = UPLOAD_FORM_BYTES,
						.max_bytes = form->api->upload_max_bytes },
				    .also = { add_job, form } };
	return intake_new(&spec, &intake_callbacks, form, &form->intake, err);
}

/* -- the request's callbacks --------------------------------------------------------------------------- */

/* The id that the client chose, or a new one. */
static enum err_code choose_id(struct upload_form *form, struct err *err)
{
	enum { VERSION_RANDOM = 4, VERSION_TIME = 7, VARIANT = 2 };
	const char *text = http_request_header(form->request, "x-upload-id");
	struct uuid *id = &form->job.id;
	if (!text)
		return uuid_new(clock_wall_us(), id, err);
	int version = uuid_parse(text, strlen(text), id) ? id->bytes[6] >> 4 : 0;
	if ((version != VERSION_RANDOM && version != VERSION_TIME) || id->bytes[8] >> 6 != VARIANT)
		return upload_form_wrong(form, "X-Upload-Id", "must be a UUID of version 4 or 7", err);
	return ERR_OK;
}

static enum err_code check_length(struct upload_form *form, struct err *err)
{
	uint64_t length = http_request_length(form->request);
	uint64_t max = form->api->upload_max_bytes;
	http_request_limit_body(form->request, max + UPLOAD_FORM_BYTES);
	if (length == UINT64_MAX)
		return ERR_OK;
	form->announced_bytes = length;
	if (length <= max + UPLOAD_FORM_BYTES)
		return ERR_OK;
	return err_set(err, ERR_TOO_BIG, "the file is larger than the %llu bytes that are allowed",
		       (unsigned long long)max);
}

static enum err_code start(struct upload_form *form, struct err *err)
{
	const char *accept = http_request_header(form->request, "accept");
	form->job.owner = *api_user(form->request);
	form->wants_events = accept && strcasestr(accept, "text/event-stream");
	if (choose_id(form, err) != ERR_OK || check_length(form, err) != ERR_OK ||
	    upload_form_query(form, err) != ERR_OK)
		return err->code;
	form->job.file = form->job.id;
	return multipart_new(http_request_header(form->request, "content-type"), &upload_parts, form, &form->parser,
			     err);
}

static void on_start(struct http_request *request)
{
	struct err err;
	struct upload_form *form = calloc(1, sizeof *form);
	if (!form) {
		http_reply_error(request, UNAVAILABLE, NULL);
		return;
	}
	form->request = request;
	form->api = api_of(request);
	http_request_set_context(request, form);
	if (start(form, &err) != ERR_OK)
		fail(form, &err);
}

static void on_body(struct http_request *request, const char *bytes, size_t len)
{
	struct upload_form *form = http_request_context(request);
	struct err err;
	if (multipart_feed(form->parser, bytes, len, &err) != ERR_OK)
		fail(form, &err);
}

static void on_end(struct http_request *request)
{
	struct upload_form *form = http_request_context(request);
	struct err err;
	enum err_code code = multipart_finish(form->parser, &err);
	if (code == ERR_OK && !form->has_file)
		code = upload_form_wrong(form, "file", "is required: send it as a part of the form", &err);
	if (code != ERR_OK) {
		fail(form, &err);
		return;
	}
	form->is_finishing = true;
	intake_finish(form->intake);
}

/* While the file is on its way its stream is the only answer that the client gets: it goes on until the file is there.
 */
static void on_stopping(struct http_request *request)
{
	const struct upload_form *form = http_request_context(request);
	if (form->is_answered)
		service_stream_stop(form->stream, true);
}

/* A client that goes before it has sent everything leaves nothing; one that has sent it all may look later. */
static void on_close(struct http_request *request, enum http_outcome outcome)
{
	struct upload_form *form = http_request_context(request);
	(void)outcome;
	if (!form)
		return;
	form->request = NULL;
	service_stream_close(form->stream);
	form->stream = NULL;
	if (form->intake && !form->is_finishing && !form->is_answered)
		intake_abort(form->intake);
	free_if_over(form);
}

const struct http_handler service_upload = {
	.on_start = on_start, .on_body = on_body, .on_end = on_end, .on_stopping = on_stopping, .on_close = on_close
};
