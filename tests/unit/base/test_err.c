#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void setting_an_error_returns_its_code_and_keeps_the_message(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(err_set(&err, ERR_INVALID, "the rate %d is too high", 9), ERR_INVALID);
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(err.sys_errno, 0);
	assert_string_equal(err.message, "the rate 9 is too high");
}

static void the_error_object_may_be_absent(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_TOO_BIG, "x"), ERR_TOO_BIG);
	assert_int_equal(err_set_errno(NULL, ERR_IO, ENOENT, "x"), ERR_NOT_FOUND);
}

static void a_long_message_is_cut(void **state)
{
	(void)state;
	char text[2 * ERR_MESSAGE_MAX];
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	struct err err;
	(void)err_set(&err, ERR_IO, "%s", text);
	assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
	(void)err_set_errno(&err, ERR_IO, EIO, "%s", text);
	assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
	assert_int_equal(err_prefix(&err, "%s", text), ERR_IO);
	assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
}

static void a_system_error_names_its_reason_and_chooses_the_code(void **state)
{
	(void)state;
	static const struct {
		int sys_errno;
		enum err_code code;
	} rows[] = {
		{ ENOENT, ERR_NOT_FOUND }, { EACCES, ERR_DENIED },    { EPERM, ERR_DENIED }, { ENOSPC, ERR_NO_SPACE },
		{ EDQUOT, ERR_NO_SPACE },  { ENOMEM, ERR_NO_MEMORY }, { EIO, ERR_IO }
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct err err;
		assert_int_equal(err_set_errno(&err, ERR_IO, rows[i].sys_errno, "no"), rows[i].code);
		assert_int_equal(err.sys_errno, rows[i].sys_errno);
	}
	struct err err;
	(void)err_set_errno(&err, ERR_IO, ENOENT, "could not open \"%s\"", "a.wav");
	assert_string_equal(err.message, "could not open \"a.wav\": No such file or directory");
}

static void a_prefix_goes_before_the_message(void **state)
{
	(void)state;
	struct err err;
	(void)err_set(&err, ERR_BAD_MEDIA, "no audio track");
	assert_int_equal(err_prefix(&err, "%s", "film.mp4"), ERR_BAD_MEDIA);
	assert_string_equal(err.message, "film.mp4: no audio track");
}

static void names_and_codes_map_both_ways(void **state)
{
	(void)state;
	for (int code = 0; code < ERR_CODE_COUNT; code++)
		assert_int_equal(err_from_name(err_name((enum err_code)code)), code);
	assert_string_equal(err_name(ERR_BAD_MEDIA), "bad_media");
	assert_string_equal(err_name((enum err_code)999), "internal");
	assert_int_equal(err_from_name("nonsense"), ERR_INTERNAL);
	assert_int_equal(err_from_name(""), ERR_INTERNAL);
}

static void exit_statuses_are_those_of_sysexits(void **state)
{
	(void)state;
	assert_int_equal(err_exit_status(ERR_OK), 0);
	assert_int_equal(err_exit_status(ERR_USAGE), 64);
	assert_int_equal(err_exit_status(ERR_BAD_MEDIA), 65);
	assert_int_equal(err_exit_status(ERR_NOT_FOUND), 66);
	assert_int_equal(err_exit_status(ERR_DENIED), 77);
	assert_int_equal(err_exit_status((enum err_code)999), 70);
	for (int code = 1; code < ERR_CODE_COUNT; code++)
		assert_in_range(err_exit_status((enum err_code)code), EX__BASE, EX__MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_an_error_returns_its_code_and_keeps_the_message),
		cmocka_unit_test(the_error_object_may_be_absent),
		cmocka_unit_test(a_long_message_is_cut),
		cmocka_unit_test(a_system_error_names_its_reason_and_chooses_the_code),
		cmocka_unit_test(a_prefix_goes_before_the_message),
		cmocka_unit_test(names_and_codes_map_both_ways),
		cmocka_unit_test(exit_statuses_are_those_of_sysexits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
