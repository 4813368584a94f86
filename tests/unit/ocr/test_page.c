#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ocr/page.h"

static void add(struct ocr_page *page, const char *text, struct ocr_box box, float confidence)
{
	struct err err;
	struct ocr_word word = { .box = box, .confidence = confidence, .space_before = true };
	assert_int_equal(ocr_page_add_word(page, &word, text, strlen(text), &err), ERR_OK);
}

static void make_page(struct ocr_page *page)
{
	struct err err;
	ocr_page_init(page);
	page->width = 600;
	page->height = 800;
	page->dpi = 150;
	page->rotation = 90;
	page->skew = 0.25F;
	(void)snprintf(page->language, sizeof page->language, "en");
	(void)snprintf(page->source, sizeof page->source, "fake");
	assert_int_equal(ocr_page_add_block(page, OCR_BLOCK_HEADING, &err), ERR_OK);
	assert_int_equal(ocr_page_add_line(page, 40.0F, 0.01F, &err), ERR_OK);
	add(page, "A", (struct ocr_box){ 10, 20, 30, 40 }, 1.0F);
	add(page, "title", (struct ocr_box){ 35, 18, 90, 45 }, 0.5F);
	assert_int_equal(ocr_page_add_block(page, OCR_BLOCK_TEXT, &err), ERR_OK);
	page->blocks[1].continues = true;
	assert_int_equal(ocr_page_add_line(page, 90.0F, 0.0F, &err), ERR_OK);
	add(page, "\xD8\xB3\xD9\x84\xD8\xA7\xD9\x85", (struct ocr_box){ 100, 70, 200, 90 }, 0.75F);
	page->words[2].rtl = true;
	page->lines[1].hyphenated = true;
}

static void boxes_of_lines_and_blocks_grow_with_their_words(void **state)
{
	(void)state;
	cleanup_page struct ocr_page page;
	make_page(&page);
	assert_int_equal(page.lines[0].box.x0, 10);
	assert_int_equal(page.lines[0].box.y0, 18);
	assert_int_equal(page.lines[0].box.x1, 90);
	assert_int_equal(page.lines[0].box.y1, 45);
	assert_memory_equal(&page.blocks[1].box, &page.words[2].box, sizeof page.words[2].box);
	assert_true(page.lines[0].paragraph_start && page.lines[1].paragraph_start);
}

static void a_box_is_put_inside_the_page(void **state)
{
	(void)state;
	cleanup_page struct ocr_page page;
	make_page(&page);
	add(&page, "out", (struct ocr_box){ -5, 780, 700, 900 }, NAN);
	assert_int_equal(page.words[3].box.x0, 0);
	assert_int_equal(page.words[3].box.x1, 600);
	assert_int_equal(page.words[3].box.y1, 800);
	assert_true(page.words[3].confidence >= 0.0F);
}

static void control_characters_never_get_into_a_word(void **state)
{
	(void)state;
	struct err err;
	cleanup_page struct ocr_page page;
	make_page(&page);
	add(&page, "a\x1B[2Jb\xC2\x9B", (struct ocr_box){ 0, 0, 5, 5 }, 1.0F);
	assert_int_equal(page.words[3].text_len, 5);
	assert_memory_equal(ocr_word_text(&page, &page.words[3]), "a[2Jb", 5);
	add(&page, "\x01\x02", (struct ocr_box){ 0, 0, 5, 5 }, 1.0F);
	assert_int_equal(page.word_count, 4);
	struct ocr_word word = { .confidence = 1.0F };
	assert_int_equal(ocr_page_add_word(&page, &word, "\xC3(", 2, &err), ERR_INVALID);
	assert_int_equal(page.word_count, 4);
}

static void more_words_than_the_limit_are_refused(void **state)
{
	(void)state;
	struct err err;
	cleanup_page struct ocr_page page;
	make_page(&page);
	struct ocr_word word = { .confidence = 1.0F };
	while (page.word_count < LIMIT_PAGE_WORDS)
		assert_int_equal(ocr_page_add_word(&page, &word, "x", 1, &err), ERR_OK);
	assert_int_equal(ocr_page_add_word(&page, &word, "x", 1, &err), ERR_TOO_BIG);
}

