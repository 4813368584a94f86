#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/processor.h"

static void a_process_that_is_tied_to_one_processor_counts_one(void **state)
{
	(void)state;
	cpu_set_t one;
	assert_true(processor_count() >= 1);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
	assert_int_equal(processor_count(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_that_is_tied_to_one_processor_counts_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
