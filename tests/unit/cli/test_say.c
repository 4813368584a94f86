/* What is said on a terminal stays in its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "cli/say.h"

static void assert_plain(const char *text, const char *expected)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1000);
	say_plain(&out, text);
	assert_string_equal(strbuf_str(&out), expected);
}

static void text_of_any_script_is_said_as_it_is(void **state)
{
	(void)state;
	assert_plain("", "");
	assert_plain("grün \xE2\x9C\x93 \xD9\x81\xD8\xA7\xD8\xB1\xD8\xB3\xDB\x8C.wav",
		     "grün \xE2\x9C\x93 \xD9\x81\xD8\xA7\xD8\xB1\xD8\xB3\xDB\x8C.wav");
	assert_plain("back\\slash and \"quotes\"", "back\\slash and \"quotes\"");
}

static void control_characters_are_written_as_escapes(void **state)
{
	(void)state;
	assert_plain("a\nb\tc\rd\ae", "a\\nb\\tc\\rd\\ae");
	assert_plain("\x1B[31m\x01\x7F", "\\x1b[31m\\x01\\x7f");
	assert_plain("c1 \xC2\x9B"
		     "31m",
		     "c1 \\x9b31m");
}

static void what_turns_the_direction_of_writing_is_written_as_an_escape(void **state)
{
	(void)state;
	static const struct {
		uint32_t c;
		const char *said;
	} marks[] = { { 0x202E, "\\u202e" }, { 0x2066, "\\u2066" }, { 0x200F, "\\u200f" }, { 0x2028, "\\u2028" } };
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		char text[5] = "";
		(void)utf8_encode(marks[i].c, text);
		assert_plain(text, marks[i].said);
	}
}

static void bytes_that_are_no_utf_8_are_written_as_escapes(void **state)
{
	(void)state;
	assert_plain("\xFF\xFE\x80.wav", "\\xff\\xfe\\x80.wav");
	assert_plain("cut \xE2\x9C", "cut \\xe2\\x9c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_any_script_is_said_as_it_is),
		cmocka_unit_test(control_characters_are_written_as_escapes),
		cmocka_unit_test(what_turns_the_direction_of_writing_is_written_as_an_escape),
		cmocka_unit_test(bytes_that_are_no_utf_8_are_written_as_escapes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
