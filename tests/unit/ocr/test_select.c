#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ocr/select.h"

static void add_block(struct ocr_page *page)
{
	struct err err;
	page->width = 200;
	page->height = 200;
	assert_int_equal(ocr_page_add_block(page, OCR_BLOCK_TEXT, &err), ERR_OK);
}

/* A line of one word at height y. */
static void add_line(struct ocr_page *page, int32_t y, const char *text, float confidence)
{
	struct ocr_word word = { .box = { 10, y, 110, y + 10 }, .confidence = confidence };
	struct err err;
	assert_int_equal(ocr_page_add_line(page, (float)(y + 9), 0, &err), ERR_OK);
	assert_int_equal(ocr_page_add_word(page, &word, text, strlen(text), &err), ERR_OK);
}

static void assert_word(const struct ocr_page *page, size_t word, const char *expected)
{
	assert_true(word < page->word_count);
	assert_int_equal(page->words[word].text_len, strlen(expected));
	assert_memory_equal(ocr_word_text(page, &page->words[word]), expected, strlen(expected));
}

/* Two blocks, the second one badly read; `other` has one block over both. */
static void make_readings(struct ocr_page *base, struct ocr_page *other)
{
	ocr_page_init(base);
	ocr_page_init(other);
	add_block(base);
	add_line(base, 10, "clear", 0.95f);
	add_block(base);
	add_line(base, 50, "8lurr3d", 0.5f);
	add_block(other);
	add_line(other, 10, "clcar", 0.8f);
	add_line(other, 50, "blurred", 0.9f);
	add_line(other, 150, "speck", 0.9f);
}

static void each_block_comes_from_the_reading_that_is_surer(void **state)
{
	(void)state;
	cleanup_page struct ocr_page base;
	cleanup_page struct ocr_page other;
	cleanup_page struct ocr_page best;
	struct err err;
	size_t taken = 9;

	make_readings(&base, &other);
	ocr_page_init(&best);
	best.width = best.height = 200;
	assert_int_equal(ocr_select(&base, &other, &best, &taken, &err), ERR_OK);
	assert_int_equal(taken, 1);
	assert_int_equal(best.block_count, 2);
	assert_int_equal(best.word_count, 2);
	assert_word(&best, 0, "clear");
	assert_word(&best, 1, "blurred");
	assert_false(best.words[1].space_before);
}

static void an_empty_second_reading_changes_nothing(void **state)
{
	(void)state;
	cleanup_page struct ocr_page base;
	cleanup_page struct ocr_page other;
	cleanup_page struct ocr_page none;
	cleanup_page struct ocr_page best;
	struct err err;
	size_t taken = 9;

	make_readings(&base, &other);
	ocr_page_init(&none);
	ocr_page_init(&best);
	best.width = best.height = 200;
	assert_int_equal(ocr_select(&base, &none, &best, &taken, &err), ERR_OK);
	assert_int_equal(taken, 0);
	assert_int_equal(best.word_count, 2);
	assert_word(&best, 1, "8lurr3d");
}

static void a_moved_reading_has_its_boxes_on_the_other_sheet(void **state)
{
	(void)state;
	struct ocr_reading reading = { .score = 0 };
	const struct ocr_map halve = { 0.5, 0, 10, 0, 0.5, 20 };

	ocr_page_init(&reading.page);
	add_block(&reading.page);
	add_line(&reading.page, 40, "word", 0.9f);
	ocr_reading_move(&reading, &halve, 110, 120);
	assert_int_equal(reading.page.words[0].box.x0, 15);
	assert_int_equal(reading.page.words[0].box.y0, 40);
	assert_int_equal(reading.page.words[0].box.x1, 65);
	assert_int_equal(reading.page.words[0].box.y1, 45);
	assert_float_equal(reading.page.lines[0].baseline_y, 44.5f, 1e-3);
	assert_int_equal(reading.page.width, 110);
	ocr_reading_done(&reading);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_block_comes_from_the_reading_that_is_surer),
		cmocka_unit_test(an_empty_second_reading_changes_nothing),
		cmocka_unit_test(a_moved_reading_has_its_boxes_on_the_other_sheet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
