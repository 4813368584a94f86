/* The life of an upload; the form is in parts.c. */
#include "api/upload/upload_priv.h"

#include <stdlib.h>
#include <string.h>

#include "accounts/plans.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/response.h"

enum { BAD_REQUEST = 400, CONFLICT = 409, TOO_MANY = 429, UNAVAILABLE = 503 };

/* -- how many ------------------------------------------------------------------------------------------ */

static void leave(struct api_upload *upload)
{
	if (!upload->link)
		return;
	*upload->link = upload->next;
	if (upload->next)
		upload->next->link = upload->link;
	upload->link = NULL;
}

static enum err_code enter(struct api_upload *upload, struct err *err)
{
	struct api *api = upload->api;
	int open = 0;
	for (const struct api_upload *other = api->uploads; other; other = other->next)
		open += memcmp(&other->job.owner, &upload->job.owner, sizeof other->job.owner) == 0;
	if (open >= API_UPLOADS_OPEN_MAX) {
		upload->problem = (struct api_problem){ .status = TOO_MANY,
							.message = "too many uploads are open: finish some first" };
		http_add_header(upload->request, "Retry-After", "5");
		return err_set(err, ERR_BUSY, "%s", upload->problem.message);
	}
	upload->next = api->uploads;
	upload->link = &api->uploads;
	if (upload->next)
		upload->next->link = &upload->next;
	api->uploads = upload;
	return ERR_OK;
}

/* -- the end ------------------------------------------------------------------------------------------- */

static void free_if_over(struct api_upload *upload)
{
	if (upload->request || upload->intake)
		return;
	leave(upload);
	multipart_free(upload->parser);
	free(upload);
}

void api_upload_reply_error(struct api_upload *upload, const struct err *why)
{
	if (upload->problem.status)
		api_fail(upload->request, &upload->problem);
	else
		api_fail_err(upload->request, why);
}

void api_upload_fail(struct api_upload *upload, const struct err *why)
{
	upload->is_answered = true;
	if (upload->kind->fail)
		upload->kind->fail(upload, why);
	else
		api_upload_reply_error(upload, why);
	if (upload->intake)
		intake_abort(upload->intake);
}

enum err_code api_upload_wrong(struct api_upload *upload, const char *field, const char *reason, struct err *err)
{
	(void)snprintf(upload->message, sizeof upload->message, "%s %s", field, reason);
	upload->fault = (struct api_fault){ field, upload->message + strlen(field) + 1 };
	upload->problem = (struct api_problem){
		.status = BAD_REQUEST, .message = upload->message, .faults = &upload->fault, .fault_count = 1
	};
	return err_set(err, ERR_INVALID, "%s", upload->message);
}

/* -- the intake's callbacks ---------------------------------------------------------------------------- */

static void on_begun(void *owner)
{
	struct api_upload *upload = owner;
	if (upload->request && !upload->is_answered && upload->kind->on_begun)
		upload->kind->on_begun(upload);
}

static void on_room(void *owner)
{
	struct api_upload *upload = owner;
	if (upload->request && !upload->is_answered)
		http_request_resume(upload->request);
}

/* In the pool's thread. An event that is missing costs nobody anything. */
static void on_progress(void *owner, uint64_t bytes)
{
	const struct api_upload *upload = owner;
	struct err err;
	if (event_tell_upload(upload->api->files->db, &upload->job.file, bytes, upload->announced_bytes, &err) !=
	    ERR_OK)
		log_line(LOG_DEBUG, "the progress of an upload was not written down: %s", err.message);
}

static void on_probed(struct probe *probe)
{
	struct api_upload *upload = (struct api_upload *)(void *)((char *)probe - offsetof(struct api_upload, probe));
	if (probe->why.code == ERR_OK) {
		upload->job.length_us = probe->length_us;
		intake_store(upload->intake);
		return;
	}
	upload->probe_why = probe->why;
	intake_abort(upload->intake);
}

static void on_sealed(void *owner)
{
	struct api_upload *upload = owner;
	upload->probe.file = upload->job.file;
	upload->probe.done = on_probed;
	probe_start(upload->api->prober, &upload->probe);
}

static void on_stored(void *owner, const struct vault_info *info, const struct err *why)
{
	struct api_upload *upload = owner;
	upload->intake = NULL;
	leave(upload); /* who waits for the job from here on holds little */
	if (upload->probe_why.code != ERR_OK)
		why = &upload->probe_why;
	else if (why->code == ERR_CANCELLED)
		upload->problem = (struct api_problem){ .status = CONFLICT, .message = why->message };
	if (upload->request && !upload->is_answered) {
		if (info)
			upload->kind->reply(upload);
		else if (why->code == ERR_CONFLICT && upload->job_request.match == JOB_REQUEST_SAME)
			upload->kind->attach(upload);
		else
			api_upload_fail(upload, why);
		upload->is_answered = true;
	}
	free_if_over(upload);
}

static const struct intake_events intake_callbacks = {
	.on_begun = on_begun, .on_room = on_room, .on_progress = on_progress, .on_end = on_stored
};
static const struct intake_events probed_callbacks = { .on_begun = on_begun,
						       .on_room = on_room,
						       .on_progress = on_progress,
						       .on_sealed = on_sealed,
						       .on_end = on_stored };

