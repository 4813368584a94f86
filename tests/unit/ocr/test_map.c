#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ocr/sheet.h"

static void assert_point(const struct ocr_map *map, double x, double y, double wanted_x, double wanted_y)
{
	ocr_map_point(map, &x, &y);
	assert_true(fabs(x - wanted_x) < 1e-9 && fabs(y - wanted_y) < 1e-9);
}

static void a_quarter_turn_moves_the_corners(void **state)
{
	struct ocr_map right = ocr_map_turn(90, 200, 100), over = ocr_map_turn(180, 200, 100);
	struct ocr_map left = ocr_map_turn(270, 200, 100);
	(void)state;

	assert_point(&right, 0, 0, 100, 0);
	assert_point(&right, 200, 100, 0, 200);
	assert_point(&over, 0, 0, 200, 100);
	assert_point(&left, 0, 0, 0, 200);
	assert_point(&left, 200, 100, 100, 0);
}

static void a_map_and_its_inverse_cancel(void **state)
{
	struct ocr_map lean = ocr_map_rotate(3, 50, 70), turn = ocr_map_turn(90, 200, 100);
	struct ocr_map both = ocr_map_compose(&turn, &lean), back = ocr_map_inverse(&both);
	struct ocr_map same = ocr_map_compose(&back, &both);
	(void)state;

	assert_point(&same, 12, 34, 12, 34);
	assert_point(&same, -5, 900, -5, 900);
	assert_point(&lean, 50, 70, 50, 70);
}

static void a_box_stays_on_the_page_and_is_never_empty(void **state)
{
	struct ocr_map map = ocr_map_identity();
	struct ocr_box outside = { 500, -20, 600, -10 }, across = { -5, 10, 50, 300 };
	struct ocr_box in = ocr_map_box(&map, &outside, 100, 80), cut = ocr_map_box(&map, &across, 100, 80);
	(void)state;

	assert_true(in.x0 >= 0 && in.x1 <= 100 && in.y0 >= 0 && in.y1 <= 80 && in.x1 > in.x0 && in.y1 > in.y0);
	assert_int_equal(cut.x0, 0);
	assert_int_equal(cut.x1, 50);
	assert_int_equal(cut.y1, 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quarter_turn_moves_the_corners),
		cmocka_unit_test(a_map_and_its_inverse_cancel),
		cmocka_unit_test(a_box_stays_on_the_page_and_is_never_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
