#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "models/half.h"

static void every_half_survives_the_way_there_and_back(void **state)
{
	(void)state;
	for (uint32_t h = 0; h < 0x10000; h++) {
		float value = half_to_float((uint16_t)h);
		if (isnan(value))
			assert_true(isnan(half_to_float(half_from_float(value))));
		else
			assert_int_equal(half_from_float(value), h);
	}
}

static void known_values_are_right(void **state)
{
	(void)state;
	assert_true(half_to_float(0x3C00) == 1.0f);
	assert_true(half_to_float(0xC000) == -2.0f);
	assert_true(half_to_float(0x7BFF) == 65504.0f);
	assert_true(half_to_float(0x0001) == ldexpf(1, -24));
	assert_true(half_to_float(0x0400) == ldexpf(1, -14));
	assert_true(isinf(half_to_float(0x7C00)));
}

/* Between any two neighbours: below the middle goes down, above it up, the middle itself to the even one. */
static void rounding_is_to_nearest_with_ties_to_even(void **state)
{
	(void)state;
	for (uint16_t h = 0; h < 0x7BFF; h++) {
		float low = half_to_float(h);
		float high = half_to_float((uint16_t)(h + 1));
		float middle = low + (high - low) / 2;
		assert_int_equal(half_from_float(middle), h % 2 == 0 ? h : h + 1);
		assert_int_equal(half_from_float(nextafterf(middle, low)), h);
		assert_int_equal(half_from_float(nextafterf(middle, high)), h + 1);
	}
}

static void what_is_too_large_or_too_small_ends_at_infinity_or_zero(void **state)
{
	(void)state;
	assert_int_equal(half_from_float(65519.9f), 0x7BFF);
	assert_int_equal(half_from_float(65520.0f), 0x7C00);
	assert_int_equal(half_from_float(-1e30f), 0xFC00);
	assert_int_equal(half_from_float(ldexpf(1, -25)), 0);
	assert_int_equal(half_from_float(-ldexpf(1, -30)), 0x8000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_half_survives_the_way_there_and_back),
		cmocka_unit_test(known_values_are_right),
		cmocka_unit_test(rounding_is_to_nearest_with_ties_to_even),
		cmocka_unit_test(what_is_too_large_or_too_small_ends_at_infinity_or_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
