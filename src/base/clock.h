/*
 * Time. Wall time is integer microseconds since 1970 UTC, spans are microseconds on a clock that never
 * steps back. Thread-safe.
 */
#ifndef TIRO_BASE_CLOCK_H
#define TIRO_BASE_CLOCK_H

#include <stdint.h>

#define US_PER_S ((int64_t)1000000)
#define US_PER_DAY (24 * 3600 * US_PER_S)
#define US_PER_MS ((int64_t)1000)

/* Microseconds on CLOCK_MONOTONIC. */
int64_t clock_monotonic_us(void);

/* Microseconds since 1970-01-01T00:00:00Z. */
int64_t clock_wall_us(void);

/* Waits that long, or less where a signal comes. */
void clock_sleep_us(int64_t us);

#endif
