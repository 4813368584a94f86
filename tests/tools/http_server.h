/* A server for the tests and the benchmark: one route for each thing that src/http can do. */
#ifndef TIRO_TESTS_TOOLS_HTTP_SERVER_H
#define TIRO_TESTS_TOOLS_HTTP_SERVER_H

#include <stdio.h>

#include "base/cleanup.h"
#include "http/server.h"
#include "http/work.h"

enum scope { SCOPE_OPEN = 1, SCOPE_TOKEN };

enum {
	EVENTS_KEPT = 64, /* for resume */
	FILE_BYTES = 300 * 1000 /* of /file; byte n is n * 7 + n / 251 */
};

struct subscriber;

/* What the routes share. */
struct app {
	struct uv_loop_s *loop;
	struct http_server *server;
	struct http_pool *pool;
	struct subscriber *subscribers;
	FILE *log;
	unsigned last_event;
	unsigned closed[3]; /* requests by enum http_outcome */
};

extern const struct http_route test_routes[];
extern const size_t test_route_count;

/* Of http_streams.c. */
extern const struct http_handler stream_handler, file_handler, events_handler, tick_handler;

struct app *app_of(const struct http_request *request);
void reply_text(struct http_request *request, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A number in the query. */
unsigned query_number(const struct http_request *request, const char *name, unsigned fallback);
/* An on_close that counts. */
void count_close(struct http_request *request, enum http_outcome outcome);

/* Sleeps in the pool, then calls `then` on the loop unless the request has gone meanwhile. */
void wait_then(struct http_request *request, unsigned ms, void (*then)(struct http_request *request));

#endif
