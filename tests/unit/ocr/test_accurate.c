/* The real models on pages that leptonica draws; skipped where models or OpenVINO are not installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <leptonica/allheaders.h>

#include "base/cleanup.h"
#include "ocr/engine.h"

enum { EXIT_SKIPPED = 77, PATH_BYTES = 4096, FONT_SIZE = 20 };

static struct ocr_model *model;
static struct ocr_session *session;

/* A page with the text in leptonica's own font. */
static PIX *draw(const char *text, int width, int height)
{
	L_BMF *font = bmfCreate(NULL, FONT_SIZE);
	PIX *pix = pixCreate(width, height, 8);
	int overflow = 0;
	assert_non_null(font);
	assert_non_null(pix);
	(void)pixSetAll(pix);
	PIX *page = pixAddSingleTextblock(pix, font, text, 0, L_ADD_BELOW, &overflow);
	bmfDestroy(&font);
	pixDestroy(&pix);
	assert_non_null(page);
	return page;
}

/* The raster of a page; the caller frees the pixels. */
static struct ocr_raster raster_of(PIX *pix, uint8_t **ret_pixels)
{
	uint32_t width = (uint32_t)pixGetWidth(pix), height = (uint32_t)pixGetHeight(pix);
	uint8_t *pixels = malloc((size_t)width * height);
	assert_non_null(pixels);
	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++) {
			l_uint32 value = 0;
			(void)pixGetPixel(pix, (int)x, (int)y, &value);
			pixels[(size_t)y * width + x] = (uint8_t)value;
		}
	}
	*ret_pixels = pixels;
	return (struct ocr_raster){ width, height, 1, width, 0, pixels };
}

static enum err_code read_pix(PIX *pix, ocr_abort_fn *abort, struct ocr_page *ret, struct err *err)
{
	const struct ocr_options options = { .mode = OCR_HIGH_ACCURACY, .language = "en" };
	cleanup_free uint8_t *pixels = NULL;
	struct ocr_raster raster = raster_of(pix, &pixels);
	return ocr_reader_engine.read(session, &raster, &options, abort, NULL, ret, err);
}

static void page_text(const struct ocr_page *page, char *ret, size_t size)
{
	size_t len = 0;
	for (size_t i = 0; i < page->word_count; i++) {
		const struct ocr_word *word = &page->words[i];
		int n = snprintf(ret + len, size - len, "%s%.*s", i ? " " : "", (int)word->text_len,
				 ocr_word_text(page, word));
		assert_true(n >= 0 && (size_t)n < size - len);
		len += (size_t)n;
	}
	ret[len] = 0;
}

static const char text[] = "The quick brown fox jumps over the lazy dog while seven wizards\n"
			   "quietly mix a box of liquor jugs and pack five dozen more of them";
static const char words[] = "The quick brown fox jumps over the lazy dog while seven wizards "
			    "quietly mix a box of liquor jugs and pack five dozen more of them";

static void assert_reads(PIX *pix, uint32_t rotation)
{
	cleanup_page struct ocr_page page;
	struct err err;
	char found[1024];

	assert_int_equal(read_pix(pix, NULL, &page, &err), ERR_OK);
	page_text(&page, found, sizeof(found));
	assert_string_equal(found, words);
	assert_int_equal(page.rotation, rotation);
	assert_string_equal(page.source, "ppocr");
	for (size_t i = 0; i < page.word_count; i++)
		assert_true(page.words[i].box.x1 <= (int32_t)page.width &&
			    page.words[i].box.y1 <= (int32_t)page.height);
}

static void a_page_is_read_and_its_words_lie_in_order(void **state)
{
	(void)state;
	PIX *pix = draw(text, 1000, 700);
	cleanup_page struct ocr_page page;
	struct err err;

	assert_reads(pix, 0);
	assert_int_equal(read_pix(pix, NULL, &page, &err), ERR_OK);
	assert_true(page.line_count >= 2);
	for (size_t i = 0; i < page.line_count; i++) {
		const struct ocr_line *line = &page.lines[i];
		for (uint32_t k = line->first_word + 1; k < line->first_word + line->word_count; k++)
			assert_true(page.words[k].box.x0 >= page.words[k - 1].box.x1 - 2);
	}
	pixDestroy(&pix);
}

