/* The page reader with real tesseract on pages of our own; skipped where English data is not installed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <leptonica/allheaders.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ocr/engine.h"
#include "ocr/format.h"

enum { EXIT_SKIPPED = 77 };

static struct ocr_model *model;
static struct ocr_session *session;
static const char *pages_folder;

/* An image's grey pixels as a raster; the caller frees them. */
static struct ocr_raster raster_of(PIX *pix, uint8_t **ret_pixels)
{
	PIX *grey = pixConvertTo8(pix, 0);
	assert_non_null(grey);
	uint32_t width = (uint32_t)pixGetWidth(grey), height = (uint32_t)pixGetHeight(grey);
	uint8_t *pixels = malloc((size_t)width * height);
	assert_non_null(pixels);
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++) {
			l_uint32 value = 0;

			(void)pixGetPixel(grey, (int)x, (int)y, &value);
			pixels[(size_t)y * width + x] = (uint8_t)value;
		}
	pixDestroy(&grey);
	*ret_pixels = pixels;
	return (struct ocr_raster){
		.width = width, .height = height, .channels = 1, .stride = width, .pixels = pixels
	};
}

static PIX *load(const char *name)
{
	char path[4096];
	(void)snprintf(path, sizeof(path), "%s/%s", pages_folder, name);
	PIX *pix = pixRead(path);
	assert_non_null(pix);
	return pix;
}

static void read_pix(PIX *pix, const char *language, struct ocr_page *ret)
{
	cleanup_free uint8_t *pixels = NULL;
	struct ocr_raster raster = raster_of(pix, &pixels);
	struct ocr_options options = { .mode = OCR_FAST };
	struct err err;

	(void)snprintf(options.language, sizeof(options.language), "%s", language);
	assert_int_equal(ocr_reader_engine.read(session, &raster, &options, NULL, NULL, ret, &err), ERR_OK);
	assert_int_equal(ret->rotation % 180 ? ret->height : ret->width, raster.width);
}

static bool has_text(const struct ocr_page *page, const char *wanted)
{
	struct strbuf text = STRBUF_INIT(LIMIT_PAGE_TEXT);

	ocr_page_paragraph_text(page, &text);
	bool found = strstr(strbuf_str(&text), wanted) != NULL;
	if (!found)
		print_message("%s\n", strbuf_str(&text));
	strbuf_done(&text);
	return found;
}

/* The box of the first word that starts with `text`. */
static struct ocr_box box_of(const struct ocr_page *page, const char *text)
{
	for (size_t i = 0; i < page->word_count; i++)
		if (strncmp(ocr_word_text(page, &page->words[i]), text, strlen(text)) == 0)
			return page->words[i].box;
	fail_msg("no word \"%s\"", text);
	return (struct ocr_box){ 0, 0, 0, 0 };
}

/* Fails unless the box holds most of the other one. */
static void assert_holds(struct ocr_box box, struct ocr_box other)
{
	int x0 = box.x0 > other.x0 ? box.x0 : other.x0, x1 = box.x1 < other.x1 ? box.x1 : other.x1;
	int y0 = box.y0 > other.y0 ? box.y0 : other.y0, y1 = box.y1 < other.y1 ? box.y1 : other.y1;
	double shared = x1 > x0 && y1 > y0 ? (double)(x1 - x0) * (y1 - y0) : 0;

	assert_true(shared > 0.7 * (other.x1 - other.x0) * (other.y1 - other.y0));
}

static void a_page_is_read_in_paragraphs(void **state)
{
	PIX *pix = load("page-en.png");
	struct ocr_page page;
	(void)state;

	read_pix(pix, "en", &page);
	assert_true(has_text(&page, "He wrote what they said and nothing else.\n\nOn the ninth day of winter a girl"));
	assert_string_equal(page.language, "en");
	assert_string_equal(page.source, "tesseract");
	assert_int_equal(page.rotation, 0);
	ocr_page_done(&page);
	pixDestroy(&pix);
}

