#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "http/params.h"

static void expect(const char *value, const char *name, const char *text)
{
	char buffer[64];
	enum param_result result = header_param(value, name, buffer, sizeof buffer);
	if (!text) {
		assert_int_equal(result, PARAM_ABSENT);
		return;
	}
	assert_int_equal(result, PARAM_FOUND);
	assert_string_equal(buffer, text);
}

static void parameters_are_found_quoted_or_not(void **state)
{
	(void)state;
	expect("multipart/form-data; boundary=abc", "boundary", "abc");
	expect("multipart/form-data;boundary=abc; charset=utf-8", "boundary", "abc");
	expect("multipart/form-data; charset=\"a;boundary=no\"; Boundary = \"a b\"", "boundary", "a b");
	expect("form-data; name=\"a\\\"b\\\\c\"", "name", "a\"b\\c");
	expect("form-data; name=x; filename=plain.wav", "filename", "plain.wav");
	expect("form-data; filename=\"C:\\dir\\f.wav\"", "filename", "C:\\dir\\f.wav");
	expect("form-data; xname=1; name=2", "name", "2");
	expect("form-data; name", "name", NULL);
	expect("form-data", "name", NULL);
	expect("form-data; name=\"\"", "name", "");
}

static void extended_parameters_are_decoded(void **state)
{
	(void)state;
	expect("form-data; filename=\"x\"; filename*=UTF-8''%e2%82%ac%20r", "filename*", "\xe2\x82\xac r");
	expect("form-data; filename*=utf-8'en'a", "filename*", "a");
	expect("form-data; filename*=utf-8'en'a", "filename", NULL);
}

static void what_is_not_sound_is_told(void **state)
{
	(void)state;
	char buffer[8];
	static const char *const bad[] = { "f; n=\"open", "f; n=toolong8", "f; n=\"a\tb\x01\"", "f; n=\xff",
					   "f; n=\"a\nb\"" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(header_param(bad[i], "n", buffer, sizeof buffer), PARAM_BAD);
	assert_int_equal(header_param("f; n*=latin1''a", "n*", buffer, sizeof buffer), PARAM_BAD);
	assert_int_equal(header_param("f; n*=abc", "n*", buffer, sizeof buffer), PARAM_BAD);
}

static void types_are_compared_without_case(void **state)
{
	(void)state;
	assert_true(header_is("Application/JSON; charset=utf-8", "application/json"));
	assert_true(header_is(" text/plain ", "text/plain"));
	assert_false(header_is("text/plainer", "text/plain"));
	assert_false(header_is("text", "text/plain"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_found_quoted_or_not),
		cmocka_unit_test(extended_parameters_are_decoded),
		cmocka_unit_test(what_is_not_sound_is_told),
		cmocka_unit_test(types_are_compared_without_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