static void a_turned_page_is_read_upright(void **state)
{
	(void)state;
	static const uint32_t upright[] = { 0, 270, 180, 90 };
	PIX *pix = draw(text, 1000, 700);

	for (int quarters = 1; quarters < 4; quarters++) {
		PIX *turned = pixRotateOrth(pix, quarters);
		assert_reads(turned, upright[quarters]);
		pixDestroy(&turned);
	}
	pixDestroy(&pix);
}

static void pages_without_text_have_no_words(void **state)
{
	(void)state;
	static const int sizes[][2] = { { 1, 1 }, { 3, 500 }, { 600, 800 } };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		for (int black = 0; black < 2; black++) {
			cleanup_page struct ocr_page page;
			struct err err;
			PIX *pix = pixCreate(sizes[i][0], sizes[i][1], 8);
			(void)(black ? pixClearAll(pix) : pixSetAll(pix));
			assert_int_equal(read_pix(pix, NULL, &page, &err), ERR_OK);
			assert_int_equal(page.word_count, 0);
			pixDestroy(&pix);
		}
	}
}

static bool abort_now(void *ctx)
{
	(void)ctx;
	return true;
}

static void an_abort_stops_the_read(void **state)
{
	(void)state;
	cleanup_page struct ocr_page page;
	struct err err;
	PIX *pix = draw(text, 1000, 700);

	assert_int_equal(read_pix(pix, abort_now, &page, &err), ERR_CANCELLED);
	assert_int_equal(page.word_count, 0);
	pixDestroy(&pix);
}

/* The folder of `tiro models`: TIRO_MODELS, or tiro/models below the XDG data folder. */
static bool model_path(const char *file, char *ret)
{
	const char *models = getenv("TIRO_MODELS"), *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	int n;
	if (models)
		n = snprintf(ret, PATH_BYTES, "%s/%s", models, file);
	else if (data)
		n = snprintf(ret, PATH_BYTES, "%s/tiro/models/%s", data, file);
	else
		n = snprintf(ret, PATH_BYTES, "%s/.local/share/tiro/models/%s", home ? home : "", file);
	return n > 0 && n < PATH_BYTES && access(ret, R_OK) == 0;
}

/* False: something that the tests need is not installed. */
static bool open_reader(void)
{
	char detector[PATH_BYTES], recogniser[PATH_BYTES];
	const struct ocr_model_spec spec = { .detector = detector, .recogniser = recogniser };
	struct err err = { 0 };
	cleanup_page struct ocr_page page;

	ocr_page_init(&page);
	if (!model_path("PP-OCRv6_det_small.onnx", detector) || !model_path("PP-OCRv6_rec_small.onnx", recogniser))
		return false;
	if (ocr_reader_engine.model_open(&spec, &model, &err) != ERR_OK ||
	    ocr_reader_engine.session_open(model, &session, &err) != ERR_OK)
		return false;
	PIX *pix = pixCreate(10, 10, 8);
	enum err_code code = read_pix(pix, NULL, &page, &err);
	pixDestroy(&pix);
	if (code != ERR_OK)
		print_message("skipped: %s\n", err.message);
	return code == ERR_OK;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_read_and_its_words_lie_in_order),
		cmocka_unit_test(a_turned_page_is_read_upright),
		cmocka_unit_test(pages_without_text_have_no_words),
		cmocka_unit_test(an_abort_stops_the_read),
	};
	int status = EXIT_SKIPPED;
	if (open_reader())
		status = cmocka_run_group_tests(tests, NULL, NULL);
	if (session)
		ocr_reader_engine.session_close(session);
	ocr_reader_engine.model_close(model);
	return status;
}
