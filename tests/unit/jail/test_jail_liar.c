/* A jail that lies is stopped, with one reason, whatever it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "jail_run.h"
#include "liar.h"

static enum err_code read_zeros(void *ctx, uint64_t offset, void *buffer, size_t len, size_t *ret_len, struct err *err)
{
	(void)ctx;
	(void)offset;
	(void)err;
	memset(buffer, 0, len);
	*ret_len = len;
	return ERR_OK;
}

static void check(enum lie lie, enum err_code code, const char *reason)
{
	struct media_input input = { .size = lie, .read = read_zeros };
	/* Nothing is answered in time, so that what the jail sends stays in flight. */
	struct jail_run run = { .hold_parts = true, .answer_later = true };
	jail_run(&run, &input);
	if (!strstr(run.why.message, reason))
		print_error("lie %d: %s\n", (int)lie, run.why.message);
	assert_int_equal(run.ends, 1);
	assert_int_equal(run.why.code, code);
	assert_non_null(strstr(run.why.message, reason));
}

static void a_crash_is_the_files_fault(void **state)
{
	(void)state;
	check(LIE_SEGFAULT, ERR_BAD_MEDIA, "crashed on this file (signal 11)");
	check(LIE_FORBIDDEN_CALL, ERR_BAD_MEDIA, "do what it may not");
	check(LIE_SILENT_END, ERR_CRASHED, "without a reason");
}

static void messages_out_of_turn_end_the_jail(void **state)
{
	(void)state;
	check(LIE_UNKNOWN_MESSAGE, ERR_PROTOCOL, "message 77");
	check(LIE_PART_BEFORE_INFO, ERR_PROTOCOL, "out of turn");
	check(LIE_PART_OUT_OF_ORDER, ERR_PROTOCOL, "out of turn");
	check(LIE_TOO_MANY_PARTS, ERR_PROTOCOL, "out of turn");
	check(LIE_TIME_GOES_BACK, ERR_PROTOCOL, "goes back");
}

static void bulk_objects_are_examined(void **state)
{
	(void)state;
	check(LIE_PART_TOO_SHORT, ERR_PROTOCOL, "another size");
	check(LIE_PART_UNSEALED, ERR_PROTOCOL, "not sealed");
}

static void fields_are_examined(void **state)
{
	(void)state;
	check(LIE_CHANNELS, ERR_PROTOCOL, "out of range");
	check(LIE_READ_OUTSIDE, ERR_PROTOCOL, "out of range");
	check(LIE_READS, ERR_PROTOCOL, "reads are in flight");
	check(LIE_CONTROL_CHARACTERS, ERR_BAD_MEDIA, "red ?[31m ?? and ?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crash_is_the_files_fault),
		cmocka_unit_test(messages_out_of_turn_end_the_jail),
		cmocka_unit_test(bulk_objects_are_examined),
		cmocka_unit_test(fields_are_examined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
