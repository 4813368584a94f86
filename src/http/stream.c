/* Streamed answers, and event streams on top of them. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "http/server_priv.h"

void http_stream_begin(struct http_request *request, const struct http_reply *reply, uint64_t length)
{
	size_t before = request->conn->out.len;
	request->stream_left = length;
	if (!response_head(request, reply, length))
		request->stream_left = 0;
	request->sent = request->conn->out.len - before;
	request->wants_drained = request->on_drained != NULL;
	conn_ready(request->conn);
}

/* A stream that has a length must keep to it, or the client takes the next answer for a part of this one. */
static size_t take_from_length(struct http_request *request, size_t len)
{
	if (request->stream_left == HTTP_LENGTH_UNKNOWN)
		return len;
	if (len > request->stream_left)
		len = (size_t)request->stream_left;
	request->stream_left -= len;
	return len;
}

bool http_stream_write(struct http_request *request, const void *bytes, size_t len)
{
	struct http_conn *conn = request->conn;
	struct strbuf *out = &conn->out;
	char size[20];
	assert(request->status != 0 && !request->ended);
	len = take_from_length(request, len);
	if (len == 0 || conn->doomed)
		return true;
	size_t before = out->len;
	if (request->chunked)
		strbuf_add(out, size, (size_t)snprintf(size, sizeof size, "%zx\r\n", len));
	strbuf_add(out, bytes, len);
	if (request->chunked)
		strbuf_add(out, "\r\n", 2);
	request->sent += out->len - before;
	request->wants_drained = request->on_drained != NULL;
	/* Counted by what waited before: one large piece is fine, the next one on top of it is not. */
	size_t most = conn->server->limits.stream_bytes;
	if (before - conn->out_sent > most)
		conn->doomed = true;
	conn_ready(conn);
	return conn_waiting(conn) < most / 2;
}

size_t http_stream_waiting(const struct http_request *request)
{
	return conn_waiting(request->conn);
}

void http_stream_end(struct http_request *request)
{
	assert(request->status != 0 && !request->ended);
	if (request->chunked && request->method != HTTP_METHOD_HEAD)
		strbuf_add(&request->conn->out, "0\r\n\r\n", 5);
	/* Bytes that were promised and did not come must not look like an answer. */
	if (request->stream_left != HTTP_LENGTH_UNKNOWN && request->stream_left > 0)
		http_stream_abort(request);
	else
		response_end(request);
}

void http_stream_abort(struct http_request *request)
{
	request->conn->doomed = true;
	request->outcome = HTTP_OUTCOME_FAILED;
	conn_ready(request->conn);
}

/* -- server-sent events -------------------------------------------------------------------------- */

const char *http_events_last_id(const struct http_request *request)
{
	return http_request_header(request, "last-event-id");
}

void http_events_begin(struct http_request *request)
{
	/* Proxies must neither keep events back nor replay them. */
	static const struct http_header headers[] = { { "Cache-Control", "no-store" }, { "X-Accel-Buffering", "no" } };
	http_stream_begin(request,
			  &(struct http_reply){ .status = 200,
						.content_type = "text/event-stream",
						.headers = headers,
						.header_count = ARRAY_LEN(headers) },
			  HTTP_LENGTH_UNKNOWN);
	request->is_events = true;
	head_free(request->head);
	request->head = NULL;
	strbuf_done(&request->added);
	strbuf_done(&request->body);
}

static void add_line(struct strbuf *out, const char *field, const char *text, size_t len)
{
	strbuf_add_str(out, field);
	strbuf_add(out, ": ", 2);
	strbuf_add(out, text, len);
	strbuf_add(out, "\n", 1);
}

void http_event_render(struct strbuf *out, const struct http_event *event)
{
	if (event->id)
		add_line(out, "id", event->id, strcspn(event->id, "\r\n"));
	if (event->name)
		add_line(out, "event", event->name, strcspn(event->name, "\r\n"));
	const char *line = event->data, *end = event->data + event->data_len;
	do {
		size_t len = 0;
		while (line + len < end && line[len] != '\n' && line[len] != '\r')
			len++;
		add_line(out, "data", line, len);
		line += len;
		/* CR LF is one line end. */
		line += end - line > 1 && line[0] == '\r' && line[1] == '\n' ? 2 : 1;
	} while (line < end);
	strbuf_add(out, "\n", 1);
}

void http_event_send(struct http_request *request, const struct http_event *event)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(HTTP_OUTPUT_MAX);
	http_event_render(&text, event);
	if (text.failed)
		http_stream_abort(request);
	else
		(void)http_stream_write(request, text.data, text.len);
}
