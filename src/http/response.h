/*
 * Answers: whole, streamed, or as server-sent events. Exactly one per request; all on the loop's thread.
 *
 * Nothing is sent from within these calls: bytes are kept by the connection and go out at the end of the loop's turn.
 * So they never fail and never free the request under their caller's feet; a client that is gone shows in on_close.
 */
#ifndef TIRO_HTTP_RESPONSE_H
#define TIRO_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "http/request.h"

struct http_header {
	const char *name;
	const char *value; /* control characters are sent as blanks */
};

struct http_reply {
	int status;
	const char *content_type; /* NULL: none */
	const struct http_header *headers; /* replace the server's own of the same name */
	size_t header_count;
	const void *body; /* copied; left out for HEAD, but its length is told */
	size_t body_len;
};

/* "Not Found"; never NULL. */
const char *http_status_text(int status);

/* A header line of whatever answer follows, an error's too (Set-Cookie, X-RateLimit-Remaining). Copied; before the
 * answer begins. It is added to what the server and the answer have of that name. */
void http_add_header(struct http_request *request, const char *name, const char *value);

/* Answers with all of it. The request is over for its handler. */
void http_reply(struct http_request *request, const struct http_reply *reply);

/* Answers with a status and a JSON text, the common case. */
void http_reply_json(struct http_request *request, int status, const struct strbuf *json);

/* Answers with an error in the shape that the server's owner gives it (server.h). `message` is for the user. */
void http_reply_error(struct http_request *request, int status, const char *message);

/* The same with one header more (WWW-Authenticate, Allow, Retry-After). */
void http_reply_error_with(struct http_request *request, int status, const char *message,
			   const struct http_header *header);

/* -- streams --------------------------------------------------------------------------------------- */

#define HTTP_LENGTH_UNKNOWN UINT64_MAX

/* Begins a streamed answer; `reply->body` is not looked at. With a length, exactly so many bytes must follow; without,
 * they are chunked (HTTP/1.1) or ended by closing (1.0). Bytes of an answer to HEAD are dropped. */
void http_stream_begin(struct http_request *request, const struct http_reply *reply, uint64_t length);

/* Adds bytes. False: a good part of stream_bytes waits already, stop until on_drained; a writer that goes on until
 * stream_bytes wait loses the client. */
bool http_stream_write(struct http_request *request, const void *bytes, size_t len);

/* Bytes that wait to be sent. */
size_t http_stream_waiting(const struct http_request *request);

/* The answer is complete. */
void http_stream_end(struct http_request *request);

/* It cannot be completed: the connection breaks off, so that the client notices. */
void http_stream_abort(struct http_request *request);

/* -- server-sent events (HTML standard, section 9.2) ------------------------------------------------ */

struct http_event {
	const char *id; /* NULL: none; no line ends */
	const char *name; /* NULL: "message" */
	const char *data; /* may have several lines */
	size_t data_len;
};

/* What the client saw last, from Last-Event-ID; NULL at the first time. Before http_events_begin. */
const char *http_events_last_id(const struct http_request *request);

/* Begins an event stream. What the request held (path, headers, query) is released, so that an idle stream costs
 * little. Comments keep it alive; a drain ends it (http/handler.h), and the client comes back to another server. One
 * asked for with HEAD is over by the next turn of the loop. */
void http_events_begin(struct http_request *request);

/* Writes an event's text, to be sent to many streams. */
void http_event_render(struct strbuf *out, const struct http_event *event);

/* Sends one event. A client that takes too few is dropped, and resumes by its last id. End with http_stream_end. */
void http_event_send(struct http_request *request, const struct http_event *event);

#endif