static void the_language_is_found(void **state)
{
	PIX *pix = load("page-en.png");
	struct ocr_page page;
	(void)state;

	read_pix(pix, "", &page);
	assert_string_equal(page.language, "en");
	assert_true(has_text(&page, "the middle is still white."));
	ocr_page_done(&page);
	pixDestroy(&pix);
}

static void a_turned_page_is_turned_back(void **state)
{
	PIX *pix = load("page-en.png");
	struct ocr_page upright;
	(void)state;

	read_pix(pix, "en", &upright);
	for (int quarter = 1; quarter < 4; quarter++) {
		PIX *turned = pixRotateOrth(pix, quarter);
		struct ocr_page page;

		assert_non_null(turned);
		read_pix(turned, "en", &page);
		assert_int_equal(page.rotation, (360 - quarter * 90) % 360);
		assert_true(has_text(&page, "Every morning before the market opened"));
		assert_holds(box_of(&page, "Travellers"), box_of(&upright, "Travellers"));
		ocr_page_done(&page);
		pixDestroy(&turned);
	}
	ocr_page_done(&upright);
	pixDestroy(&pix);
}

static void boxes_of_a_small_skewed_page_lie_on_the_page(void **state)
{
	PIX *pix = load("page-en.png");
	PIX *small = pixScale(pix, 0.5F, 0.5F);
	double angle = 2.5 * 3.14159265 / 180;
	PIX *skewed = pixRotate(small, (float)angle, L_ROTATE_AREA_MAP, L_BRING_IN_WHITE, 0, 0);
	struct ocr_page level, page;
	(void)state;

	read_pix(small, "en", &level);
	read_pix(skewed, "en", &page);
	assert_true(page.skew > 1.5F && page.skew < 3.5F);
	struct ocr_box truth = box_of(&level, "Travellers"), box = box_of(&page, "Travellers");
	double cx = pixGetWidth(small) / 2.0, cy = pixGetHeight(small) / 2.0;
	double x = (truth.x0 + truth.x1) / 2.0 - cx, y = (truth.y0 + truth.y1) / 2.0 - cy;
	double moved_x = cx + x * cos(angle) - y * sin(angle), moved_y = cy + x * sin(angle) + y * cos(angle);

	assert_true(fabs((box.x0 + box.x1) / 2.0 - moved_x) < 5);
	assert_true(fabs((box.y0 + box.y1) / 2.0 - moved_y) < 5);
	ocr_page_done(&page);
	ocr_page_done(&level);
	pixDestroy(&pix);
	pixDestroy(&small);
	pixDestroy(&skewed);
}

static void light_on_dark_is_read(void **state)
{
	PIX *pix = load("page-en.png");
	PIX *grey = pixConvertTo8(pix, 0);
	PIX *inverse = pixInvert(NULL, grey);
	struct ocr_page page;
	(void)state;

	read_pix(inverse, "en", &page);
	assert_true(has_text(&page, "the middle is still white."));
	ocr_page_done(&page);
	pixDestroy(&pix);
	pixDestroy(&grey);
	pixDestroy(&inverse);
}

/* Reads a page of width x height whose pixels are all `grey`, or noise where it is negative. */
static size_t words_of_plain(int width, int height, int grey)
{
	PIX *pix = pixCreate(width, height, 8);
	struct ocr_page page;
	uint32_t seed = 1;

	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++) {
			seed = seed * 1664525 + 1013904223;
			(void)pixSetPixel(pix, x, y, grey < 0 ? seed >> 24 : (l_uint32)grey);
		}
	read_pix(pix, "en", &page);
	size_t count = page.word_count;
	ocr_page_done(&page);
	pixDestroy(&pix);
	return count;
}

