#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/utf8.h"

static void well_formed_text_is_valid(void **state)
{
	(void)state;
	static const char text[] = "a\u00e9\u20ac\U0001F600\u0633\U0010FFFF";
	assert_true(utf8_is_valid(text, strlen(text)));
	assert_true(utf8_is_valid("", 0));
	assert_true(utf8_is_valid("\0", 1));
	assert_int_equal(utf8_count(text, strlen(text)), 6);
}

static void a_cut_character_is_not_valid(void **state)
{
	(void)state;
	static const char euro[] = "\u20ac";
	assert_int_equal(utf8_valid_prefix(euro, 3), 3);
	assert_int_equal(utf8_valid_prefix(euro, 2), 0);
	assert_int_equal(utf8_valid_prefix(euro, 1), 0);
	assert_int_equal(utf8_valid_prefix(euro, 0), 0);
	assert_false(utf8_is_valid(euro, 2));
}

static void overlong_forms_and_surrogates_are_not_valid(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"\xC0\xAF", "\xE0\x80\xAF", "\xF0\x80\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80",
		"\xFF",	    "\xC3(",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(utf8_valid_prefix(bad[i], strlen(bad[i])), 0);
		assert_false(utf8_is_valid(bad[i], strlen(bad[i])));
	}
}

static void every_character_survives_encoding_and_decoding(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x110000; c++) {
		char out[4];
		size_t len = utf8_encode(c, out);
		if (c >= 0xD800 && c <= 0xDFFF) {
			assert_int_equal(len, 0);
			continue;
		}
		size_t back_len;
		assert_int_equal(utf8_decode(out, len, &back_len), c);
		assert_int_equal(back_len, len);
	}
	char out[4];
	assert_int_equal(utf8_encode(0x110000, out), 0);
	assert_int_equal(utf8_encode(UINT32_MAX, out), 0);
}

static void a_bad_byte_decodes_as_one_replacement_character(void **state)
{
	(void)state;
	size_t len;
	assert_int_equal(utf8_decode("\xFFz", 2, &len), 0xFFFD);
	assert_int_equal(len, 1);
}

static void width_counts_columns(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t width;
	} rows[] = { { "abc", 3 }, { "\u4e2d\u6587", 4 }, { "e\u0301", 1 }, { "", 0 }, { "\u200b", 0 } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(utf8_width(rows[i].text, strlen(rows[i].text)), rows[i].width);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_text_is_valid),
		cmocka_unit_test(a_cut_character_is_not_valid),
		cmocka_unit_test(overlong_forms_and_surrogates_are_not_valid),
		cmocka_unit_test(every_character_survives_encoding_and_decoding),
		cmocka_unit_test(a_bad_byte_decodes_as_one_replacement_character),
		cmocka_unit_test(width_counts_columns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
