/* Ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/uuid.h"

static void ids_sort_by_their_time(void **state)
{
	(void)state;
	struct uuid last = { { 0 } };
	for (int64_t ms = 1764072000000; ms < 1764072000500; ms++) {
		struct uuid id;
		assert_int_equal(uuid_new(ms * 1000, &id, NULL), ERR_OK);
		assert_int_equal(id.bytes[6] >> 4, 7);
		assert_int_equal(id.bytes[8] >> 6, 2);
		assert_true(memcmp(&last, &id, sizeof id) < 0);
		last = id;
	}
}

static void text_and_bytes_are_the_same(void **state)
{
	(void)state;
	static const char text[] = "0198c5a0-7f00-7abc-8def-0123456789ab";
	struct uuid id;
	char back[UUID_TEXT_SIZE];
	assert_true(uuid_parse(text, strlen(text), &id));
	assert_int_equal(id.bytes[0], 0x01);
	assert_int_equal(id.bytes[15], 0xab);
	uuid_text(&id, back);
	assert_string_equal(back, text);
	assert_true(uuid_parse("0198C5A0-7F00-7ABC-8DEF-0123456789AB", 36, &id));
	uuid_text(&id, back);
	assert_string_equal(back, text);
}

static void what_is_no_id_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"0198c5a07f007abc8def0123456789ab",
		"0198c5a0-7f00-7abc-8def-0123456789a",
		"0198c5a0-7f00-7abc-8def-0123456789abc",
		"0198c5a0-7f00-7abc-8def_0123456789ab",
		"0198c5a0-7f00-7abc-8def-0123456789ag",
		"{198c5a0-7f00-7abc-8def-0123456789a}",
		"0198c5a-07f00-7abc-8def-0123456789ab",
	};
	struct uuid id;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(uuid_parse(bad[i], strlen(bad[i]), &id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_sort_by_their_time),
		cmocka_unit_test(text_and_bytes_are_the_same),
		cmocka_unit_test(what_is_no_id_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
