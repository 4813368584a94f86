#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "base/clock.h"

static void the_monotonic_clock_never_steps_back(void **state)
{
	(void)state;
	int64_t last = clock_monotonic_us();
	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_monotonic_us();
		assert_true(now >= last);
		last = now;
	}
}

static void a_sleep_is_seen_in_microseconds(void **state)
{
	(void)state;
	int64_t start = clock_monotonic_us();
	const struct timespec pause = { .tv_nsec = 2 * 1000 * 1000 };
	assert_int_equal(nanosleep(&pause, NULL), 0);
	int64_t span = clock_monotonic_us() - start;
	assert_in_range(span, 2 * US_PER_MS, 60 * US_PER_S);
}

static void wall_time_counts_from_1970(void **state)
{
	(void)state;
	int64_t seconds = (int64_t)time(NULL);
	assert_in_range(clock_wall_us(), (seconds - 1) * US_PER_S, (seconds + 60) * US_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_monotonic_clock_never_steps_back),
		cmocka_unit_test(a_sleep_is_seen_in_microseconds),
		cmocka_unit_test(wall_time_counts_from_1970),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
