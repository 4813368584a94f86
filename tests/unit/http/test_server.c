#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/cleanup.h"
#include "http/server.h"

enum { ANSWER_MAX = 100000, TURNS = 50 };

/* One server with one connection, both in this process. */
struct fixture {
	uv_loop_t loop;
	struct http_router *router;
	struct http_server *server;
	int fd; /* the client's end */
	struct http_request *held; /* by the route /hold or the authenticator; NULL: gone */
	struct http_watch watch;
	int gone;
	int logged;
	enum http_outcome outcome;
	struct err err;
	char answer[ANSWER_MAX];
};

static struct fixture *fixture_of(const struct http_request *request)
{
	return http_server_owner(http_request_server(request));
}

static void hello(struct http_request *request)
{
	http_reply(request, &(struct http_reply){ .status = 200, .body = "hello", .body_len = 5 });
}

static void hold(struct http_request *request)
{
	fixture_of(request)->held = request;
}

static void hold_close(struct http_request *request, enum http_outcome outcome)
{
	struct fixture *f = fixture_of(request);
	f->held = NULL;
	f->outcome = outcome;
	f->gone++;
}

static void short_stream(struct http_request *request)
{
	http_stream_begin(request, &(struct http_reply){ .status = 200 }, 100);
	(void)http_stream_write(request, "too little", 10);
	http_stream_end(request);
}

static void long_stream(struct http_request *request)
{
	http_stream_begin(request, &(struct http_reply){ .status = 200 }, 3);
	(void)http_stream_write(request, "too much", 8);
	http_stream_end(request);
}

static void events(struct http_request *request)
{
	hold(request);
	http_events_begin(request);
	http_event_send(request,
			&(struct http_event){ .id = "7\nx", .name = "n", .data = "a\r\nb\nc\r", .data_len = 7 });
}

static const struct http_handler hello_handler = { .on_end = hello };
static const struct http_handler hold_handler = { .on_end = hold, .on_close = hold_close };
static const struct http_handler short_handler = { .on_end = short_stream };
static const struct http_handler long_handler = { .on_end = long_stream };
static const struct http_handler events_handler = { .on_end = events, .on_close = hold_close };

static const struct http_route routes[] = {
	{ HTTP_METHOD_GET, "/hello", 1, 0, 0, &hello_handler, "hello", NULL },
	{ HTTP_METHOD_GET, "/hold", 1, 0, 0, &hold_handler, "hold", NULL },
	{ HTTP_METHOD_GET, "/later", 2, 0, 0, &hello_handler, "later", NULL },
	{ HTTP_METHOD_GET, "/short", 1, 0, 0, &short_handler, "short", NULL },
	{ HTTP_METHOD_GET, "/long", 1, 0, 0, &long_handler, "long", NULL },
	{ HTTP_METHOD_GET, "/events", 1, 0, 0, &events_handler, "events", NULL },
};

static void on_gone(struct http_watch *watch)
{
	struct fixture *f = (struct fixture *)(void *)((char *)watch - offsetof(struct fixture, watch));
	f->held = NULL;
	f->gone++;
}

static enum http_auth authenticate(void *owner, struct http_request *request, int scope)
{
	struct fixture *f = owner;
	if (scope == 1)
		return HTTP_AUTH_ADMIT;
	f->held = request;
	f->watch.on_gone = on_gone;
	http_request_watch(request, &f->watch);
	return HTTP_AUTH_LATER;
}

static void on_access(void *owner, const struct http_access *access)
{
	(void)access;
	((struct fixture *)owner)->logged++;
}

static const struct http_server_ops ops = { .authenticate = authenticate, .on_access = on_access };

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof *f);
	int fds[2];
	*state = f;
	(void)uv_loop_init(&f->loop);
	struct http_server_spec spec = { .loop = &f->loop, .ops = &ops, .owner = f, .limits = http_limits_default() };
	if (http_router_new(routes, ARRAY_LEN(routes), &f->router, &f->err))
		return -1;
	spec.router = f->router;
	if (http_server_new(&spec, &f->server, &f->err) || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		return -1;
	f->fd = fds[1];
	return http_server_adopt(f->server, fds[0], &f->err) ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	http_server_free(f->server);
	http_router_free(f->router);
	int left = uv_loop_close(&f->loop);
	if (f->fd >= 0)
		(void)close(f->fd);
	test_free(f);
	return left;
}

