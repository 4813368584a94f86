/* POST /files/upload: answered with the file, or with its events. */
#include <string.h>

#include "api/service/service.h"
#include "api/service/stream.h"
#include "api/upload/upload.h"
#include "base/cleanup.h"
#include "base/clock.h"

enum { CREATED = 201 };

struct service_upload {
	struct api_upload upload; /* first */
	struct service_stream *stream; /* NULL: the answer is one JSON object */
	bool wants_events;
};

static struct service_upload *upload_of(struct api_upload *upload)
{
	return (struct service_upload *)upload;
}

/* -- the answer ---------------------------------------------------------------------------------------- */

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

/* As the database has it by now: the job may have begun. A stream goes on by itself. */
static void reply(struct api_upload *upload)
{
	struct service_stream *stream = upload_of(upload)->stream;
	if (stream) {
		if (upload->api->is_stopping)
			service_stream_stop(stream, true);
		return;
	}
	struct created_call *c = api_call_new(upload->request, &created_kind);
	if (!c)
		return;
	c->id = upload->job.file;
	api_call_start(&c->call);
}

static void fail(struct api_upload *upload, const struct err *why)
{
	struct service_stream *stream = upload_of(upload)->stream;
	if (stream)
		service_stream_fail(stream, why);
	else
		api_upload_reply_error(upload, why);
}

static void on_begun(struct api_upload *upload)
{
	struct service_upload *u = upload_of(upload);
	struct err err;
	if (!u->wants_events || upload->api->is_stopping)
		return;
	const struct service_stream_spec spec = { .file = upload->job.file };
	if (service_stream_open(upload->request, &spec, &u->stream, &err) != ERR_OK)
		api_upload_fail(upload, &err);
	else
		service_stream_begin(u->stream);
}

/* -- the request --------------------------------------------------------------------------------------- */

/* The id that the client chose, or a new one. */
static enum err_code choose_id(struct api_upload *upload, struct err *err)
{
	enum { VERSION_RANDOM = 4, VERSION_TIME = 7, VARIANT = 2 };
	const char *text = http_request_header(upload->request, "x-upload-id");
	struct uuid *id = &upload->job.id;
	if (!text)
		return uuid_new(clock_wall_us(), id, err);
	int version = uuid_parse(text, strlen(text), id) ? id->bytes[6] >> 4 : 0;
	if ((version != VERSION_RANDOM && version != VERSION_TIME) || id->bytes[8] >> 6 != VARIANT)
		return api_upload_wrong(upload, "X-Upload-Id", "must be a UUID of version 4 or 7", err);
	return ERR_OK;
}

static enum err_code begin(struct api_upload *upload, struct err *err)
{
	const char *accept = http_request_header(upload->request, "accept");
	upload_of(upload)->wants_events = accept && strcasestr(accept, "text/event-stream");
	return choose_id(upload, err);
}

static const struct api_upload_option options[] = {
	{ "language", api_upload_language },
	{ "model", api_upload_model },
	{ "priority", api_upload_priority },
	{ "diarize", api_upload_diarize },
};

static const struct api_upload_kind kind = { .size = sizeof(struct service_upload),
					     .file_field = "file",
					     .options = options,
					     .option_count = ARRAY_LEN(options),
					     .begin = begin,
					     .on_begun = on_begun,
					     .reply = reply,
					     .fail = fail };

static void on_start(struct http_request *request)
{
	(void)api_upload_start(request, &kind);
}

/* While the file is on its way its stream is the only answer that the client gets: it goes on until the file is there.
 */
static void on_stopping(struct http_request *request)
{
	struct api_upload *upload = http_request_context(request);
	if (upload->is_answered)
		service_stream_stop(upload_of(upload)->stream, true);
}

static void on_close(struct http_request *request, enum http_outcome outcome)
{
	struct api_upload *upload = http_request_context(request);
	if (!upload)
		return;
	service_stream_close(upload_of(upload)->stream);
	upload_of(upload)->stream = NULL;
	api_upload_on_close(request, outcome);
}

const struct http_handler service_upload = { .on_start = on_start,
					     .on_body = api_upload_on_body,
					     .on_end = api_upload_on_end,
					     .on_stopping = on_stopping,
					     .on_close = on_close };
