#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "ocr/pp_order.h"

enum { ITEMS_MAX = 64 };

/* A synthetic page: pieces are added in reading order and handed over shuffled. */
struct sketch {
	struct pp_item items[ITEMS_MAX];
	size_t count;
};

static void add(struct sketch *s, float x0, float y0, float x1)
{
	assert_true(s->count < ITEMS_MAX);
	s->items[s->count++] = (struct pp_item){ x0, y0, x1, y0 + 10 };
}

static void add_column(struct sketch *s, float x0, float y0, float x1, int lines)
{
	for (int i = 0; i < lines; i++)
		add(s, x0, y0 + 14.0f * (float)i, x1);
}

/* 37 is prime to any count below it and to most above: a fixed shuffle. */
static size_t shuffled(size_t i, size_t count)
{
	return count % 37 ? i * 37 % count : i;
}

static void order(const struct sketch *s, struct pp_place *ret)
{
	struct pp_item items[ITEMS_MAX];
	struct err err;
	for (size_t i = 0; i < s->count; i++)
		items[shuffled(i, s->count)] = s->items[i];
	assert_int_equal(pp_order(items, s->count, ret, &err), ERR_OK);
}

/* The places are in the order in which the pieces were added. */
static void assert_in_order(const struct sketch *s, struct pp_place *places)
{
	order(s, places);
	for (size_t i = 0; i < s->count; i++)
		assert_int_equal(places[i].item, shuffled(i, s->count));
	assert_true(places[0].starts_line && places[0].starts_block);
}

static void two_columns_are_read_one_after_the_other(void **state)
{
	(void)state;
	struct sketch s = { .count = 0 };
	struct pp_place places[ITEMS_MAX];

	add_column(&s, 10, 10, 190, 12);
	add_column(&s, 205, 12, 390, 12);
	assert_in_order(&s, places);
	assert_true(places[12].starts_block);
	assert_false(places[5].starts_block);
}

static void a_heading_over_columns_comes_first(void **state)
{
	(void)state;
	struct sketch s = { .count = 0 };
	struct pp_place places[ITEMS_MAX];

	add(&s, 60, 10, 330);
	add_column(&s, 10, 40, 190, 10);
	add_column(&s, 210, 40, 390, 10);
	assert_in_order(&s, places);
}

static void a_heading_between_columns_parts_them_into_bands(void **state)
{
	(void)state;
	struct sketch s = { .count = 0 };
	struct pp_place places[ITEMS_MAX];

	add_column(&s, 10, 10, 190, 6);
	add_column(&s, 210, 10, 390, 6);
	add(&s, 10, 110, 390);
	add_column(&s, 10, 130, 190, 6);
	add_column(&s, 210, 130, 390, 6);
	assert_in_order(&s, places);
}

static void a_receipt_is_read_row_by_row(void **state)
{
	(void)state;
	struct sketch s = { .count = 0 };
	struct pp_place places[ITEMS_MAX];

	for (int i = 0; i < 10; i++) {
		add(&s, 10, 10 + 14.0f * (float)i, 60 + 9.0f * (float)(i % 4));
		add(&s, 170, 11 + 14.0f * (float)i, 200);
	}
	assert_in_order(&s, places);
	for (size_t i = 0; i < s.count; i++)
		assert_int_equal(places[i].starts_line, i % 2 == 0);
}

static void a_table_with_a_wide_first_column_is_read_row_by_row(void **state)
{
	(void)state;
	struct sketch s = { .count = 0 };
	struct pp_place places[ITEMS_MAX];

	for (int i = 0; i < 8; i++) {
		float y = 10 + 18.0f * (float)i;
		add(&s, 10, y, 150);
		add(&s, 200, y, 215);
		add(&s, 250, y, 290);
		add(&s, 330, y, 380);
	}
	assert_in_order(&s, places);
}

static void a_footer_on_one_side_comes_after_both_columns(void **state)
{
	(void)state;
	struct sketch s = { .count = 0 };
	struct pp_place places[ITEMS_MAX];

	add_column(&s, 10, 10, 190, 10);
	add_column(&s, 210, 10, 390, 10);
	add(&s, 10, 190, 80);
	assert_in_order(&s, places);
}

static void a_caption_set_into_the_columns_comes_after_them(void **state)
{
	(void)state;
	struct sketch s = { .count = 0 };
	struct pp_place places[ITEMS_MAX];

	add_column(&s, 10, 10, 190, 4);
	add_column(&s, 10, 66, 140, 4);
	add_column(&s, 10, 122, 190, 4);
	add_column(&s, 210, 10, 390, 4);
	add_column(&s, 260, 66, 390, 4);
	add_column(&s, 210, 122, 390, 4);
	add_column(&s, 155, 70, 245, 3);
	assert_in_order(&s, places);
}

static void columns_of_a_page_seen_at_an_angle_are_parted_too(void **state)
{
	(void)state;
	struct sketch s = { .count = 0 };
	struct pp_place places[ITEMS_MAX];

	/* Both edges lean by 0.045, so that no upright line lies between the columns. */
	for (int side = 0; side < 2; side++)
		for (int i = 0; i < 30; i++)
			add(&s, 10 + 190 * (float)side + 0.63f * (float)i, 10 + 14.0f * (float)i,
			    192 + 190 * (float)side + 0.63f * (float)i);
	assert_in_order(&s, places);
}

static void three_columns_are_read_from_left_to_right(void **state)
{
	(void)state;
	struct sketch s = { .count = 0 };
	struct pp_place places[ITEMS_MAX];

	add_column(&s, 10, 10, 110, 8);
	add_column(&s, 120, 10, 220, 8);
	add_column(&s, 230, 10, 330, 8);
	assert_in_order(&s, places);
}

static void a_wide_gap_starts_a_block(void **state)
{
	(void)state;
	struct sketch s = { .count = 0 };
	struct pp_place places[ITEMS_MAX];

	add_column(&s, 10, 10, 190, 3);
	add_column(&s, 10, 80, 190, 3);
	assert_in_order(&s, places);
	assert_true(places[3].starts_block);
	assert_false(places[2].starts_block);
}

static void no_pieces_and_one_piece_are_fine(void **state)
{
	(void)state;
	struct sketch s = { .count = 0 };
	struct pp_place places[ITEMS_MAX];
	struct err err;

	assert_int_equal(pp_order(NULL, 0, NULL, &err), ERR_OK);
	add(&s, 10, 10, 10);
	assert_in_order(&s, places);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_columns_are_read_one_after_the_other),
		cmocka_unit_test(a_heading_over_columns_comes_first),
		cmocka_unit_test(a_heading_between_columns_parts_them_into_bands),
		cmocka_unit_test(a_receipt_is_read_row_by_row),
		cmocka_unit_test(a_table_with_a_wide_first_column_is_read_row_by_row),
		cmocka_unit_test(a_footer_on_one_side_comes_after_both_columns),
		cmocka_unit_test(a_caption_set_into_the_columns_comes_after_them),
		cmocka_unit_test(columns_of_a_page_seen_at_an_angle_are_parted_too),
		cmocka_unit_test(three_columns_are_read_from_left_to_right),
		cmocka_unit_test(a_wide_gap_starts_a_block),
		cmocka_unit_test(no_pieces_and_one_piece_are_fine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
