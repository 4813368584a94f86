/* The pages jail joins a text layer to a file: searchable PDFs, as other programs read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ocr/pdf.h"
#include "pages_visit.h"

/* An overlay of `pages` pages with one word each. */
static int make_overlay(uint32_t pages)
{
	struct err err;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1 << 24);
	struct ocr_pdf *pdf;
	assert_int_equal(ocr_pdf_new(&out, &pdf, &err), ERR_OK);
	for (uint32_t i = 0; i < pages; i++) {
		cleanup_page struct ocr_page page;
		ocr_page_init(&page);
		page.width = 1654;
		page.height = 2339;
		page.dpi = 200;
		struct ocr_word word = { .box = { 100, 200, 400, 260 }, .confidence = 1.0F };
		assert_int_equal(ocr_page_add_block(&page, OCR_BLOCK_TEXT, &err), ERR_OK);
		assert_int_equal(ocr_page_add_line(&page, 250.0F, 0.0F, &err), ERR_OK);
		assert_int_equal(ocr_page_add_word(&page, &word, "overlaid", 8, &err), ERR_OK);
		assert_int_equal(ocr_pdf_add(pdf, &page, &err), ERR_OK);
	}
	assert_int_equal(ocr_pdf_end(pdf, &err), ERR_OK);
	ocr_pdf_free(pdf);
	int fd = -1;
	assert_int_equal(io_memfd("overlay", &fd, &err), ERR_OK);
	assert_int_equal(io_write_all(fd, out.data, out.len, &err), ERR_OK);
	assert_int_equal(io_memfd_seal(fd, &err), ERR_OK);
	return fd;
}

/* How often a string occurs in what a command prints about the PDF; -1 where the command is not installed. */
static int count_in_output(const char *command, const struct io_map *pdf, const char *needle)
{
	char path[] = "test-compose-XXXXXX";
	struct err err;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, pdf->data, pdf->size, &err), ERR_OK);
	(void)close(fd);
	char line[512];
	(void)snprintf(line, sizeof line, "%s %s - 2>&1", command, path);
	FILE *pipe = popen(line, "r");
	assert_non_null(pipe);
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1 << 20);
	char buffer[4096];
	size_t n;
	while ((n = fread(buffer, 1, sizeof buffer, pipe)) > 0)
		strbuf_add(&out, buffer, n);
	int status = pclose(pipe);
	(void)unlink(path);
	if (status != 0)
		return -1;
	int count = 0;
	for (const char *at = strbuf_str(&out); (at = strstr(at, needle)); at++)
		count++;
	return count;
}

static void expect_searchable(const char *name, uint32_t pages)
{
	struct visit v;
	visit_init(&v);
	assert_true(visit_load(&v.file, name));
	v.overlay_fd = make_overlay(pages);
	visit_run(&v, true);
	assert_int_equal(v.end.code, ERR_OK);
	assert_true(v.pdf.size > 500);
	assert_memory_equal(v.pdf.data, "%PDF-", 5);
	int found = count_in_output("pdftotext", &v.pdf, "overlaid");
	visit_done(&v);
	if (found < 0)
		skip();
	assert_int_equal(found, pages);
}

static void an_image_becomes_a_searchable_pdf(void **state)
{
	(void)state;
	expect_searchable("page-en.png", 1);
	expect_searchable("pages.tif", 2);
}

static void a_jpeg_keeps_its_bytes_in_the_pdf(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	assert_true(visit_load(&v.file, "page-en.jpg"));
	v.overlay_fd = make_overlay(1);
	visit_run(&v, false);
	assert_non_null(memmem(v.pdf.data, v.pdf.size, v.file.data, v.file.len));
	visit_done(&v);
}

static void a_pdf_keeps_its_text_under_ours(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	assert_true(visit_load(&v.file, "page-en.pdf"));
	v.overlay_fd = make_overlay(1);
	visit_run(&v, false);
	int own = count_in_output("pdftotext", &v.pdf, "Keeper");
	int ours = count_in_output("pdftotext", &v.pdf, "overlaid");
	visit_done(&v);
	if (own < 0)
		skip();
	assert_int_equal(own, 1);
	assert_int_equal(ours, 1);
}

/* The overlay's word stands in the upper left of what a reader shows, wherever the page's operators end. */
static void a_turned_and_untidy_page_gets_its_text_in_place(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	strbuf_add_str(&v.file,
		       "%PDF-1.6\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
		       "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
		       "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 842 595]/Rotate 90/Contents 4 0 R>>endobj\n"
		       "4 0 obj<</Length 20>>stream\n3 0 0 3 7 9 cm q q  \nendstream endobj\n"
		       "trailer<</Root 1 0 R>>\n");
	v.overlay_fd = make_overlay(1);
	visit_run(&v, true);
	assert_int_equal(v.end.code, ERR_OK);
	/* 100 and 400 of 1654 pixels, as points of a page that is 595 wide. */
	int found = count_in_output("pdftotext -bbox", &v.pdf, "<word xMin=\"35.9");
	visit_done(&v);
	if (found < 0)
		skip();
	assert_int_equal(found, 1);
}

static void a_text_with_other_pages_than_the_file_is_refused(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	assert_true(visit_load(&v.file, "page-en.pdf"));
	v.overlay_fd = make_overlay(2);
	visit_run(&v, false);
	assert_int_equal(v.end.code, ERR_INVALID);
	assert_int_equal(v.pdf.size, 0);
	visit_done(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_becomes_a_searchable_pdf),
		cmocka_unit_test(a_jpeg_keeps_its_bytes_in_the_pdf),
		cmocka_unit_test(a_pdf_keeps_its_text_under_ours),
		cmocka_unit_test(a_turned_and_untidy_page_gets_its_text_in_place),
		cmocka_unit_test(a_text_with_other_pages_than_the_file_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