static void pages_without_text_have_no_words(void **state)
{
	(void)state;
	assert_int_equal(words_of_plain(600, 800, 255), 0);
	assert_int_equal(words_of_plain(600, 800, 0), 0);
	assert_int_equal(words_of_plain(600, 800, 128), 0);
	assert_int_equal(words_of_plain(300, 300, -1), 0);
}

static void the_smallest_pages_are_read(void **state)
{
	(void)state;
	assert_int_equal(words_of_plain(1, 1, 0), 0);
	assert_int_equal(words_of_plain(1, 1, 255), 0);
	assert_int_equal(words_of_plain(2000, 1, -1), 0);
	assert_int_equal(words_of_plain(1, 2000, -1), 0);
	assert_int_equal(words_of_plain(3, 5, -1), 0);
}

static void a_language_that_is_not_installed_names_those_that_are(void **state)
{
	uint8_t pixel = 255;
	struct ocr_raster raster = { .width = 1, .height = 1, .channels = 1, .stride = 1, .pixels = &pixel };
	struct ocr_options options = { .mode = OCR_FAST, .language = "en+xx" };
	struct ocr_page page;
	struct err err;
	(void)state;

	assert_int_equal(ocr_reader_engine.read(session, &raster, &options, NULL, NULL, &page, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "\"xx\""));
	assert_non_null(strstr(err.message, "installed are: en"));
	assert_int_equal(page.word_count, 0);
}

static void a_raster_without_pixels_is_refused(void **state)
{
	struct ocr_raster raster = {
		.width = 10, .height = 10, .channels = 1, .stride = 5, .pixels = (uint8_t[50]){ 0 }
	};
	struct ocr_options options = { .mode = OCR_FAST, .language = "en" };
	struct ocr_page page;
	struct err err;
	(void)state;

	assert_int_equal(ocr_reader_engine.read(session, &raster, &options, NULL, NULL, &page, &err), ERR_INVALID);
}

/* Says stop once the time in *ctx has come. */
static bool stop_at(void *ctx)
{
	return clock_monotonic_us() >= *(int64_t *)ctx;
}

static void an_abort_ends_the_read_soon(void **state)
{
	PIX *pix = load("page-en.png");
	cleanup_free uint8_t *pixels = NULL;
	struct ocr_raster raster = raster_of(pix, &pixels);
	struct ocr_options options = { .mode = OCR_FAST, .language = "en" };
	struct ocr_page page;
	struct err err;
	(void)state;

	for (int ms = 0; ms <= 100; ms += 50) {
		int64_t stop = clock_monotonic_us() + ms * US_PER_MS;

		assert_int_equal(ocr_reader_engine.read(session, &raster, &options, stop_at, &stop, &page, &err),
				 ERR_CANCELLED);
		/* A second is the promise; sanitizers and busy machines get more. */
		assert_true(clock_monotonic_us() - stop < 5 * US_PER_S);
		assert_int_equal(page.word_count, 0);
	}
	pixDestroy(&pix);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_is_read_in_paragraphs),
		cmocka_unit_test(the_language_is_found),
		cmocka_unit_test(a_turned_page_is_turned_back),
		cmocka_unit_test(boxes_of_a_small_skewed_page_lie_on_the_page),
		cmocka_unit_test(light_on_dark_is_read),
		cmocka_unit_test(pages_without_text_have_no_words),
		cmocka_unit_test(the_smallest_pages_are_read),
		cmocka_unit_test(a_language_that_is_not_installed_names_those_that_are),
		cmocka_unit_test(a_raster_without_pixels_is_refused),
		cmocka_unit_test(an_abort_ends_the_read_soon),
	};
	const struct ocr_model_spec spec = { 0 };
	struct err err;

	if (argc < 2 || ocr_reader_engine.model_open(&spec, &model, &err))
		return EXIT_SKIPPED;
	pages_folder = argv[1];
	if (ocr_reader_engine.session_open(model, &session, &err))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	ocr_reader_engine.session_close(session);
	ocr_reader_engine.model_close(model);
	return failed;
}
