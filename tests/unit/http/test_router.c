#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "http/handler.h"
#include "http/route.h"

static void end(struct http_request *request)
{
	(void)request;
}

static void body(struct http_request *request, const char *bytes, size_t len)
{
	(void)request, (void)bytes, (void)len;
}

static const struct http_handler collects = { .on_end = end };
static const struct http_handler streams = { .on_body = body, .on_end = end };

#define ROW(method, pattern)                                                                                           \
	{                                                                                                              \
		HTTP_METHOD_##method, pattern, 1, 0, 0, &collects, "id", NULL                                          \
	}

static const struct http_route routes[] = {
	ROW(GET, "/"),
	ROW(GET, "/files"),
	ROW(POST, "/files"),
	ROW(GET, "/files/{id}"),
	ROW(DELETE, "/files/{id}"),
	ROW(GET, "/files/{id}/content"),
	ROW(GET, "/files/new/{kind}"),
	ROW(GET, "/files/new"),
	ROW(PUT, "/{a}/{b}/{c}"),
};

struct fixture {
	struct http_router *router;
	struct http_match match;
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof *f);
	struct err err;
	*state = f;
	return http_router_new(routes, ARRAY_LEN(routes), &f->router, &err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	http_router_free(f->router);
	test_free(f);
	return 0;
}

/* The index of the row that is found; -1: no such path; -2: not with this method. */
static int find(struct fixture *f, enum http_method method, const char *path)
{
	http_router_match(f->router, (struct http_text){ path, strlen(path) }, method, &f->match);
	if (f->match.route)
		return (int)(f->match.route - routes);
	return f->match.allowed ? -2 : -1;
}

static void assert_param(const struct fixture *f, const char *name, const char *value)
{
	const struct http_text *found = http_match_param(&f->match, name);
	assert_non_null(found);
	assert_int_equal(found->len, strlen(value));
	assert_memory_equal(found->at, value, found->len);
}

static void paths_are_matched_by_segments(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(find(f, HTTP_METHOD_GET, "/"), 0);
	assert_int_equal(find(f, HTTP_METHOD_GET, "/files"), 1);
	assert_int_equal(find(f, HTTP_METHOD_POST, "/files"), 2);
	assert_int_equal(find(f, HTTP_METHOD_GET, "/files/7"), 3);
	assert_param(f, "id", "7");
	assert_null(http_match_param(&f->match, "i"));
	assert_int_equal(find(f, HTTP_METHOD_GET, "/files/7/content"), 5);
	assert_param(f, "id", "7");
}

static void a_slash_at_the_end_makes_no_difference(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(find(f, HTTP_METHOD_GET, "/files/"), 1);
	assert_int_equal(find(f, HTTP_METHOD_GET, "/files/7/"), 3);
	assert_param(f, "id", "7");
	assert_int_equal(find(f, HTTP_METHOD_GET, "/files//"), -1);
	assert_int_equal(find(f, HTTP_METHOD_GET, "//files"), -1);
}

static void fixed_segments_go_first_and_give_way(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(find(f, HTTP_METHOD_GET, "/files/new"), 7);
	assert_int_equal(find(f, HTTP_METHOD_GET, "/files/new/x"), 6);
	assert_param(f, "kind", "x");
	/* "new" leads nowhere here; the parameter beside it does. */
	assert_int_equal(find(f, HTTP_METHOD_PUT, "/files/x/y"), 8);
	assert_param(f, "a", "files");
	assert_param(f, "c", "y");
}