static void confidence_is_weighted_by_length(void **state)
{
	(void)state;
	cleanup_page struct ocr_page page;
	ocr_page_init(&page);
	assert_true(ocr_page_confidence(&page) == 0.0F);
	ocr_page_done(&page);
	make_page(&page);
	/* 1 x 1, 5 x 0.5, 4 x 0.75 */
	assert_true(fabsf(ocr_page_confidence(&page) - 0.65F) < 1e-5F);
}

static void a_packed_page_comes_back_the_same(void **state)
{
	(void)state;
	struct err err;
	cleanup_page struct ocr_page page;
	make_page(&page);
	cleanup_strbuf struct strbuf packed = STRBUF_INIT(1 << 20);
	ocr_page_pack(&page, &packed);
	cleanup_page struct ocr_page back;
	assert_int_equal(ocr_page_unpack(packed.data, packed.len, &back, &err), ERR_OK);
	assert_int_equal(back.word_count, 3);
	assert_int_equal(back.rotation, 90);
	assert_string_equal(back.language, "en");
	assert_true(back.words[2].rtl && back.lines[1].hyphenated && back.blocks[1].continues);
	assert_int_equal(back.blocks[0].kind, OCR_BLOCK_HEADING);
	cleanup_strbuf struct strbuf again = STRBUF_INIT(1 << 20);
	ocr_page_pack(&back, &again);
	assert_int_equal(again.len, packed.len);
	assert_memory_equal(again.data, packed.data, packed.len);
}

static void a_cut_or_lengthened_page_is_refused(void **state)
{
	(void)state;
	struct err err;
	cleanup_page struct ocr_page page;
	make_page(&page);
	cleanup_strbuf struct strbuf packed = STRBUF_INIT(1 << 20);
	ocr_page_pack(&page, &packed);
	for (size_t len = 0; len < packed.len; len++) {
		cleanup_page struct ocr_page back;
		assert_int_equal(ocr_page_unpack(packed.data, len, &back, &err), ERR_PROTOCOL);
		assert_int_equal(back.word_count, 0);
	}
	strbuf_add_char(&packed, 0);
	cleanup_page struct ocr_page back;
	assert_int_equal(ocr_page_unpack(packed.data, packed.len, &back, &err), ERR_PROTOCOL);
}

static void values_out_of_range_are_refused(void **state)
{
	(void)state;
	struct err err;
	/* Offsets in the packed form: width 1, height 5, dpi 9, rotation 13; the first block's box after the two
	 * strings and the count. */
	static const struct {
		size_t at;
		uint8_t value;
	} cases[] = { { 0, 9 },		{ 3, 1 },	{ 7, 1 },	{ 12, 1 },	{ 13, 91 },
		      { 39 + 3, 0x80 }, { 39 + 10, 1 }, { 39 + 16, 7 }, { 39 + 17, 2 }, { 39 + 21, 1 } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup_page struct ocr_page page;
		make_page(&page);
		cleanup_strbuf struct strbuf packed = STRBUF_INIT(1 << 20);
		ocr_page_pack(&page, &packed);
		packed.data[cases[i].at] = (char)cases[i].value;
		cleanup_page struct ocr_page back;
		assert_int_equal(ocr_page_unpack(packed.data, packed.len, &back, &err), ERR_PROTOCOL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boxes_of_lines_and_blocks_grow_with_their_words),
		cmocka_unit_test(a_box_is_put_inside_the_page),
		cmocka_unit_test(control_characters_never_get_into_a_word),
		cmocka_unit_test(more_words_than_the_limit_are_refused),
		cmocka_unit_test(confidence_is_weighted_by_length),
		cmocka_unit_test(a_packed_page_comes_back_the_same),
		cmocka_unit_test(a_cut_or_lengthened_page_is_refused),
		cmocka_unit_test(values_out_of_range_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
