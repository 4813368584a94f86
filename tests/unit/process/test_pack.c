#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "process/pack.h"

static void fields_come_back_as_they_were(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(256);
	pack_u8(&out, 200);
	pack_u32(&out, 0xDEADBEEF);
	pack_u64(&out, UINT64_MAX - 1);
	pack_i64(&out, INT64_MIN);
	pack_f32(&out, 1.5F);
	pack_str(&out, "text");
	struct unpacker u = unpack_start(out.data, out.len);
	char text[8];
	struct err err;
	assert_int_equal(unpack_u8(&u), 200);
	assert_int_equal(unpack_u32(&u), 0xDEADBEEF);
	assert_true(unpack_u64(&u) == UINT64_MAX - 1);
	assert_true(unpack_i64(&u) == INT64_MIN);
	assert_true(unpack_f32(&u) == 1.5F);
	unpack_str(&u, text, sizeof text);
	assert_string_equal(text, "text");
	assert_int_equal(unpack_finish(&u, "test", &err), ERR_OK);
}

static void a_message_that_ends_early_is_malformed(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(256);
	struct err err;
	pack_u32(&out, 7);
	for (size_t len = 0; len < out.len; len++) {
		struct unpacker u = unpack_start(out.data, len);
		assert_int_equal(unpack_u32(&u), 0);
		assert_int_equal(unpack_u8(&u), 0);
		assert_int_equal(unpack_finish(&u, "test", &err), ERR_PROTOCOL);
	}
}

static void bytes_that_are_left_over_are_malformed(void **state)
{
	(void)state;
	struct unpacker u = unpack_start("abcde", 5);
	struct err err;
	(void)unpack_u32(&u);
	assert_int_equal(unpack_finish(&u, "test", &err), ERR_PROTOCOL);
	assert_string_equal(err.message, "a test message has 1 bytes too many");
}

static void a_string_that_is_too_long_or_has_a_zero_inside_is_malformed(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(256);
	char text[4];
	pack_str(&out, "four");
	struct unpacker u = unpack_start(out.data, out.len);
	unpack_str(&u, text, sizeof text);
	assert_true(u.failed);
	assert_string_equal(text, "");
	strbuf_clear(&out);
	pack_bytes(&out, "a\0b", 3);
	u = unpack_start(out.data, out.len);
	unpack_str(&u, text, sizeof text);
	assert_true(u.failed);
}

static void a_count_that_the_rest_cannot_hold_is_malformed(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(256);
	pack_u32(&out, 3);
	pack_u64(&out, 0);
	struct unpacker u = unpack_start(out.data, out.len);
	assert_int_equal(unpack_count(&u, 4), 0);
	assert_true(u.failed);
	u = unpack_start(out.data, out.len);
	assert_int_equal(unpack_count(&u, 2), 3);
	assert_false(u.failed);
}

static void what_is_no_number_becomes_zero(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(256);
	pack_f32(&out, NAN);
	pack_f32(&out, INFINITY);
	struct unpacker u = unpack_start(out.data, out.len);
	assert_true(unpack_f32(&u) == 0);
	assert_true(unpack_f32(&u) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_come_back_as_they_were),
		cmocka_unit_test(a_message_that_ends_early_is_malformed),
		cmocka_unit_test(bytes_that_are_left_over_are_malformed),
		cmocka_unit_test(a_string_that_is_too_long_or_has_a_zero_inside_is_malformed),
		cmocka_unit_test(a_count_that_the_rest_cannot_hold_is_malformed),
		cmocka_unit_test(what_is_no_number_becomes_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