/* In the pool's thread, in the unit that stores the file. */
static enum err_code add_job(struct db_tx *tx, void *arg, struct err *err)
{
	struct api_upload *upload = arg;
	struct job_new job = upload->job;
	struct plan plan;
	if (plan_of_user(tx, &job.owner, &plan, err) != ERR_OK)
		return err->code;
	job.weight = plan.weight;
	if (job.priority > plan.priority_max)
		job.priority = plan.priority_max;
	bool may_attach = upload->kind->attach != NULL;
	if (may_attach && job_request_match(tx, &job, &upload->job_request, err) != ERR_OK)
		return err->code;
	if (job_add(upload->api->queue, tx, &job, &upload->shortage, err) != ERR_OK)
		return err->code;
	int64_t wanted_until = clock_wall_us() + upload->api->hang_up_grace_us;
	if (may_attach && job_request_add(tx, &job, &upload->job_request, wanted_until, err) != ERR_OK)
		return err->code;
	return event_add_uploaded(tx, &upload->job.file, upload->fed_bytes, err);
}

enum err_code api_upload_begin_file(struct api_upload *upload, struct err *err)
{
	const char *what;
	enum file_kind kind = file_kind_of(upload->head, upload->head_len, &what);
	if (kind != FILE_KIND_UNKNOWN && kind != FILE_KIND_SOUND)
		return err_set(err, ERR_BAD_MEDIA, "the file is %s, not a recording", what);
	struct intake_spec spec = { .files = upload->api->files,
				    .pool = upload->api->transfers,
				    .upload = { .id = upload->job.file,
						.owner = upload->job.owner,
						.name = upload->name,
						.content_type = upload->content_type,
						.announced_bytes = upload->announced_bytes,
						.slack_bytes = API_UPLOAD_FORM_BYTES,
						.max_bytes = upload->api->upload_max_bytes },
				    .also = { add_job, upload } };
	const struct intake_events *events = upload->kind->is_probed ? &probed_callbacks : &intake_callbacks;
	return intake_new(&spec, events, upload, &upload->intake, err);
}

/* -- the request's callbacks --------------------------------------------------------------------------- */

static enum err_code check_length(struct api_upload *upload, struct err *err)
{
	uint64_t length = http_request_length(upload->request);
	uint64_t max = upload->api->upload_max_bytes;
	http_request_limit_body(upload->request, max + API_UPLOAD_FORM_BYTES);
	if (length == UINT64_MAX)
		return ERR_OK;
	upload->announced_bytes = length;
	if (length <= max + API_UPLOAD_FORM_BYTES)
		return ERR_OK;
	return err_set(err, ERR_TOO_BIG, "the file is larger than the %llu bytes that are allowed",
		       (unsigned long long)max);
}

/* Who is charged is who sends it; the application is that of an API token. */
static enum err_code start(struct api_upload *upload, struct err *err)
{
	const struct access *access = api_access(upload->request);
	upload->job.owner = access->user;
	upload->job.application = access->application;
	if (enter(upload, err) != ERR_OK || upload->kind->begin(upload, err) != ERR_OK ||
	    check_length(upload, err) != ERR_OK || api_upload_take_query(upload, err) != ERR_OK)
		return err->code;
	upload->job.file = upload->job.id;
	return multipart_new(http_request_header(upload->request, "content-type"), &api_upload_parts, upload,
			     &upload->parser, err);
}

struct api_upload *api_upload_start(struct http_request *request, const struct api_upload_kind *kind)
{
	struct err err;
	struct api_upload *upload = calloc(1, kind->size);
	if (!upload) {
		http_reply_error(request, UNAVAILABLE, NULL);
		return NULL;
	}
	upload->kind = kind;
	upload->request = request;
	upload->api = api_of(request);
	http_request_set_context(request, upload);
	if (start(upload, &err) != ERR_OK)
		api_upload_fail(upload, &err);
	return upload;
}

void api_upload_on_body(struct http_request *request, const char *bytes, size_t len)
{
	struct api_upload *upload = http_request_context(request);
	struct err err;
	if (multipart_feed(upload->parser, bytes, len, &err) != ERR_OK)
		api_upload_fail(upload, &err);
}

void api_upload_on_end(struct http_request *request)
{
	struct api_upload *upload = http_request_context(request);
	struct err err;
	enum err_code code = multipart_finish(upload->parser, &err);
	if (code == ERR_OK && !upload->has_file)
		code = api_upload_wrong(upload, upload->kind->file_field, "is required: send it as a part of the form",
					&err);
	if (code == ERR_OK && upload->kind->check)
		code = upload->kind->check(upload, &err);
	if (code != ERR_OK) {
		api_upload_fail(upload, &err);
		return;
	}
	upload->is_finishing = true;
	intake_finish(upload->intake);
}

/* A client that goes before it has sent everything leaves nothing; one that has sent it all may look later. */
void api_upload_on_close(struct http_request *request, enum http_outcome outcome)
{
	struct api_upload *upload = http_request_context(request);
	(void)outcome;
	if (!upload)
		return;
	upload->request = NULL;
	if (upload->intake && !upload->is_finishing && !upload->is_answered)
		intake_abort(upload->intake);
	free_if_over(upload);
}