static void unknown_paths_and_wrong_methods_differ(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(find(f, HTTP_METHOD_GET, "/nothing"), -1);
	assert_int_equal(find(f, HTTP_METHOD_GET, "/file"), -1);
	assert_int_equal(find(f, HTTP_METHOD_GET, "/files/7/content/x"), -1);
	assert_int_equal(find(f, HTTP_METHOD_GET, ""), -1);
	assert_int_equal(find(f, HTTP_METHOD_GET, "*"), -1);
	assert_int_equal(find(f, HTTP_METHOD_PUT, "/files"), -2);
	assert_int_equal(f->match.allowed, 1 << HTTP_METHOD_GET | 1 << HTTP_METHOD_HEAD | 1 << HTTP_METHOD_POST);
	assert_int_equal(find(f, HTTP_METHOD_OTHER, "/files"), -2);
}

static void head_goes_where_get_goes(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(find(f, HTTP_METHOD_HEAD, "/files/7"), 3);
	assert_int_equal(find(f, HTTP_METHOD_HEAD, "/a/b/c"), -2);
}

static void expect_refusal(const struct http_route *bad, size_t count, const char *what)
{
	struct http_router *router = NULL;
	struct err err;
	assert_int_equal(http_router_new(bad, count, &router, &err), ERR_INVALID);
	assert_null(router);
	if (!strstr(err.message, what))
		fail_msg("\"%s\" does not say \"%s\"", err.message, what);
}

static void rows_that_break_a_rule_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		struct http_route row;
	} bad[] = {
		{ "no method", { 0, "/a", 1, 0, 0, &collects, "id", NULL } },
		{ "who may", { HTTP_METHOD_GET, "/a", 0, 0, 0, &collects, "id", NULL } },
		{ "pattern", { HTTP_METHOD_GET, NULL, 1, 0, 0, &collects, "id", NULL } },
		{ "pattern", { HTTP_METHOD_GET, "a", 1, 0, 0, &collects, "id", NULL } },
		{ "pattern", { HTTP_METHOD_GET, "/a//b", 1, 0, 0, &collects, "id", NULL } },
		{ "pattern", { HTTP_METHOD_GET, "/{}", 1, 0, 0, &collects, "id", NULL } },
		{ "pattern", { HTTP_METHOD_GET, "/x{a}", 1, 0, 0, &collects, "id", NULL } },
		{ "pattern", { HTTP_METHOD_GET, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}", 1, 0, 0, &collects, "id", NULL } },
		{ "handler", { HTTP_METHOD_GET, "/a", 1, 0, 0, NULL, "id", NULL } },
		{ "operation id", { HTTP_METHOD_GET, "/a", 1, 0, 0, &collects, "", NULL } },
		{ "limit", { HTTP_METHOD_GET, "/a", 1, HTTP_BODY_JSON, 0, &collects, "id", NULL } },
		{ "limit", { HTTP_METHOD_GET, "/a", 1, 0, 10, &collects, "id", NULL } },
		{ "memory",
		  { HTTP_METHOD_GET, "/a", 1, HTTP_BODY_JSON, HTTP_COLLECTED_MAX + 1, &collects, "id", NULL } },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		expect_refusal(&bad[i].row, 1, bad[i].what);
	static const struct http_route twice[] = { ROW(GET, "/a/{b}"), ROW(GET, "/a/{c}") };
	expect_refusal(twice, 2, "twice");
}

static void a_streamed_body_may_be_large(void **state)
{
	(void)state;
	static const struct http_route row = { HTTP_METHOD_POST, "/a",	   1,	 HTTP_BODY_BYTES,
					       UINT64_MAX / 2,	 &streams, "id", NULL };
	struct http_router *router;
	struct err err;
	assert_int_equal(http_router_new(&row, 1, &router, &err), ERR_OK);
	http_router_free(router);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(paths_are_matched_by_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(a_slash_at_the_end_makes_no_difference, setup, teardown),
		cmocka_unit_test_setup_teardown(fixed_segments_go_first_and_give_way, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_paths_and_wrong_methods_differ, setup, teardown),
		cmocka_unit_test_setup_teardown(head_goes_where_get_goes, setup, teardown),
		cmocka_unit_test(rows_that_break_a_rule_are_refused),
		cmocka_unit_test(a_streamed_body_may_be_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
