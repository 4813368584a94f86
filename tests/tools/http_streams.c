/* Answers that take their time: streams, a file, events. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "http/content.h"
#include "http_server.h"

enum { PIECE = 16 * 1024 };

/* -- streams ----------------------------------------------------------------------------------------- */

struct stream {
	uint64_t left;
};

static void stream_start(struct http_request *request)
{
	struct stream *s = calloc(1, sizeof *s);
	const char *bytes = http_request_query(request, "bytes");
	if (!s)
		abort();
	s->left = bytes ? strtoull(bytes, NULL, 10) : 0;
	http_request_set_context(request, s);
	http_stream_begin(request, &(struct http_reply){ .status = 200, .content_type = "application/octet-stream" },
			  http_request_query(request, "length") ? s->left : HTTP_LENGTH_UNKNOWN);
	if (s->left == 0)
		http_stream_end(request);
}

static void stream_more(struct http_request *request)
{
	static const char zeros[PIECE];
	struct stream *s = http_request_context(request);
	bool room = true;
	while (s->left > 0 && room) {
		size_t len = s->left < PIECE ? (size_t)s->left : PIECE;
		s->left -= len;
		room = http_stream_write(request, zeros, len);
	}
	if (s->left == 0)
		http_stream_end(request);
}

static void stream_close(struct http_request *request, enum http_outcome outcome)
{
	count_close(request, outcome);
	free(http_request_context(request));
}

static unsigned char file_byte(uint64_t n)
{
	return (unsigned char)(n * 7 + n / 251);
}

/* A read that takes its time, as of a disk. */
struct reading {
	uint64_t offset;
	size_t len;
};

static void give_piece(struct http_request *request)
{
	const struct reading *r = http_request_context(request);
	unsigned char piece[64 * 1024];
	size_t len = r->len < sizeof piece ? r->len : sizeof piece;
	for (size_t i = 0; i < len; i++)
		piece[i] = file_byte(r->offset + i);
	http_content_give(request, piece, len);
}

static void want_piece(struct http_request *request, uint64_t offset, size_t len)
{
	struct reading *r = http_request_context(request);
	*r = (struct reading){ offset, len };
	wait_then(request, 1, give_piece);
}

static void file_start(struct http_request *request)
{
	const struct http_content content = { .size_bytes = query_number(request, "size", FILE_BYTES),
					      .etag = "\"v1\"",
					      .content_type = "audio/wav",
					      .last_modified = "Mon, 01 Jun 2026 10:00:00 GMT",
					      .want = want_piece };
	http_request_set_context(request, calloc(1, sizeof(struct reading)));
	http_reply_content(request, &content);
}

/* -- events ------------------------------------------------------------------------------------------ */

struct subscriber {
	struct subscriber *next;
	struct http_request *request;
};

static void send_one(struct http_request *request, unsigned number)
{
	char id[16], data[32];
	(void)snprintf(id, sizeof id, "%u", number);
	int len = snprintf(data, sizeof data, "event %u\nline 2", number);
	http_event_send(request,
			&(struct http_event){ .id = id, .name = "tick", .data = data, .data_len = (size_t)len });
}

static void events_start(struct http_request *request)
{
	struct app *app = app_of(request);
	struct subscriber *s = calloc(1, sizeof *s);
	const char *last = http_events_last_id(request);
	unsigned seen = last ? (unsigned)strtoul(last, NULL, 10) : app->last_event;
	if (!s)
		abort();
	*s = (struct subscriber){ app->subscribers, request };
	app->subscribers = s;
	http_request_set_context(request, s);
	http_events_begin(request);
	while (seen < app->last_event)
		send_one(request, ++seen);
}

static void events_close(struct http_request *request, enum http_outcome outcome)
{
	struct subscriber **place = &app_of(request)->subscribers;
	count_close(request, outcome);
	while ((*place)->request != request)
		place = &(*place)->next;
	struct subscriber *gone = *place;
	*place = gone->next;
	free(gone);
}

static void tick_end(struct http_request *request)
{
	struct app *app = app_of(request);
	unsigned times = query_number(request, "times", 1), count = 0;
	for (unsigned i = 0; i < times; i++) {
		app->last_event++;
		count = 0;
		for (struct subscriber *s = app->subscribers; s; s = s->next, count++)
			send_one(s->request, app->last_event);
	}
	reply_text(request, 200, "{\"subscribers\":%u}", count);
}

const struct http_handler stream_handler = { .on_start = stream_start,
					     .on_drained = stream_more,
					     .on_close = stream_close };
const struct http_handler file_handler = { .on_start = file_start, .on_close = stream_close };
const struct http_handler events_handler = { .on_start = events_start, .on_close = events_close };
const struct http_handler tick_handler = { .on_end = tick_end };
