/* A helper program that turned hostile is stopped, and its owner is told. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "process/child.h"

enum { REFUSED = 42 };

struct ending {
	struct child *child;
	struct err why;
	int signal;
	int frames;
	int fds;
};

static void on_frame(void *owner, struct frame *frame)
{
	struct ending *ending = owner;
	ending->frames++;
	ending->fds += frame->fd_count;
}

static void on_exit_of_child(void *owner, const struct err *why)
{
	struct ending *ending = owner;
	ending->why = *why;
	ending->signal = child_signal(ending->child);
	assert_int_equal(child_pid(ending->child), 0);
	child_close(ending->child);
}

static struct ending run_with_deadline(const char *sandbox, const char *act, uint64_t deadline_ms)
{
	static const struct child_events events = { .on_frame = on_frame, .on_exit = on_exit_of_child };
	const char *args[] = { sandbox, act, NULL };
	struct ending ending = { 0 };
	struct child_spec spec = { .program = "tiro-hostile", .args = args, .events = &events, .owner = &ending };
	struct err err;
	uv_loop_t loop;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(child_start(&loop, &spec, &ending.child, &err), ERR_OK);
	child_set_deadline(ending.child, deadline_ms);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return ending;
}

static struct ending run(const char *sandbox, const char *act)
{
	return run_with_deadline(sandbox, act, 30000);
}

static void assert_killed(const char *sandbox, const char *act, int signal)
{
	struct ending ending = run(sandbox, act);
	if (ending.signal != signal)
		print_error("%s %s: %s\n", sandbox, act, ending.why.message);
	assert_int_equal(ending.why.code, ERR_CRASHED);
	assert_int_equal(ending.signal, signal);
}

static void assert_status(const char *sandbox, const char *act, int status)
{
	char expected[64];
	struct ending ending = run(sandbox, act);
	(void)snprintf(expected, sizeof expected, "the process ended with status %d", status);
	if (strcmp(ending.why.message, expected) != 0)
		print_error("%s %s\n", sandbox, act);
	assert_string_equal(ending.why.message, expected);
}

static void a_jail_does_its_work(void **state)
{
	(void)state;
	struct ending ending = run("jail", "work");
	assert_string_equal(ending.why.message, "the process ended with status 0");
	assert_int_equal(ending.frames, 1);
	assert_int_equal(ending.fds, 1);
}

static void a_jail_opens_no_file(void **state)
{
	(void)state;
	assert_status("jail", "read-file", REFUSED);
	assert_status("jail", "read-allowed-file", REFUSED);
	assert_status("jail", "write-file", REFUSED);
}

static void a_jail_that_may_read_some_files_reads_no_other(void **state)
{
	(void)state;
	assert_status("jail-with-files", "read-file", REFUSED);
	assert_status("jail-with-files", "write-file", REFUSED);
	assert_killed("jail-with-files", "socket", SIGSYS);
}

static void a_jail_that_makes_a_socket_is_killed(void **state)
{
	(void)state;
	assert_killed("jail", "socket", SIGSYS);
}

static void a_jail_that_starts_a_process_is_killed(void **state)
{
	(void)state;
	assert_killed("jail", "fork", SIGSYS);
	assert_killed("jail", "exec", SIGSYS);
	assert_killed("jail", "thread", SIGSYS);
}

static void a_jail_that_touches_another_process_is_killed(void **state)
{
	(void)state;
	assert_killed("jail", "ptrace", SIGSYS);
	assert_killed("jail", "kill", SIGSYS);
}

static void a_jail_that_makes_code_is_killed(void **state)
{
	(void)state;
	assert_killed("jail", "make-code", SIGSYS);
}

static void a_jail_gets_no_more_memory_than_its_limit(void **state)
{
	(void)state;
#if defined(__SANITIZE_ADDRESS__)
	skip(); /* AddressSanitizer needs terabytes of addresses, so there is no such limit */
#endif
	assert_status("jail", "eat-memory", REFUSED);
}

static void a_jail_gets_no_larger_memfd_than_its_limit(void **state)
{
	(void)state;
	assert_killed("jail", "eat-memfd", SIGXFSZ);
}

static void a_jail_that_spins_is_killed(void **state)
{
	(void)state;
	assert_killed("jail", "spin", SIGXCPU);
	struct ending ending = run("jail", "raise-limits");
	assert_true(ending.signal == SIGSYS || strstr(ending.why.message, "status 42"));
}

static void a_child_that_hangs_is_killed_at_its_deadline(void **state)
{
	(void)state;
	struct ending ending = run_with_deadline("engine", "spin", 100);
	assert_int_equal(ending.why.code, ERR_TIMEOUT);
	assert_int_equal(ending.signal, SIGKILL);
}

static void an_engine_starts_threads_and_reads_its_files(void **state)
{
	(void)state;
	assert_status("engine", "thread", 0);
	assert_status("engine", "read-allowed-file", 0);
	assert_status("engine", "work", 0);
}

static void an_engine_does_nothing_else(void **state)
{
	(void)state;
	assert_status("engine", "read-file", REFUSED);
	assert_status("engine", "write-file", REFUSED);
	assert_killed("engine", "socket", SIGSYS);
	assert_killed("engine", "fork", SIGSYS);
	assert_killed("engine", "exec", SIGSYS);
	assert_killed("engine", "ptrace", SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_jail_does_its_work),
		cmocka_unit_test(a_jail_opens_no_file),
		cmocka_unit_test(a_jail_that_may_read_some_files_reads_no_other),
		cmocka_unit_test(a_jail_that_makes_a_socket_is_killed),
		cmocka_unit_test(a_jail_that_starts_a_process_is_killed),
		cmocka_unit_test(a_jail_that_touches_another_process_is_killed),
		cmocka_unit_test(a_jail_that_makes_code_is_killed),
		cmocka_unit_test(a_jail_gets_no_more_memory_than_its_limit),
		cmocka_unit_test(a_jail_gets_no_larger_memfd_than_its_limit),
		cmocka_unit_test(a_jail_that_spins_is_killed),
		cmocka_unit_test(a_child_that_hangs_is_killed_at_its_deadline),
		cmocka_unit_test(an_engine_starts_threads_and_reads_its_files),
		cmocka_unit_test(an_engine_does_nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
