#include "api/service/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "http/response.h"

enum { UNAVAILABLE = 503, EVENT_ID_SIZE = 24 };

/* Kept for every waiting client: small. */
struct service_stream {
	struct http_request *request;
	struct api *api;
	struct follower *follower;
	struct uuid file;
	struct right right; /* to go on */
	bool has_begun;
	bool is_at_end; /* the last event was one that ends a job; or the job has ended and none came yet */
	bool is_uploaded; /* an event has said that the file is complete */
	bool is_stopping; /* ends once it is */
	bool is_over; /* the answer is complete */
};

static bool ends_job(const char *name)
{
	static const char *const ends[] = { "completed", "failed", "cancelled" };
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		if (strcmp(ends[i], name) == 0)
			return true;
	}
	return false;
}

static bool is_upload_progress(const char *name)
{
	return strcmp(name, "upload_progress") == 0;
}

/* Clients know one event of uploads, whose progress is 1 at the end. */
static const char *told_name(const char *name)
{
	return strcmp(name, "uploaded") == 0 ? "upload_progress" : name;
}

/* On a server that stops none begins any more. */
static bool may_write(struct service_stream *stream)
{
	if (!stream->is_over && !stream->has_begun && stream->api->is_stopping) {
		stream->is_over = true;
		http_reply_error(stream->request, UNAVAILABLE, "the server is stopping");
	}
	return !stream->is_over;
}

static void end(struct service_stream *stream)
{
	stream->is_over = true;
	if (stream->has_begun)
		http_stream_end(stream->request);
	else
		api_answer_nothing(stream->request);
}

void service_stream_begin(struct service_stream *stream)
{
	if (stream->has_begun)
		return;
	stream->has_begun = true;
	http_events_begin(stream->request);
}

/* What the file's rooms keep of an event does not name the file, nor the state where the event's name says it: both are
 * put before its members. */
static void add_data(struct strbuf *out, const struct service_stream *stream, const struct event *event)
{
	struct json j = JSON_INIT(out);
	json_object(&j);
	api_key_id(&j, "file_id", &stream->file);
	if (!is_upload_progress(told_name(event->name)))
		api_key_id(&j, "job_id", &stream->file);
	/* "completed" says it itself. */
	if (ends_job(event->name) && strcmp(event->name, "completed") != 0)
		json_key_str(&j, "status", event->name);
	const char *members = event->data + 1;
	if (*members != '}')
		strbuf_add_char(out, ',');
	strbuf_add_str(out, members);
}

static void send_event(struct service_stream *stream, const struct event *event)
{
	char id[EVENT_ID_SIZE];
	cleanup_strbuf struct strbuf data = STRBUF_INIT(2 * EVENT_DATA_MAX);
	(void)snprintf(id, sizeof id, "%" PRId64, event->id);
	add_data(&data, stream, event);
	if (data.failed) {
		http_stream_abort(stream->request);
		return;
	}
	const struct http_event out = {
		.id = event->id > 0 ? id : NULL, .name = told_name(event->name), .data = data.data, .data_len = data.len
	};
	http_event_send(stream->request, &out);
}

static void on_event(void *owner, const struct event *event)
{
	struct service_stream *stream = owner;
	if (!may_write(stream))
		return;
	if (!event->name) {
		end(stream); /* the file was deleted */
		return;
	}
	service_stream_begin(stream);
	if (http_request_method(stream->request) == HTTP_METHOD_HEAD)
		stream->is_over = true; /* the room ends it */
	else
		send_event(stream, event);
	stream->is_at_end = ends_job(event->name);
	stream->is_uploaded |= !is_upload_progress(event->name);
	if (stream->is_stopping && stream->is_uploaded && !stream->is_over)
		end(stream);
}

static void on_caught_up(void *owner)
{
	struct service_stream *stream = owner;
	if (!may_write(stream))
		return;
	if (stream->is_at_end) {
		end(stream);
		return;
	}
	service_stream_begin(stream);
	stream->is_over = http_request_method(stream->request) == HTTP_METHOD_HEAD;
}

/* Who asks again is told why. */
static void on_lost(struct right *right)
{
	struct service_stream *stream =
		(struct service_stream *)(void *)((char *)right - offsetof(struct service_stream, right));
	if (!stream->is_over)
		end(stream);
}

void service_stream_fail(struct service_stream *stream, const struct err *why)
{
	cleanup_strbuf struct strbuf data = STRBUF_INIT(EVENT_DATA_MAX);
	struct json j = JSON_INIT(&data);
	if (!may_write(stream))
		return;
	json_object(&j);
	json_key_str(&j, "code", err_name(why->code));
	json_key_str(&j, "message", why->message);
	json_object_end(&j);
	service_stream_begin(stream);
	if (!data.failed)
		send_event(stream, &(struct event){ .name = "failed", .data = strbuf_str(&data) });
	end(stream);
}

enum err_code service_stream_open(struct http_request *request, const struct service_stream_spec *spec,
				  struct service_stream **ret, struct err *err)
{
	cleanup_free struct service_stream *stream = malloc(sizeof *stream);
	if (!stream)
		return err_set(err, ERR_NO_MEMORY, "no memory for an event stream");
	*stream = (struct service_stream){
		.request = request, .api = api_of(request), .file = spec->file, .is_at_end = spec->has_ended
	};
	if (event_follow(stream->api->hub, &spec->file, spec->after_id, on_event, stream, &stream->follower, err) !=
	    ERR_OK)
		return err->code;
	event_when_caught_up(stream->follower, on_caught_up);
	stream->right.on_lost = on_lost;
	right_begin(stream->api->rights, &stream->right, api_access(request), &spec->file);
	*ret = steal_ptr(&stream);
	return ERR_OK;
}

void service_stream_stop(struct service_stream *stream, bool after_upload)
{
	if (!stream || stream->is_over)
		return;
	stream->is_stopping = true;
	if (!after_upload || stream->is_uploaded)
		end(stream);
}

void service_stream_close(struct service_stream *stream)
{
	if (!stream)
		return;
	right_end(&stream->right);
	event_unfollow(stream->follower);
	free(stream);
}
