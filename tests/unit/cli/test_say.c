/* What is said on a terminal stays in its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
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
	assert_plain("evil\xE2\x80\xAEvaw.exe", "evil\\u202evaw.exe");
	assert_plain("line\xE2\x80\xA8"
		     "end \xE2\x81\xA6 isolate",
		     "line\\u2028end \\u2066 isolate");
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
