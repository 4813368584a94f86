/* A stream to a client that reads all the time, in a thread of its own: what the other tests cannot show, because in
 * them nothing moves between two calls of the server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/cleanup.h"
#include "http/server.h"

/* Little waits at a time, so that it often goes between two looks at the socket. */
enum { PIECE = 4096, STREAM_BYTES = 32 * 1024 * 1024, STREAMS = 24, STALL_MS = 10000 };

struct fixture {
	uv_loop_t loop;
	uv_timer_t stall; /* ends a run in which nothing happens any more */
	struct http_server *server;
	int fd; /* the client's end */
	uint64_t read_bytes; /* the reader's, until it has ended */
	size_t left; /* to be streamed */
	bool closed;
	bool stalled;
};

static void stream_more(struct http_request *request)
{
	static const char zeros[PIECE];
	struct fixture *f = http_request_context(request);
	bool room = true;
	while (f->left > 0 && room) {
		f->left -= sizeof zeros;
		room = http_stream_write(request, zeros, sizeof zeros);
	}
	if (f->left == 0)
		http_stream_end(request);
}

static void stream_start(struct http_request *request)
{
	struct fixture *f = http_server_owner(http_request_server(request));
	http_request_set_context(request, f);
	http_stream_begin(request, &(struct http_reply){ .status = 200 }, STREAM_BYTES);
}

static void stream_close(struct http_request *request, enum http_outcome outcome)
{
	struct fixture *f = http_request_context(request);
	f->closed = outcome == HTTP_OUTCOME_ANSWERED;
}

static const struct http_handler handler = { .on_start = stream_start,
					     .on_drained = stream_more,
					     .on_close = stream_close };
static const struct http_route routes[] = { { HTTP_METHOD_GET, "/", 1, 0, 0, &handler, "stream", NULL } };

static enum http_auth authenticate(void *owner, struct http_request *request, int scope)
{
	(void)owner, (void)request, (void)scope;
	return HTTP_AUTH_ADMIT;
}

static void *read_everything(void *arg)
{
	struct fixture *f = arg;
	static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	char buffer[PIECE];
	ssize_t n = write(f->fd, request, sizeof request - 1);
	while (n > 0) {
		n = read(f->fd, buffer, sizeof buffer);
		f->read_bytes += n > 0 ? (uint64_t)n : 0;
	}
	(void)shutdown(f->fd, SHUT_RDWR);
	return NULL;
}

static void on_stall(uv_timer_t *timer)
{
	struct fixture *f = timer->data;
	f->stalled = true;
	(void)shutdown(f->fd, SHUT_RDWR);
}

static void stream_once(struct fixture *f)
{
	int fds[2];
	pthread_t reader;
	struct err err;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	f->fd = fds[1];
	f->left = STREAM_BYTES;
	f->read_bytes = 0;
	f->closed = false;
	assert_int_equal(http_server_adopt(f->server, fds[0], &err), ERR_OK);
	assert_int_equal(uv_timer_start(&f->stall, on_stall, STALL_MS, 0), 0);
	assert_int_equal(pthread_create(&reader, NULL, read_everything, f), 0);
	while (http_server_connections(f->server) > 0)
		(void)uv_run(&f->loop, UV_RUN_ONCE);
	(void)pthread_join(reader, NULL);
	(void)close(fds[1]);
	assert_false(f->stalled);
	assert_true(f->closed);
	assert_true(f->read_bytes > STREAM_BYTES);
}

static void a_stream_never_stalls_before_a_quick_reader(void **state)
{
	(void)state;
	static const struct http_server_ops ops = { .authenticate = authenticate };
	struct fixture f = { .left = 0 };
	struct http_router *router;
	struct err err;
	assert_int_equal(uv_loop_init(&f.loop), 0);
	assert_int_equal(uv_timer_init(&f.loop, &f.stall), 0);
	f.stall.data = &f;
	assert_int_equal(http_router_new(routes, ARRAY_LEN(routes), &router, &err), ERR_OK);
	struct http_server_spec spec = {
		.loop = &f.loop, .router = router, .ops = &ops, .owner = &f, .limits = http_limits_default()
	};
	spec.limits.stream_bytes = 2 * PIECE;
	assert_int_equal(http_server_new(&spec, &f.server, &err), ERR_OK);
	for (int i = 0; i < STREAMS; i++)
		stream_once(&f);
	http_server_free(f.server);
	http_router_free(router);
	uv_close((uv_handle_t *)&f.stall, NULL);
	(void)uv_run(&f.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f.loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_stream_never_stalls_before_a_quick_reader) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
