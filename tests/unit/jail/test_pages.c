/* The pages jail as a node sees it: the real program in its sandbox, over pages of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "pages_visit.h"

/* Dark pixels of the first page. */
static size_t ink(const struct visit *v)
{
	const uint8_t *pixels = v->pixels[0].data;
	size_t black = 0;
	for (size_t i = 0; i < v->pixels[0].size; i++)
		black += pixels[i] < 64;
	return black;
}

static void a_png_comes_as_a_grey_raster(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	assert_true(visit_load(&v.file, "page-en.png"));
	visit_run(&v, false);
	assert_int_equal(v.end.code, ERR_OK);
	assert_string_equal(v.document.kind, "png");
	assert_int_equal(v.document.pages, 1);
	assert_int_equal(v.rasters[0].width, 1654);
	assert_int_equal(v.rasters[0].height, 2339);
	assert_int_equal(v.rasters[0].channels, 1);
	assert_int_equal(v.rasters[0].dpi, 200);
	visit_done(&v);
}

static void a_tiff_of_two_pages_stays_black_and_white(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	assert_true(visit_load(&v.file, "pages.tif"));
	visit_run(&v, false);
	assert_int_equal(v.document.pages, 2);
	for (size_t page = 0; page < 2; page++) {
		const uint8_t *pixels = v.pixels[page].data;
		size_t black = 0;
		for (size_t i = 0; i < v.pixels[page].size; i++) {
			assert_true(pixels[i] == 0 || pixels[i] == 255);
			black += pixels[i] == 0;
		}
		assert_true(black > 10000 && black < v.pixels[page].size / 4);
	}
	visit_done(&v);
}

static void expect_text_layer(const char *pdf, const char *truth, bool without_joiners)
{
	struct visit v;
	visit_init(&v);
	if (!visit_load(&v.file, pdf)) {
		visit_done(&v);
		skip();
	}
	cleanup_strbuf struct strbuf expected = STRBUF_INIT(1 << 20);
	assert_true(visit_load(&expected, truth));
	visit_run(&v, false);
	assert_int_equal(v.text_pages, 1);
	/* Cairo leaves zero-width joiners out of a PDF's text. */
	for (char *at = expected.data; without_joiners && (at = strstr(at, "\xE2\x80\x8C"));)
		memmove(at, at + 3, strlen(at + 3) + 1);
	assert_string_equal(strbuf_str(&v.text), strbuf_str(&expected));
	visit_done(&v);
}

static void real_text_of_a_pdf_is_taken_as_it_is(void **state)
{
	(void)state;
	expect_text_layer("page-en.pdf", "page-en.gt.txt", false);
}

static void a_persian_text_layer_is_in_logical_order(void **state)
{
	(void)state;
	expect_text_layer("page-fa.pdf", "page-fa.gt.txt", true);
}

static void a_scan_with_a_page_number_is_rendered(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	assert_true(visit_load(&v.file, "scan.pdf"));
	visit_run(&v, false);
	assert_int_equal(v.text_pages, 0);
	assert_int_equal(v.rasters[0].width, 2481);
	assert_int_equal(v.rasters[0].dpi, 300);
	visit_done(&v);
}

static void real_text_is_rendered_where_it_is_to_be_ignored(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	assert_true(visit_load(&v.file, "page-en.pdf"));
	visit_run(&v, true);
	assert_int_equal(v.text_pages, 0);
	assert_int_equal(v.rasters[0].height, 3509);
	assert_true(ink(&v) > 10000);
	visit_done(&v);
}

static void fonts_that_a_pdf_does_not_bring_are_found(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	strbuf_add_str(&v.file,
		       "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
		       "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
		       "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 100]/Contents 4 0 R/Resources<</Font<</F "
		       "5 0 R>>>>>>endobj\n4 0 obj<</Length 42>>stream\nBT /F 24 Tf 10 40 Td (Find me a font) Tj ET \n"
		       "endstream endobj\n5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n"
		       "trailer<</Root 1 0 R>>\n");
	visit_run(&v, true);
	assert_int_equal(v.end.code, ERR_OK);
	assert_true(ink(&v) > 2000);
	visit_done(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_png_comes_as_a_grey_raster),
		cmocka_unit_test(a_tiff_of_two_pages_stays_black_and_white),
		cmocka_unit_test(real_text_of_a_pdf_is_taken_as_it_is),
		cmocka_unit_test(a_persian_text_layer_is_in_logical_order),
		cmocka_unit_test(a_scan_with_a_page_number_is_rendered),
		cmocka_unit_test(real_text_is_rendered_where_it_is_to_be_ignored),
		cmocka_unit_test(fonts_that_a_pdf_does_not_bring_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
