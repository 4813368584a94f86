#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

static void an_empty_buffer_is_an_empty_string(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf sb = STRBUF_INIT(10);
	assert_string_equal(strbuf_str(&sb), "");
	cleanup_free char *stolen = strbuf_steal(&sb);
	assert_non_null(stolen);
	assert_string_equal(stolen, "");
}

static void appends_follow_each_other(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf sb = STRBUF_INIT(1000);
	strbuf_add_str(&sb, "ab");
	strbuf_add_char(&sb, '-');
	strbuf_addf(&sb, "%d %s", 42, "x");
	strbuf_add(&sb, "yz!", 2);
	strbuf_add(&sb, NULL, 0);
	assert_string_equal(strbuf_str(&sb), "ab-42 xyz");
	assert_int_equal(sb.len, 9);
	assert_int_equal(strbuf_check(&sb, "it", NULL), ERR_OK);
}

static void a_buffer_fills_to_its_maximum_and_no_further(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf sb = STRBUF_INIT(5);
	strbuf_add_str(&sb, "12345");
	assert_false(sb.failed);
	strbuf_add_char(&sb, '6');
	assert_true(sb.failed);
	assert_string_equal(strbuf_str(&sb), "12345");
	struct err err;
	assert_int_equal(strbuf_check(&sb, "the answer", &err), ERR_TOO_BIG);
	assert_non_null(strstr(err.message, "the answer"));
}

static void after_a_failure_nothing_is_appended(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf sb = STRBUF_INIT(5);
	strbuf_add_str(&sb, "123");
	strbuf_addf(&sb, "%s", "too long");
	strbuf_add_char(&sb, '4');
	assert_string_equal(strbuf_str(&sb), "123");
	assert_null(strbuf_steal(&sb));
	assert_null(strbuf_reserve(&sb, 0));
}

static void clearing_makes_a_failed_buffer_usable(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf sb = STRBUF_INIT(3);
	strbuf_add_str(&sb, "1234");
	strbuf_clear(&sb);
	assert_string_equal(strbuf_str(&sb), "");
	strbuf_add_str(&sb, "abc");
	assert_string_equal(strbuf_str(&sb), "abc");
}

static void a_huge_length_does_not_wrap_around(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf sb = STRBUF_INIT(SIZE_MAX - 1);
	strbuf_add_str(&sb, "x");
	assert_null(strbuf_reserve(&sb, SIZE_MAX));
	assert_true(sb.failed);
	strbuf_clear(&sb);
	assert_null(strbuf_reserve(&sb, SIZE_MAX / 2));
	assert_true(sb.failed);
}

static void reserved_room_is_filled_and_committed(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf sb = STRBUF_INIT(100);
	strbuf_add_str(&sb, "a");
	char *room = strbuf_reserve(&sb, 50);
	assert_non_null(room);
	memcpy(room, "bc", 2);
	strbuf_commit(&sb, 2);
	assert_string_equal(strbuf_str(&sb), "abc");
}

static void a_stolen_string_leaves_the_buffer_empty(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf sb = STRBUF_INIT(100);
	strbuf_add(&sb, "a\0b", 3);
	cleanup_free char *stolen = strbuf_steal(&sb);
	assert_memory_equal(stolen, "a\0b", 4);
	assert_int_equal(sb.len, 0);
	strbuf_add_str(&sb, "again");
	assert_string_equal(strbuf_str(&sb), "again");
}

static void many_appends_grow_the_buffer_to_megabytes(void **state)
{
	(void)state;
	enum { COUNT = 1000 * 1000 };
	cleanup_strbuf struct strbuf sb = STRBUF_INIT(COUNT);
	for (int i = 0; i < COUNT; i++)
		strbuf_add_char(&sb, (char)('a' + i % 26));
	assert_int_equal(sb.len, COUNT);
	assert_false(sb.failed);
	assert_int_equal(sb.data[COUNT - 1], 'a' + (COUNT - 1) % 26);
	assert_true(sb.capacity <= COUNT + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_is_an_empty_string),
		cmocka_unit_test(appends_follow_each_other),
		cmocka_unit_test(a_buffer_fills_to_its_maximum_and_no_further),
		cmocka_unit_test(after_a_failure_nothing_is_appended),
		cmocka_unit_test(clearing_makes_a_failed_buffer_usable),
		cmocka_unit_test(a_huge_length_does_not_wrap_around),
		cmocka_unit_test(reserved_room_is_filled_and_committed),
		cmocka_unit_test(a_stolen_string_leaves_the_buffer_empty),
		cmocka_unit_test(many_appends_grow_the_buffer_to_megabytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
