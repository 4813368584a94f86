#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ocr/pp_detect.h"

enum { WIDTH = 160, HEIGHT = 96 };

static struct pp_quad turned(float cx, float cy, float width, float height, float radians)
{
	float c = cosf(radians), s = sinf(radians);
	struct pp_point u = { c * width / 2, s * width / 2 }, v = { -s * height / 2, c * height / 2 };
	return (struct pp_quad){ { { cx - u.x - v.x, cy - u.y - v.y },
				   { cx + u.x - v.x, cy + u.y - v.y },
				   { cx + u.x + v.x, cy + u.y + v.y },
				   { cx - u.x + v.x, cy - u.y + v.y } } };
}

/* Paints the rectangle into the map. */
static void paint(float *map, const struct pp_quad *quad, float probability)
{
	float w = pp_quad_width(quad), h = pp_quad_height(quad), angle = pp_quad_angle(quad);
	struct pp_point middle = pp_quad_at(quad, 0.5f, 0.5f);
	for (int y = 0; y < HEIGHT; y++) {
		for (int x = 0; x < WIDTH; x++) {
			float dx = (float)x + 0.5f - middle.x, dy = (float)y + 0.5f - middle.y;
			float u = dx * cosf(angle) + dy * sinf(angle), v = dy * cosf(angle) - dx * sinf(angle);
			if (fabsf(u) <= w / 2 && fabsf(v) <= h / 2)
				map[y * WIDTH + x] = probability;
		}
	}
}

static struct pp_quads find(const float *map)
{
	struct pp_quads quads = { 0 };
	struct err err;
	assert_int_equal(pp_boxes_from_map(map, WIDTH, HEIGHT, &quads, &err), ERR_OK);
	return quads;
}

static void a_leaning_line_gets_a_leaning_rectangle_with_its_margin_back(void **state)
{
	(void)state;
	float *map = calloc(WIDTH * HEIGHT, sizeof(*map));
	struct pp_quad line = turned(80, 48, 120, 8, 0.1f);
	assert_non_null(map);
	paint(map, &line, 0.9f);
	cleanup_quads struct pp_quads quads = find(map);

	/* area / perimeter * 1.6 on each side */
	float grown = 2 * 120 * 8 * 1.6f / (2 * (120 + 8));
	assert_int_equal(quads.count, 1);
	assert_float_equal(pp_quad_angle(&quads.items[0]), 0.1f, 0.02);
	assert_float_equal(pp_quad_width(&quads.items[0]), 120 + grown, 3);
	assert_float_equal(pp_quad_height(&quads.items[0]), 8 + grown, 3);
	free(map);
}

static void a_vertical_line_stays_higher_than_wide(void **state)
{
	(void)state;
	float *map = calloc(WIDTH * HEIGHT, sizeof(*map));
	struct pp_quad line = turned(40, 48, 8, 70, 0.02f);
	assert_non_null(map);
	paint(map, &line, 0.9f);
	cleanup_quads struct pp_quads quads = find(map);

	assert_int_equal(quads.count, 1);
	assert_true(pp_quad_height(&quads.items[0]) > 3 * pp_quad_width(&quads.items[0]));
	assert_true(quads.items[0].corner[1].x > quads.items[0].corner[0].x);
	free(map);
}

static void two_lines_are_two_and_dust_is_none(void **state)
{
	(void)state;
	float *map = calloc(WIDTH * HEIGHT, sizeof(*map));
	struct pp_quad first = turned(80, 20, 100, 6, 0), second = turned(80, 40, 100, 6, 0);
	assert_non_null(map);
	paint(map, &first, 0.9f);
	paint(map, &second, 0.9f);
	map[80 * WIDTH + 10] = 1;
	cleanup_quads struct pp_quads quads = find(map);

	assert_int_equal(quads.count, 2);
	free(map);
}

static void a_faint_region_is_no_text(void **state)
{
	(void)state;
	float *map = calloc(WIDTH * HEIGHT, sizeof(*map));
	struct pp_quad line = turned(80, 48, 120, 8, 0);
	assert_non_null(map);
	paint(map, &line, 0.4f);
	cleanup_quads struct pp_quads quads = find(map);

	assert_int_equal(quads.count, 0);
	free(map);
}

static void a_map_full_of_text_is_one_box(void **state)
{
	(void)state;
	float *map = malloc(WIDTH * HEIGHT * sizeof(*map));
	assert_non_null(map);
	for (size_t i = 0; i < WIDTH * HEIGHT; i++)
		map[i] = 1;
	cleanup_quads struct pp_quads quads = find(map);

	assert_int_equal(quads.count, 1);
	free(map);
}

static void a_word_box_lies_inside_the_page_and_is_never_empty(void **state)
{
	(void)state;
	struct pp_quad quad = turned(80, 48, 200, 10, 0);
	struct ocr_box box = pp_quad_box(&quad, 0, 1, WIDTH, HEIGHT);

	assert_int_equal(box.x0, 0);
	assert_int_equal(box.x1, WIDTH);
	assert_int_equal(box.y0, 43);
	assert_int_equal(box.y1, 53);
	quad = turned(500, 500, 10, 10, 0);
	box = pp_quad_box(&quad, 0, 1, WIDTH, HEIGHT);
	assert_true(box.x0 < box.x1 && box.x1 <= WIDTH && box.y0 < box.y1 && box.y1 <= HEIGHT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leaning_line_gets_a_leaning_rectangle_with_its_margin_back),
		cmocka_unit_test(a_vertical_line_stays_higher_than_wide),
		cmocka_unit_test(two_lines_are_two_and_dust_is_none),
		cmocka_unit_test(a_faint_region_is_no_text),
		cmocka_unit_test(a_map_full_of_text_is_one_box),
		cmocka_unit_test(a_word_box_lies_inside_the_page_and_is_never_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
