#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "blob/fault.h"
#include "blob/memory.h"
#include "contract.h"

static struct blob_store *open_with(struct blob_fault_plan plan)
{
	struct blob_store *inner, *store;
	assert_int_equal(blob_memory_open((uint64_t)64 << 20, &inner, NULL), ERR_OK);
	assert_int_equal(blob_fault_open(inner, &plan, &store, NULL), ERR_OK);
	return store;
}

static int open_store(void **state)
{
	struct contract *contract = calloc(1, sizeof *contract);
	*state = contract;
	if (!contract)
		return -1;
	contract->store = open_with((struct blob_fault_plan){ 0 });
	return 0;
}

static int close_store(void **state)
{
	struct contract *contract = *state;
	blob_close(contract->store);
	free(contract);
	return 0;
}

static void the_nth_write_fails_and_nothing_is_left(void **state)
{
	(void)state;
	struct blob_fault_plan plan = { .fail_write = 2, .short_write = true, .write_code = ERR_NO_SPACE };
	struct blob_store *store = open_with(plan);
	struct blob_put *put;
	struct err err = { 0 };
	assert_int_equal(blob_put_begin(store, "a", &put, &err), ERR_OK);
	assert_int_equal(blob_put_write(put, "1234", 4, &err), ERR_OK);
	assert_int_equal(blob_put_write(put, "5678", 4, &err), ERR_NO_SPACE);
	blob_put_abort(put);
	assert_int_equal(contract_count(store, ""), 0);
	contract_put(store, "a", "1234", 4, 0);
	blob_close(store);
}

static void a_failed_commit_leaves_nothing(void **state)
{
	(void)state;
	struct blob_store *store = open_with((struct blob_fault_plan){ .fail_commit = 1 });
	struct blob_put *put;
	struct err err = { 0 };
	assert_int_equal(blob_put_begin(store, "a", &put, &err), ERR_OK);
	assert_int_equal(blob_put_commit(put, &err), ERR_IO);
	assert_int_equal(contract_count(store, ""), 0);
	blob_close(store);
}

static void reads_fail_end_short_and_lie_as_planned(void **state)
{
	(void)state;
	struct blob_fault_plan plan = { .fail_get = 1, .short_get = 2, .flip_get = 3, .slow_us = 2000 };
	struct blob_store *store = open_with(plan);
	const struct blob_range range = { 0, 4 };
	struct err err = { 0 };
	char bytes[4];
	size_t len;
	contract_put(store, "a", "abcd", 4, 0);
	int64_t start_us = clock_monotonic_us();
	assert_int_equal(blob_get(store, "a", range, bytes, &len, &err), ERR_IO);
	assert_int_equal(blob_get(store, "a", range, bytes, &len, &err), ERR_OK);
	assert_int_equal(len, 2);
	assert_int_equal(blob_get(store, "a", range, bytes, &len, &err), ERR_OK);
	assert_memory_equal(bytes, "abbd", 4);
	assert_true(clock_monotonic_us() - start_us >= 3 * plan.slow_us);
	contract_expect(store, "a", "abcd", 4);
	blob_close(store);
}

static void a_process_is_killed_before_its_commit(void **state)
{
	(void)state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		contract_put(open_with((struct blob_fault_plan){ .kill_commit = 1 }), "a", "x", 1, 0);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nth_write_fails_and_nothing_is_left),
		cmocka_unit_test(a_failed_commit_leaves_nothing),
		cmocka_unit_test(reads_fail_end_short_and_lie_as_planned),
		cmocka_unit_test(a_process_is_killed_before_its_commit),
	};
	int failed = contract_run(open_store, close_store);
	return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
