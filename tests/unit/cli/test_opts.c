/* Command-line options: what is accepted, what is refused, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "cli/opts.h"

static const struct cmd command = { .name = "try", .summary = "Tries", .usage = "FILE..." };

struct values {
	bool verbose;
	const char *model;
	long threads;
	int files;
	struct err err;
};

/* Parses up to eight arguments; the first NULL ends them. */
static enum err_code parse(struct values *v, const char *const *args, char **argv)
{
	const struct opt table[] = {
		{ 'v', "verbose", NULL, "say more", NULL, OPT_FLAG, &v->verbose, 0, 0 },
		{ 'm', "model", "MODEL", "the model", "TIRO_TEST_MODEL", OPT_STRING, &v->model, 0, 0 },
		{ 't', "threads", "N", "how many", NULL, OPT_INT, &v->threads, 0, 256 },
	};
	const struct opts opts = { .cmd = &command, .table = table, .count = ARRAY_LEN(table) };
	int argc = 1;
	argv[0] = (char *)(uintptr_t) "try";
	for (; args[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)args[argc - 1];
	bool help = false;
	return opts_parse(&opts, argc, argv, &v->files, &help, &v->err);
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void options_and_files_may_be_mixed(void **state)
{
	(void)state;
	char *argv[16];
	struct values v = { 0 };
	assert_int_equal(parse(&v, ARGS("a", "-m", "base", "b", "-v", "-"), argv), ERR_OK);
	assert_int_equal(v.files, 3);
	assert_string_equal(argv[1], "a");
	assert_string_equal(argv[2], "b");
	assert_string_equal(argv[3], "-");
	assert_string_equal(v.model, "base");
	assert_true(v.verbose);
}

static void a_value_may_be_joined_or_follow(void **state)
{
	(void)state;
	char *argv[16];
	struct values v = { 0 };
	assert_int_equal(parse(&v, ARGS("--model=x", "-t4"), argv), ERR_OK);
	assert_string_equal(v.model, "x");
	assert_int_equal(v.threads, 4);
	assert_int_equal(parse(&v, ARGS("--model", "y", "-vt", "5"), argv), ERR_OK);
	assert_string_equal(v.model, "y");
	assert_int_equal(v.threads, 5);
}

static void two_dashes_end_the_options(void **state)
{
	(void)state;
	char *argv[16];
	struct values v = { 0 };
	assert_int_equal(parse(&v, ARGS("--", "-v", "--model"), argv), ERR_OK);
	assert_int_equal(v.files, 2);
	assert_false(v.verbose);
}

static void the_command_line_goes_over_the_environment(void **state)
{
	(void)state;
	char *argv[16];
	struct values v = { 0 };
	assert_int_equal(setenv("TIRO_TEST_MODEL", "small", 1), 0);
	assert_int_equal(parse(&v, ARGS("a"), argv), ERR_OK);
	assert_string_equal(v.model, "small");
	assert_int_equal(parse(&v, ARGS("-m", "base", "a"), argv), ERR_OK);
	assert_string_equal(v.model, "base");
	assert_int_equal(unsetenv("TIRO_TEST_MODEL"), 0);
}

static void a_number_out_of_range_is_refused_with_the_range(void **state)
{
	(void)state;
	char *argv[16];
	struct values v = { 0 };
	assert_int_equal(parse(&v, ARGS("-t", "257"), argv), ERR_USAGE);
	assert_non_null(strstr(v.err.message, "0 to 256"));
	assert_int_equal(parse(&v, ARGS("-t", "4x"), argv), ERR_USAGE);
	assert_int_equal(parse(&v, ARGS("-t", ""), argv), ERR_USAGE);
}

static void a_missing_value_an_unexpected_one_and_an_unknown_option_are_refused(void **state)
{
	(void)state;
	char *argv[16];
	struct values v = { 0 };
	assert_int_equal(parse(&v, ARGS("--model"), argv), ERR_USAGE);
	assert_int_equal(parse(&v, ARGS("--verbose=yes"), argv), ERR_USAGE);
	assert_int_equal(parse(&v, ARGS("-x"), argv), ERR_USAGE);
	assert_int_equal(parse(&v, ARGS("--verbos"), argv), ERR_USAGE);
	assert_non_null(strstr(v.err.message, "--verbose"));
	assert_int_equal(parse(&v, ARGS("--entirely-else"), argv), ERR_USAGE);
	assert_null(strstr(v.err.message, "did you mean"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_files_may_be_mixed),
		cmocka_unit_test(a_value_may_be_joined_or_follow),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(the_command_line_goes_over_the_environment),
		cmocka_unit_test(a_number_out_of_range_is_refused_with_the_range),
		cmocka_unit_test(a_missing_value_an_unexpected_one_and_an_unknown_option_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
