#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/json.h"

static void nested_values_get_their_commas(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1000);
	struct json json = JSON_INIT(&out);
	json_object(&json);
	json_key_str(&json, "text", "hi");
	json_key(&json, "words");
	json_array(&json);
	json_int(&json, 1);
	json_object(&json);
	json_object_end(&json);
	json_null(&json);
	json_array(&json);
	json_array_end(&json);
	json_array_end(&json);
	json_key_bool(&json, "final", true);
	json_key_int(&json, "n", INT64_MIN);
	json_object_end(&json);
	assert_string_equal(strbuf_str(&out),
			    "{\"text\":\"hi\",\"words\":[1,{},null,[]],\"final\":true,\"n\":-9223372036854775808}");
}

static void check_string(const char *bytes, size_t len, const char *expected)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1000);
	struct json json = JSON_INIT(&out);
	json_strn(&json, bytes, len);
	assert_string_equal(strbuf_str(&out), expected);
}

static void special_characters_are_escaped(void **state)
{
	(void)state;
	check_string("a\"b\\c\n\t\r\x01\0z", 11, "\"a\\\"b\\\\c\\n\\t\\r\\u0001\\u0000z\"");
	check_string("\x7f", 1, "\"\x7f\"");
	check_string("", 0, "\"\"");
	check_string(NULL, 0, "\"\"");
}

static void text_beyond_ascii_is_kept_as_it_is(void **state)
{
	(void)state;
	check_string("\u00e9\u20ac\U0001F600", 9, "\"\u00e9\u20ac\U0001F600\"");
}

static void bytes_that_are_no_utf8_become_replacement_characters(void **state)
{
	(void)state;
	check_string("a\xFF\xFEz", 4, "\"a\uFFFD\uFFFDz\"");
	check_string("\xE2\x82", 2, "\"\uFFFD\uFFFD\"");
}

static void check_real(double value, int decimals, const char *expected)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1000);
	struct json json = JSON_INIT(&out);
	json_real(&json, value, decimals);
	assert_string_equal(strbuf_str(&out), expected);
}

static void reals_have_no_trailing_zeros(void **state)
{
	(void)state;
	check_real(1.5, 3, "1.5");
	check_real(100, 3, "100");
	check_real(100, 0, "100");
	check_real(0.0005, 3, "0.001");
	check_real(-0.0001, 3, "0");
	check_real(0, 2, "0");
	check_real(-2.50, 2, "-2.5");
}

static void what_json_cannot_say_is_null(void **state)
{
	(void)state;
	check_real(NAN, 2, "null");
	check_real(-INFINITY, 2, "null");
}

static void the_largest_double_fits(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1000);
	struct json json = JSON_INIT(&out);
	json_real(&json, -1.7976931348623157e308, 17);
	assert_int_equal(out.len, 310);
}

static void seconds_come_from_microseconds(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1000);
	struct json json = JSON_INIT(&out);
	json_object(&json);
	json_key_seconds(&json, "start", 1234567);
	json_key_seconds(&json, "end", 48 * INT64_C(3600) * 1000000);
	json_object_end(&json);
	assert_string_equal(strbuf_str(&out), "{\"start\":1.235,\"end\":172800}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested_values_get_their_commas),
		cmocka_unit_test(special_characters_are_escaped),
		cmocka_unit_test(text_beyond_ascii_is_kept_as_it_is),
		cmocka_unit_test(bytes_that_are_no_utf8_become_replacement_characters),
		cmocka_unit_test(reals_have_no_trailing_zeros),
		cmocka_unit_test(what_json_cannot_say_is_null),
		cmocka_unit_test(the_largest_double_fits),
		cmocka_unit_test(seconds_come_from_microseconds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
