#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ocr/pp_ctc.h"

/* Columns of the tables below: blank, a, b, space. */
enum { COLUMNS = 4 };

static void repeated_steps_are_one_letter_and_a_blank_parts_two(void **state)
{
	(void)state;
	const float scores[][COLUMNS] = { { 0.1f, 0.8f, 0, 0 }, { 0.1f, 0.9f, 0, 0 }, { 0.9f, 0.1f, 0, 0 },
					  { 0.2f, 0.7f, 0, 0 }, { 0, 0, 0.6f, 0.1f }, { 0, 0, 0.1f, 0.5f } };
	struct pp_char chars[6];

	assert_int_equal(pp_ctc_decode(&scores[0][0], 6, COLUMNS, chars), 4);
	assert_int_equal(chars[0].column, 1);
	assert_float_equal(chars[0].confidence, 0.9f, 1e-6);
	assert_float_equal(chars[0].at, 0.5f, 1e-6);
	assert_int_equal(chars[1].column, 1);
	assert_float_equal(chars[1].at, 3, 1e-6);
	assert_int_equal(chars[2].column, 2);
	assert_int_equal(chars[3].column, 3);
}

static void blanks_alone_are_no_text(void **state)
{
	(void)state;
	const float scores[][COLUMNS] = { { 1, 0, 0, 0 }, { 1, 0, 0, 0 } };
	struct pp_char chars[2];

	assert_int_equal(pp_ctc_decode(&scores[0][0], 2, COLUMNS, chars), 0);
	assert_int_equal(pp_ctc_decode(NULL, 0, COLUMNS, chars), 0);
}

static void assert_text(const struct pp_dictionary *dictionary, uint32_t column, const char *expected)
{
	size_t len;
	const char *text = pp_dictionary_text(dictionary, column, &len);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(text, expected, len);
}

static void a_dictionary_has_blank_first_and_space_last(void **state)
{
	(void)state;
	struct pp_dictionary dictionary;
	struct err err;
	static const char text[] = "a\n\u00e9\n\u4e2d";

	assert_int_equal(pp_dictionary_read(text, strlen(text), &dictionary, &err), ERR_OK);
	assert_int_equal(dictionary.count, 5);
	assert_text(&dictionary, 0, "");
	assert_text(&dictionary, 1, "a");
	assert_text(&dictionary, 2, "\u00e9");
	assert_text(&dictionary, 3, "\u4e2d");
	assert_text(&dictionary, 4, " ");
	pp_dictionary_done(&dictionary);
}

static void a_line_end_at_the_end_adds_no_character(void **state)
{
	(void)state;
	struct pp_dictionary dictionary;
	struct err err;

	assert_int_equal(pp_dictionary_read("a\nb\n", 4, &dictionary, &err), ERR_OK);
	assert_int_equal(dictionary.count, 4);
	assert_text(&dictionary, 2, "b");
	assert_text(&dictionary, 3, " ");
	pp_dictionary_done(&dictionary);
}

static void spaces_and_empty_entries_leave_no_mark(void **state)
{
	(void)state;
	struct pp_dictionary dictionary;
	struct err err;
	static const char text[] = "a\n\n\u3000\nb";

	assert_int_equal(pp_dictionary_read(text, strlen(text), &dictionary, &err), ERR_OK);
	assert_false(pp_dictionary_is_space(&dictionary, 1));
	assert_true(pp_dictionary_is_space(&dictionary, 2));
	assert_true(pp_dictionary_is_space(&dictionary, 3));
	assert_true(pp_dictionary_is_space(&dictionary, 5));
	pp_dictionary_done(&dictionary);
}

static void a_broken_dictionary_is_refused(void **state)
{
	(void)state;
	struct pp_dictionary dictionary;
	struct err err;
	static char many[PP_DICTIONARY_MAX + 1];

	memset(many, '\n', sizeof(many));
	assert_int_equal(pp_dictionary_read("", 0, &dictionary, &err), ERR_CORRUPT);
	assert_int_equal(pp_dictionary_read("a\n\xff", 3, &dictionary, &err), ERR_CORRUPT);
	assert_int_equal(pp_dictionary_read(many, sizeof(many), &dictionary, &err), ERR_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeated_steps_are_one_letter_and_a_blank_parts_two),
		cmocka_unit_test(blanks_alone_are_no_text),
		cmocka_unit_test(a_dictionary_has_blank_first_and_space_last),
		cmocka_unit_test(a_line_end_at_the_end_adds_no_character),
		cmocka_unit_test(spaces_and_empty_entries_leave_no_mark),
		cmocka_unit_test(a_broken_dictionary_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
