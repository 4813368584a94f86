/*
 * What a route's handler is: callbacks that the server makes for one request, all on the loop's thread.
 *
 *     on_start     the request is admitted, its body has not been read
 *     on_body      bytes of the body, as they come
 *     on_end       the body is complete
 *     on_drained   what was written of a streamed answer is sent: there is room for more
 *     on_stopping  the server drains and the event stream is open: end it soon; without this, it is ended at once
 *     on_close     the request is over, whatever became of it; the last call, made exactly once after on_start's turn
 *
 * A handler never blocks. It answers (response.h) in any of the first three, or later from any callback on the loop:
 * what blocks goes to a pool (work.h), whose `done` runs on the loop. After the answer, or after on_close, the request
 * must not be touched any more; so whoever works for a request elsewhere learns from on_close that it is gone. Once a
 * handler has answered, neither on_body nor on_end come.
 */
#ifndef TIRO_HTTP_HANDLER_H
#define TIRO_HTTP_HANDLER_H

#include <stddef.h>

struct http_request;

enum http_outcome {
	HTTP_OUTCOME_ANSWERED, /* the whole answer was given to the connection */
	HTTP_OUTCOME_HUNG_UP, /* the client went away first, or was too slow */
	HTTP_OUTCOME_FAILED /* the server refused the rest of the request: malformed, or too large */
};

struct http_handler {
	void (*on_start)(struct http_request *request); /* NULL: nothing to do */
	/* NULL: the room collects the body, see http_request_body. */
	void (*on_body)(struct http_request *request, const char *bytes, size_t len);
	void (*on_end)(struct http_request *request); /* NULL only where on_start always answers */
	void (*on_drained)(struct http_request *request); /* NULL: nothing is streamed */
	void (*on_stopping)(struct http_request *request); /* NULL: event streams are ended */
	void (*on_close)(struct http_request *request, enum http_outcome outcome); /* NULL: nothing to release */
};

/* The same news for others than the handler; embedded in the listener's own object. */
struct http_watch {
	struct http_watch *next;
	void (*on_gone)(struct http_watch *watch);
};

#endif