static void turn(struct fixture *f)
{
	for (int i = 0; i < TURNS; i++)
		(void)uv_run(&f->loop, UV_RUN_NOWAIT);
}

/* Sends a request and returns what has been answered by then, as text. */
static const char *ask(struct fixture *f, const char *path)
{
	char request[256];
	int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
	if (path[0])
		assert_int_equal(write(f->fd, request, (size_t)len), len);
	turn(f);
	ssize_t n = recv(f->fd, f->answer, sizeof f->answer - 1, MSG_DONTWAIT);
	f->answer[n > 0 ? n : 0] = '\0';
	return f->answer;
}

static bool is_closed(struct fixture *f)
{
	char byte;
	turn(f);
	return recv(f->fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void a_request_may_be_answered_from_outside(void **state)
{
	struct fixture *f = *state;
	assert_string_equal(ask(f, "/hold"), "");
	assert_non_null(f->held);
	hello(f->held);
	assert_non_null(strstr(ask(f, ""), "\r\n\r\nhello"));
	assert_null(f->held);
	assert_int_equal(f->outcome, HTTP_OUTCOME_ANSWERED);
	assert_int_equal(f->logged, 1);
	assert_non_null(strstr(ask(f, "/hello"), "\r\n\r\nhello"));
}

static void a_handler_learns_that_the_client_has_gone(void **state)
{
	struct fixture *f = *state;
	(void)ask(f, "/hold");
	(void)close(f->fd);
	f->fd = -1;
	turn(f);
	assert_null(f->held);
	assert_int_equal(f->outcome, HTTP_OUTCOME_HUNG_UP);
	assert_int_equal(http_server_connections(f->server), 0);
}

static void an_authenticator_may_take_its_time(void **state)
{
	struct fixture *f = *state;
	assert_string_equal(ask(f, "/later"), "");
	http_request_unwatch(f->held, &f->watch);
	http_request_admit(f->held);
	assert_non_null(strstr(ask(f, ""), "\r\n\r\nhello"));
}

static void an_authenticator_may_refuse_later(void **state)
{
	struct fixture *f = *state;
	(void)ask(f, "/later");
	http_reply_error(f->held, 401, "no");
	assert_non_null(strstr(ask(f, ""), " 401 Unauthorized\r\n"));
	assert_int_equal(f->gone, 1);
	assert_non_null(strstr(ask(f, "/hello"), "\r\n\r\nhello"));
}

static void an_authenticator_learns_that_the_client_has_gone(void **state)
{
	struct fixture *f = *state;
	(void)ask(f, "/later");
	(void)shutdown(f->fd, SHUT_RDWR);
	turn(f);
	assert_int_equal(f->gone, 1);
}

static void a_stream_that_breaks_its_promise_is_broken_off(void **state)
{
	struct fixture *f = *state;
	(void)ask(f, "/short");
	assert_true(is_closed(f));
}

static void a_stream_never_sends_more_than_it_promised(void **state)
{
	struct fixture *f = *state;
	const char *answer = ask(f, "/long");
	assert_string_equal(answer + strlen(answer) - 7, "\r\n\r\ntoo");
	assert_non_null(strstr(ask(f, "/hello"), "\r\n\r\nhello"));
}

static void events_are_written_line_by_line(void **state)
{
	struct fixture *f = *state;
	const char *answer = ask(f, "/events");
	assert_non_null(strstr(answer, "Content-Type: text/event-stream\r\n"));
	assert_non_null(strstr(answer, "\r\nid: 7\nevent: n\ndata: a\ndata: b\ndata: c\n\n\r\n"));
	assert_string_equal(http_request_path(f->held), "");
	assert_null(http_request_header(f->held, "host"));
	http_stream_end(f->held);
	assert_string_equal(ask(f, ""), "0\r\n\r\n");
	assert_non_null(strstr(ask(f, "/hello"), "\r\n\r\nhello"));
}

static void events_asked_for_with_head_are_over(void **state)
{
	struct fixture *f = *state;
	static const char request[] = "HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n";
	assert_int_equal(write(f->fd, request, sizeof request - 1), sizeof request - 1);
	const char *answer = ask(f, "/hello");
	const char *first_end = strstr(answer, "\r\n\r\n");
	assert_non_null(strstr(answer, "Content-Type: text/event-stream\r\n"));
	assert_memory_equal(first_end + 4, "HTTP/1.1 200 OK\r\n", 17);
	assert_int_equal(f->gone, 1);
	assert_int_equal(f->outcome, HTTP_OUTCOME_ANSWERED);
}

static void who_reads_no_events_is_dropped(void **state)
{
	struct fixture *f = *state;
	static const char data[8192];
	(void)ask(f, "/events");
	for (int i = 0; i < 1000 && f->held; i++) {
		http_event_send(f->held, &(struct http_event){ .data = data, .data_len = sizeof data });
		turn(f);
	}
	assert_null(f->held);
	assert_int_equal(f->outcome, HTTP_OUTCOME_HUNG_UP);
}

/* With bytes that wait all the time it is never dropped, whatever it has taken in all. */
static void who_is_always_behind_a_little_is_kept(void **state)
{
	struct fixture *f = *state;
	enum { PIECE = 8 * 1024, BEHIND = HTTP_STREAM_MAX - PIECE }; /* more than a socket takes at once */
	static char data[PIECE];
	(void)ask(f, "/events");
	for (size_t sent = 0, taken = 0; sent < HTTP_OUTPUT_MAX + PIECE || taken < HTTP_OUTPUT_MAX;) {
		while (http_stream_waiting(f->held) < BEHIND) {
			http_event_send(f->held, &(struct http_event){ .data = data, .data_len = sizeof data });
			sent += sizeof data;
			turn(f);
			assert_non_null(f->held);
		}
		ssize_t n = recv(f->fd, f->answer, ANSWER_MAX, MSG_DONTWAIT);
		assert_true(n > 0);
		taken += (size_t)n;
		turn(f);
		assert_true(http_stream_waiting(f->held) > 0);
	}
	http_stream_abort(f->held);
}

static void a_drain_ends_streams_and_idle_connections(void **state)
{
	struct fixture *f = *state;
	(void)ask(f, "/events");
	http_server_drain(f->server, 1000);
	assert_string_equal(ask(f, ""), "0\r\n\r\n");
	assert_true(is_closed(f));
	assert_int_equal(f->gone, 1);
}

static void a_drain_finishes_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	(void)ask(f, "/hold");
	http_server_drain(f->server, 1000);
	turn(f);
	hello(f->held);
	const char *answer = ask(f, "");
	assert_non_null(strstr(answer, "Connection: close\r\n"));
	assert_non_null(strstr(answer, "\r\n\r\nhello"));
	assert_true(is_closed(f));
}

static void freeing_a_server_tells_the_handlers(void **state)
{
	struct fixture *f = *state;
	(void)ask(f, "/hold");
	http_server_free(f->server);
	f->server = NULL;
	assert_int_equal(f->gone, 1);
	assert_int_equal(f->outcome, HTTP_OUTCOME_HUNG_UP);
}

static void addresses_are_checked(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = {
		"",	  ":",	   "127.0.0.1",	   "127.0.0.1:",    "localhost:80", "127.0.0.1:99999",
		"::1:80", "[::1]", "127.0.0.1:8x", "[127.0.0.1]:1", ":8080"
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(http_server_listen(f->server, bad[i], &f->err), ERR_INVALID);
	assert_int_equal(http_server_listen(f->server, "127.0.0.1:0", &f->err), ERR_OK);
	assert_int_not_equal(http_server_port(f->server), 0);
	char taken[32];
	(void)snprintf(taken, sizeof taken, "127.0.0.1:%u", http_server_port(f->server));
	assert_int_equal(http_server_listen(f->server, taken, &f->err), ERR_UNAVAILABLE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_request_may_be_answered_from_outside),
		CASE(a_handler_learns_that_the_client_has_gone),
		CASE(an_authenticator_may_take_its_time),
		CASE(an_authenticator_may_refuse_later),
		CASE(an_authenticator_learns_that_the_client_has_gone),
		CASE(a_stream_that_breaks_its_promise_is_broken_off),
		CASE(a_stream_never_sends_more_than_it_promised),
		CASE(events_are_written_line_by_line),
		CASE(events_asked_for_with_head_are_over),
		CASE(who_reads_no_events_is_dropped),
		CASE(who_is_always_behind_a_little_is_kept),
		CASE(a_drain_ends_streams_and_idle_connections),
		CASE(a_drain_finishes_what_is_under_way),
		CASE(freeing_a_server_tells_the_handlers),
		CASE(addresses_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
