/* The pages jail over files that mean ill, and over cut ones: refused in one line, or read as far as they go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "pages_visit.h"

/* Runs the bytes in v->file; they must be refused with this code, quickly, in one line. */
static void expect_refusal(struct visit *v, enum err_code code, const char *part_of_message)
{
	int64_t start = clock_monotonic_us();
	visit_run(v, false);
	const struct err *why = v->end.code != ERR_OK ? &v->end : &v->page_error;
	assert_int_equal(why->code, code);
	assert_non_null(strstr(why->message, part_of_message));
	assert_null(strchr(why->message, '\n'));
	/* Generous: sanitizers and busy machines are slow. Undetected, each of these files takes minutes or memory. */
	assert_true(clock_monotonic_us() - start < 20 * US_PER_S);
	visit_done(v);
}

static void expect_bytes_refused(const void *bytes, size_t len, enum err_code code, const char *part_of_message)
{
	struct visit v;
	visit_init(&v);
	strbuf_add(&v.file, bytes, len);
	expect_refusal(&v, code, part_of_message);
}

static void what_is_no_picture_is_refused(void **state)
{
	(void)state;
	expect_bytes_refused("", 0, ERR_BAD_MEDIA, "empty");
	expect_bytes_refused("hello world, hello world\n", 25, ERR_BAD_MEDIA, "neither a PDF nor an image");
	expect_bytes_refused("\x89PNG\r\n\x1A\n_________________", 25, ERR_BAD_MEDIA, "header");
}

static void put_big32(char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(value >> (24 - 8 * i));
}

static void a_png_that_claims_too_many_pixels_is_refused(void **state)
{
	(void)state;
	char png[8 + 25 + 12] = "\x89PNG\r\n\x1A\n\0\0\0\rIHDR";
	static const uint32_t sizes[][2] = { { 60000, 60000 }, { 20000, 20000 }, { 40000, 10 } };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		put_big32(png + 16, sizes[i][0]);
		put_big32(png + 20, sizes[i][1]);
		png[24] = 8;
		expect_bytes_refused(png, sizeof png, ERR_TOO_BIG, "pixels");
	}
}

/* A little-endian TIFF of one directory at `directory`, whose next pointer is `next`. */
static void add_tiff(struct strbuf *out, uint32_t width, uint32_t height, uint32_t next)
{
	static const uint16_t tags[] = { 256, 257, 258, 259, 262, 273, 278, 279 };
	const uint32_t values[] = { width, height, 8, 1, 1, 8, height, 64 };
	uint16_t count = ARRAY_LEN(tags);
	uint32_t at = 8 + 64;
	strbuf_add(out, "II*\0", 4);
	strbuf_add(out, &at, 4);
	for (int i = 0; i < 64; i++)
		strbuf_add_char(out, (char)0xFF);
	strbuf_add(out, &count, 2);
	for (size_t i = 0; i < count; i++) {
		uint16_t type = 4;
		uint32_t one = 1;
		strbuf_add(out, &tags[i], 2);
		strbuf_add(out, &type, 2);
		strbuf_add(out, &one, 4);
		strbuf_add(out, &values[i], 4);
	}
	strbuf_add(out, &next, 4);
}

static void a_tiff_whose_pages_run_in_a_circle_is_refused(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	add_tiff(&v.file, 8, 8, 72);
	expect_refusal(&v, ERR_BAD_MEDIA, "circle");
}

static void a_tiff_that_claims_too_many_pixels_is_refused(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	add_tiff(&v.file, 60000, 60000, 0);
	expect_refusal(&v, ERR_TOO_BIG, "pixels");
}

static void a_pdf_with_too_many_pages_is_refused(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	strbuf_add_str(&v.file, "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[");
	for (int i = 0; i < 100000; i++)
		strbuf_addf(&v.file, "%d 0 R ", i + 3);
	strbuf_add_str(&v.file, "]/Count 100000>>endobj\n");
	for (int i = 0; i < 100000; i++)
		strbuf_addf(&v.file, "%d 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj\n", i + 3);
	strbuf_add_str(&v.file, "trailer<</Root 1 0 R>>\n");
	expect_refusal(&v, ERR_TOO_BIG, "100000 pages");
}

static void an_encrypted_pdf_is_refused_with_its_reason(void **state)
{
	(void)state;
	static const char pdf[] = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
				  "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
				  "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj\n"
				  "4 0 obj<</Filter/Standard/V 1/R 2/P -4/O(01234567890123456789012345678901)"
				  "/U(01234567890123456789012345678901)>>endobj\n"
				  "trailer<</Root 1 0 R/Encrypt 4 0 R/ID[(0123456789012345)(0123456789012345)]>>\n";
	expect_bytes_refused(pdf, sizeof pdf - 1, ERR_BAD_MEDIA, "encrypted");
}

static void a_pdf_that_contains_itself_ends(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	strbuf_add_str(&v.file, "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
				"2 0 obj<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2>>endobj\n"
				"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R"
				"/Resources<</XObject<</X 5 0 R>>>>>>endobj\n"
				"4 0 obj<</Length 5>>stream\n/X Do\nendstream endobj\n"
				"5 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>"
				"/Length 11>>stream\n/X Do /X Do\nendstream endobj\n"
				"trailer<</Root 1 0 R>>\n");
	int64_t start = clock_monotonic_us();
	visit_run(&v, false);
	assert_true(v.answered > 0 || v.end.code == ERR_BAD_MEDIA);
	assert_true(clock_monotonic_us() - start < 20 * US_PER_S);
	visit_done(&v);
}

static void a_huge_page_is_rendered_small(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	strbuf_add_str(&v.file, "%PDF-1.6\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
				"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
				"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 14400 14400]/UserUnit 50>>endobj\n"
				"trailer<</Root 1 0 R>>\n");
	visit_run(&v, false);
	assert_int_equal(v.end.code, ERR_OK);
	assert_true((uint64_t)v.rasters[0].width * v.rasters[0].height <= 50 * 1000 * 1000);
	assert_true(v.rasters[0].width > 1000);
	visit_done(&v);
}

static void a_cut_jpeg_shows_what_is_there(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	assert_true(visit_load(&v.file, "page-en.jpg"));
	v.file.len = v.file.len * 2 / 3;
	visit_run(&v, false);
	assert_int_equal(v.end.code, ERR_OK);
	assert_int_equal(v.rasters[0].width, 1654);
	visit_done(&v);
}

static void a_cut_png_or_pdf_has_one_reason(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	assert_true(visit_load(&v.file, "page-en.png"));
	v.file.len /= 2;
	expect_refusal(&v, ERR_BAD_MEDIA, "damaged");
	visit_init(&v);
	strbuf_add_str(&v.file, "%PDF-1.7\nnothing follows\n");
	expect_refusal(&v, ERR_BAD_MEDIA, "PDF");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_picture_is_refused),
		cmocka_unit_test(a_png_that_claims_too_many_pixels_is_refused),
		cmocka_unit_test(a_tiff_whose_pages_run_in_a_circle_is_refused),
		cmocka_unit_test(a_tiff_that_claims_too_many_pixels_is_refused),
		cmocka_unit_test(a_pdf_with_too_many_pages_is_refused),
		cmocka_unit_test(an_encrypted_pdf_is_refused_with_its_reason),
		cmocka_unit_test(a_pdf_that_contains_itself_ends),
		cmocka_unit_test(a_huge_page_is_rendered_small),
		cmocka_unit_test(a_cut_jpeg_shows_what_is_there),
		cmocka_unit_test(a_cut_png_or_pdf_has_one_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
