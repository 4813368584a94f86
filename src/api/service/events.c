/*
 * GET /files/{file_id}/events. A client that has named the id of its upload may ask for the events before the upload
 * has got through: so an id that is not known yet is looked for again and again for a moment before it is a 404.
 */
#include <stdlib.h>
#include <uv.h>

#include "api/service/stream.h"
#include "base/cleanup.h"
#include "http/response.h"

enum {
	/* Looks at one id, and the time between them. */
	TRIES = 10,
	PAUSE_MS = 200
};

/* What a request waits in; its context until it has a stream. */
struct waiting {
	uv_timer_t timer;
	struct http_request *request; /* NULL: closed */
	struct uuid id;
	int64_t after_id;
	int tries;
	struct service_stream *stream; /* NULL: not yet */
};

struct look {
	struct api_call call; /* first */
	struct waiting *waiting; /* for while the request is there */
	struct uuid id;
	struct job_file file;
};

static struct look *look_of(struct api_call *call)
{
	return (struct look *)call;
}

static enum err_code run(struct api_call *call, struct err *err)
{
	struct look *look = look_of(call);
	return job_file_find(call->api->files->db, &call->user, &look->id, &look->file, err);
}

static void reply(struct api_call *call)
{
	const struct look *look = look_of(call);
	struct waiting *w = look->waiting;
	const struct service_stream_spec spec = { .file = look->id,
						  .after_id = w->after_id,
						  .has_ended = look->file.state > JOB_RUNNING };
	struct err err;
	if (service_stream_open(call->request, &spec, &w->stream, &err) != ERR_OK)
		api_fail_err(call->request, &err);
}

static void on_timer(uv_timer_t *timer);

static void fail(struct api_call *call)
{
	struct waiting *w = look_of(call)->waiting;
	if (call->err.code != ERR_NOT_FOUND || ++w->tries >= TRIES || call->api->is_stopping)
		api_fail_err(call->request, &call->err);
	else
		(void)uv_timer_start(&w->timer, on_timer, PAUSE_MS, 0);
}

static const struct api_call_kind kind = { .size = sizeof(struct look), .run = run, .reply = reply, .fail = fail };

static void look_for(struct waiting *w)
{
	struct look *look = api_call_new(w->request, &kind);
	if (!look)
		return;
	look->waiting = w;
	look->id = w->id;
	api_call_start(&look->call);
}

static void on_timer(uv_timer_t *timer)
{
	look_for(timer->data);
}

static void on_end(struct http_request *request)
{
	struct api_input in;
	const char *last_id = http_events_last_id(request);
	cleanup_free struct waiting *w = calloc(1, sizeof *w);
	if (!w) {
		http_reply_error(request, 503, NULL);
		return;
	}
	api_input_init(&in, request);
	api_path_id(&in, "file_id", "file", &w->id);
	if (in.failed)
		return;
	/* An id that is none of ours is passed over: the client sees everything again. */
	if (last_id && !api_parse_int(last_id, 0, INT64_MAX, &w->after_id))
		w->after_id = 0;
	w->request = request;
	(void)uv_timer_init(api_of(request)->loop, &w->timer);
	w->timer.data = w;
	http_request_set_context(request, w);
	look_for(steal_ptr(&w));
}

static void on_stopping(struct http_request *request)
{
	const struct waiting *w = http_request_context(request);
	service_stream_stop(w->stream, false);
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_close(struct http_request *request, enum http_outcome outcome)
{
	struct waiting *w = http_request_context(request);
	(void)outcome;
	if (!w)
		return;
	service_stream_close(w->stream);
	uv_close((uv_handle_t *)&w->timer, on_timer_closed);
}

const struct http_handler service_events = { .on_end = on_end, .on_stopping = on_stopping, .on_close = on_close };
