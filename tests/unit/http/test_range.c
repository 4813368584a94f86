#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/range.h"

static void expect_one(const char *value, uint64_t size, uint64_t first, uint64_t len)
{
	uint64_t got_first = 0, got_len = 0;
	assert_int_equal(range_parse(value, size, &got_first, &got_len), RANGE_ONE);
	assert_int_equal(got_first, first);
	assert_int_equal(got_len, len);
}

static void expect_result(const char *value, uint64_t size, enum range_result result)
{
	uint64_t first = 7, len = 8;
	assert_int_equal(range_parse(value, size, &first, &len), result);
	assert_int_equal(first, 7);
	assert_int_equal(len, 8);
}

static void single_ranges_are_cut_to_the_content(void **state)
{
	(void)state;
	expect_one("bytes=0-0", 10, 0, 1);
	expect_one("bytes=2-5", 10, 2, 4);
	expect_one("bytes=2-", 10, 2, 8);
	expect_one("bytes=2-99999999999999999999999", 10, 2, 8);
	expect_one("bytes=-3", 10, 7, 3);
	expect_one("bytes=-30", 10, 0, 10);
	expect_one("Bytes= 9-9 ", 10, 9, 1);
}

static void what_lies_outside_cannot_be_satisfied(void **state)
{
	(void)state;
	expect_result("bytes=10-", 10, RANGE_UNSATISFIABLE);
	expect_result("bytes=10-12", 10, RANGE_UNSATISFIABLE);
	expect_result("bytes=-0", 10, RANGE_UNSATISFIABLE);
	expect_result("bytes=0-", 0, RANGE_UNSATISFIABLE);
	expect_result("bytes=-5", 0, RANGE_UNSATISFIABLE);
	expect_result("bytes=99999999999999999999999-", 10, RANGE_UNSATISFIABLE);
}

static void everything_else_is_answered_with_all(void **state)
{
	(void)state;
	expect_result(NULL, 10, RANGE_ALL);
	expect_result("", 10, RANGE_ALL);
	expect_result("lines=1-2", 10, RANGE_ALL);
	expect_result("bytes=5-2", 10, RANGE_ALL);
	expect_result("bytes=1-2,4-5", 10, RANGE_ALL);
	expect_result("bytes=a-b", 10, RANGE_ALL);
	expect_result("bytes=-", 10, RANGE_ALL);
	expect_result("bytes=1", 10, RANGE_ALL);
	expect_result("bytes=1-2x", 10, RANGE_ALL);
}

static void entity_tags_are_found_in_lists(void **state)
{
	(void)state;
	assert_true(etag_listed("\"a\"", "\"a\""));
	assert_true(etag_listed("\"x,y\", W/\"a\" , \"b\"", "\"a\""));
	assert_true(etag_listed("*", "\"a\""));
	assert_false(etag_listed("\"ab\"", "\"a\""));
	assert_false(etag_listed("\"x, \"a", "\"a\""));
	assert_false(etag_listed("", "\"a\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_ranges_are_cut_to_the_content),
		cmocka_unit_test(what_lies_outside_cannot_be_satisfied),
		cmocka_unit_test(everything_else_is_answered_with_all),
		cmocka_unit_test(entity_tags_are_found_in_lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
