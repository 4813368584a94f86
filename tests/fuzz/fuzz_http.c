/* A connection of any bytes, cut anywhere, to a real server over a socket pair: no crash, every answer is one of HTTP,
 * handlers are told of each end exactly once, and nothing stays. The first byte chooses how the rest is cut. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/cleanup.h"
#include "http/content.h"
#include "http/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TURNS_MAX = 2000, BODY_MAX = 4096 };

static uv_loop_t loop;
static struct http_server *server;
/* Requests under way: begun, and held back by handler or authenticator. */
static int under_way;
static struct http_request *held;
static struct http_request *paused;

static void start(struct http_request *request)
{
	(void)request;
	under_way++;
}

static void end(struct http_request *request)
{
	size_t len;
	const char *body = http_request_body(request, &len);
	const char *q = http_request_query(request, "q");
	const struct http_header header = { "X-Q", q ? q : "" };
	struct http_text id = http_request_param(request, "id");
	assert(id.len > 0);
	http_reply(request,
		   &(struct http_reply){
			   .status = 200, .headers = &header, .header_count = 1, .body = body, .body_len = len });
}

static void closed(struct http_request *request, enum http_outcome outcome)
{
	(void)outcome;
	assert(under_way > 0);
	under_way--;
	held = held == request ? NULL : held;
	paused = paused == request ? NULL : paused;
}

static void hold(struct http_request *request)
{
	held = request;
}

static void pausing_body(struct http_request *request, const char *bytes, size_t len)
{
	(void)bytes;
	assert(len > 0 && paused != request);
	http_request_pause(request);
	paused = request;
}

static void give(struct http_request *request, uint64_t offset, size_t len)
{
	static const char content[5000];
	assert(offset + len <= sizeof content);
	http_content_give(request, content + offset, len);
}

static void content(struct http_request *request)
{
	under_way++;
	http_reply_content(request, &(struct http_content){ .size_bytes = 5000, .etag = "\"a\"", .want = give });
}

static void events(struct http_request *request)
{
	under_way++;
	http_events_begin(request);
	http_event_send(request, &(struct http_event){ .data = "x", .data_len = 1 });
	http_stream_end(request);
}

static const struct http_handler echo_handler = { .on_start = start, .on_end = end, .on_close = closed };
static const struct http_handler hold_handler = { .on_start = start, .on_end = hold, .on_close = closed };
static const struct http_handler pause_handler = {
	.on_start = start, .on_body = pausing_body, .on_end = hold, .on_close = closed
};
static const struct http_handler content_handler = { .on_start = content, .on_close = closed };
static const struct http_handler events_handler = { .on_start = events, .on_close = closed };

static const struct http_route routes[] = {
	{ HTTP_METHOD_POST, "/e/{id}", 1, HTTP_BODY_JSON | HTTP_BODY_EMPTY, BODY_MAX, &echo_handler, "e", NULL },
	{ HTTP_METHOD_GET, "/e/{id}", 1, 0, 0, &echo_handler, "g", NULL },
	{ HTTP_METHOD_GET, "/h", 1, 0, 0, &hold_handler, "h", NULL },
	{ HTTP_METHOD_PUT, "/p", 2, HTTP_BODY_BYTES, BODY_MAX, &pause_handler, "p", NULL },
	{ HTTP_METHOD_GET, "/c", 1, 0, 0, &content_handler, "c", NULL },
	{ HTTP_METHOD_GET, "/s", 1, 0, 0, &events_handler, "s", NULL },
};

static enum http_auth authenticate(void *owner, struct http_request *request, int scope)
{
	(void)owner;
	if (scope == 2 && http_request_header(request, "authorization")) {
		http_reply_error(request, 401, NULL);
		return HTTP_AUTH_ANSWERED;
	}
	return HTTP_AUTH_ADMIT;
}

static void make_server(void)
{
	static const struct http_server_ops ops = { .authenticate = authenticate };
	struct http_router *router;
	struct err err;
	(void)uv_loop_init(&loop);
	if (http_router_new(routes, ARRAY_LEN(routes), &router, &err))
		abort();
	const struct http_server_spec spec = {
		.loop = &loop, .router = router, .ops = &ops, .limits = http_limits_default()
	};
	if (http_server_new(&spec, &server, &err))
		abort();
}

/* One turn of the loop, in which what was held back goes on. */
static void turn(int fd, bool *answered)
{
	char answer[8192];
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	ssize_t n = recv(fd, answer, sizeof answer, MSG_DONTWAIT);
	assert(*answered || n < 9 || memcmp(answer, "HTTP/1.1 ", 9) == 0);
	*answered = *answered || n > 0;
	if (paused)
		http_request_resume(steal_ptr(&paused));
	if (held)
		http_reply(steal_ptr(&held), &(struct http_reply){ .status = 204 });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fds[2];
	struct err err;
	bool answered = false;
	if (size < 2)
		return 0;
	if (!server)
		make_server();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
		abort();
	if (http_server_adopt(server, fds[0], &err))
		abort();
	size_t piece = data[0] ? data[0] : SIZE_MAX;
	for (size_t at = 1; at < size;) {
		size_t len = size - at < piece ? size - at : piece;
		ssize_t n = send(fds[1], data + at, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			break;
		at += n > 0 ? (size_t)n : 0;
		turn(fds[1], &answered);
	}
	(void)shutdown(fds[1], SHUT_WR);
	for (int i = 0; i < TURNS_MAX && http_server_connections(server) > 0; i++)
		turn(fds[1], &answered);
	(void)close(fds[1]);
	for (int i = 0; i < TURNS_MAX && http_server_connections(server) > 0; i++)
		(void)uv_run(&loop, UV_RUN_NOWAIT);
	assert(http_server_connections(server) == 0 && under_way == 0);
	return 0;
}
