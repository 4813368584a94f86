#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "http/form.h"
#include "http/limits.h"

static enum err_code parse(const char *text, struct form *ret)
{
	struct err err;
	return form_parse(text, strlen(text), ret, &err);
}

static void names_and_values_are_decoded(void **state)
{
	(void)state;
	cleanup_form struct form form = { 0 };
	assert_int_equal(parse("a=1&b=x+y%26z&&c&=d&%C3%A4=%e2%82%ac&a=2", &form), ERR_OK);
	assert_int_equal(form.count, 6);
	assert_string_equal(form_get(&form, "a"), "1");
	assert_string_equal(form_get(&form, "b"), "x y&z");
	assert_string_equal(form_get(&form, "c"), "");
	assert_string_equal(form_get(&form, ""), "d");
	assert_string_equal(form_get(&form, "\xc3\xa4"), "\xe2\x82\xac");
	assert_null(form_get(&form, "A"));
}

static void nothing_has_no_fields(void **state)
{
	(void)state;
	cleanup_form struct form form = { 0 };
	assert_int_equal(parse("", &form), ERR_OK);
	assert_int_equal(form.count, 0);
	assert_null(form_get(&form, ""));
}

static void what_is_not_sound_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "a=%",      "a=%4",	 "a=%zz",    "a=%00",	    "%00=a",
					   "a=%ff%fe", "a=\xff", "a=%c0%80", "a=%ed%a0%80", "a=1&b=%g0" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct form form = { .count = 77 };
		assert_int_equal(parse(bad[i], &form), ERR_INVALID);
		assert_int_equal(form.count, 77);
	}
}

static void fields_are_limited(void **state)
{
	(void)state;
	struct err err;
	cleanup_form struct form form = { 0 };
	char text[2 * (HTTP_FIELDS_MAX + 1)];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 2 ? '&' : 'a';
	assert_int_equal(form_parse(text, sizeof text - 2, &form, &err), ERR_OK);
	assert_int_equal(form.count, HTTP_FIELDS_MAX);
	form_done(&form);
	assert_int_equal(form_parse(text, sizeof text, &form, &err), ERR_TOO_BIG);
}

static void a_plus_is_a_blank_only_where_asked(void **state)
{
	(void)state;
	char text[] = "a+b%2B";
	size_t len = strlen(text);
	assert_true(percent_decode(text, &len, false));
	assert_int_equal(len, 4);
	assert_memory_equal(text, "a+b+", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_values_are_decoded),	      cmocka_unit_test(nothing_has_no_fields),
		cmocka_unit_test(what_is_not_sound_is_refused),	      cmocka_unit_test(fields_are_limited),
		cmocka_unit_test(a_plus_is_a_blank_only_where_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
