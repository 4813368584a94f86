#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;
	/* Cannot fail for these two clocks with a valid pointer (clock_gettime(2)). */
	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

void clock_sleep_us(int64_t us)
{
	struct timespec span = { .tv_sec = us / US_PER_S, .tv_nsec = (long)(us % US_PER_S) * 1000 };
	(void)nanosleep(&span, NULL);
}
