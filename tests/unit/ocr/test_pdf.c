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
#include "sample.h"

typedef void make_fn(struct ocr_page *ret);

/* Writes the pages as a PDF to a new file; the caller removes and frees the path. */
static char *write_pdf(struct ocr_page *pages, size_t count)
{
	struct err err;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1 << 24);
	struct ocr_pdf *pdf;
	assert_int_equal(ocr_pdf_new(&out, &pdf, &err), ERR_OK);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(ocr_pdf_add(pdf, &pages[i], &err), ERR_OK);
	assert_int_equal(ocr_pdf_end(pdf, &err), ERR_OK);
	ocr_pdf_free(pdf);
	char *path = strdup("test-pdf-XXXXXX");
	cleanup_close int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, out.data, out.len), (ssize_t)out.len);
	return path;
}

/* Runs `command` with %s replaced by the path; returns its output and stores its status. */
static void run(const char *command, const char *path, struct strbuf *out, int *ret_status)
{
	char line[512];
	/* Only commands of this file come here. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(line, sizeof line, command, path);
#pragma GCC diagnostic pop
	FILE *pipe = popen(line, "r");
	assert_non_null(pipe);
	char buffer[4096];
	size_t n;
	while ((n = fread(buffer, 1, sizeof buffer, pipe)) > 0)
		strbuf_add(out, buffer, n);
	*ret_status = pclose(pipe);
}

static bool installed(const char *tool)
{
	struct strbuf out = STRBUF_INIT(4096);
	int status;
	run("command -v %s", tool, &out, &status);
	strbuf_done(&out);
	return status == 0;
}

static void drop_marks(struct strbuf *text)
{
	size_t kept = 0;
	for (size_t i = 0; i < text->len; i++) {
		const char *at = text->data + i;
		bool mark =
			i + 2 < text->len && memcmp(at, "\xE2\x80", 2) == 0 && ((unsigned char)at[2] & 0xF8) == 0xA8;
		bool empty_line = *at == '\n' && (kept == 0 || text->data[kept - 1] == '\n');
		if (mark)
			i += 2;
		else if (!empty_line)
			text->data[kept++] = *at;
	}
	if (text->data)
		text->data[kept] = '\0';
	text->len = kept;
}

/* What pdftotext finds, without the bidirectional marks that it adds; the caller releases `ret`. */
static void copied_text(make_fn *make, uint32_t rotation, struct strbuf *ret)
{
	struct ocr_page page;
	make(&page);
	page.rotation = rotation;
	cleanup_free char *path = write_pdf(&page, 1);
	int status;
	run("pdftotext -enc UTF-8 -nopgbrk %s -", path, ret, &status);
	drop_marks(ret);
	(void)unlink(path);
	ocr_page_done(&page);
}

static void expect_text(make_fn *make, const char *expected)
{
	if (!installed("pdftotext"))
		skip();
	cleanup_strbuf struct strbuf text = STRBUF_INIT(1 << 20);
	copied_text(make, 0, &text);
	assert_string_equal(strbuf_str(&text), expected);
}

static void english_copies_out_as_it_was_written(void **state)
{
	(void)state;
	expect_text(sample_english, "The clerk & the <scribe>\nwrote \"all\" night.\nMorning came late.\n");
}

static void columns_and_umlauts_copy_out(void **state)
{
	(void)state;
	/* pdftotext itself joins what a hyphen parts. */
	expect_text(sample_german, "\xC3\x9C"
				   "ber den D\xC3\xA4"
				   "chern lag\nder Nebel und die Stra\xC3\x9F"
				   "en-\nbahn stand still.\n"
				   "Niemand rief.\n");
}

static void persian_copies_out_in_logical_order(void **state)
{
	(void)state;
	expect_text(
		sample_persian,
		"\xDA\xA9\xD8\xA7\xD8\xAA\xD8\xA8 \xD9\x86\xD8\xA7\xD9\x85\xD9\x87 "
		"\xD9\x86\xD9\x88\xD8\xB4\xD8\xAA \xDB\xB1\xDB\xB4\xDB\xB0\xDB\xB2\n\xD8\xB3\xD9\x84\xD8\xA7\xD9\x85 "
		"\xD8\xAF\xD9\x86\xDB\x8C\xD8\xA7\n");
}

static void chinese_copies_out_without_spaces(void **state)
{
	(void)state;
	expect_text(sample_chinese, "\xE4\xB9\xA6\xE8\xAE\xB0\xE5\x91\x98\xE5\x86\x99\xE4\xBF\xA1\n"
				    "\xE5\xA4\xA9\xE4\xBA\xAE\xE4\xBA\x86\xF0\xA0\xAE\xB7\n");
}

static void a_turned_page_copies_out_too(void **state)
{
	(void)state;
	if (!installed("pdftotext"))
		skip();
	/* pdftotext orders the blocks of a turned page in its own way; lines must be whole. */
	for (uint32_t rotation = 90; rotation < 360; rotation += 90) {
		cleanup_strbuf struct strbuf text = STRBUF_INIT(1 << 20);
		copied_text(sample_english, rotation, &text);
		assert_non_null(strstr(strbuf_str(&text), "The clerk & the <scribe>\nwrote \"all\" night.\n"));
		assert_non_null(strstr(strbuf_str(&text), "Morning came late.\n"));
	}
}

static void make_leaning(struct ocr_page *ret)
{
	sample_english(ret);
	ocr_page_done(ret);
	sample_english(ret);
	ret->word_count = ret->line_count = ret->block_count = 0;
	sample_block(ret);
	sample_line(ret, 100, 200, 0.05F, "a line that leans down by three degrees");
	sample_line(ret, 100, 250, 0.05F, "and the next one");
}

static void leaning_lines_stay_lines(void **state)
{
	(void)state;
	expect_text(make_leaning, "a line that leans down by three degrees\nand the next one\n");
}

/* Every word must lie where it stands on the page: pdftotext tells boxes in points. */
static void words_lie_at_their_boxes(void **state)
{
	(void)state;
	if (!installed("pdftotext"))
		skip();
	struct ocr_page page;
	sample_english(&page);
	cleanup_free char *path = write_pdf(&page, 1);
	cleanup_strbuf struct strbuf text = STRBUF_INIT(1 << 20);
	int status;
	run("pdftotext -bbox %s -", path, &text, &status);
	(void)unlink(path);
	const char *at = strbuf_str(&text);
	for (size_t i = 0; i < page.word_count; i++) {
		at = strstr(at, "<word xMin=");
		assert_non_null(at);
		double x0;
		double y0;
		double x1;
		double y1;
		/* NOLINTNEXTLINE(cert-err34-c): pdftotext's own numbers, and their count is checked */
		int found = sscanf(at, "<word xMin=\"%lf\" yMin=\"%lf\" xMax=\"%lf\" yMax=\"%lf\"", &x0, &y0, &x1, &y1);
		assert_int_equal(found, 4);
		at++;
		double px = 72.0 / page.dpi;
		struct ocr_box box = page.words[i].box;
		assert_true(x0 > (box.x0 - 2) * px && x0 < (box.x0 + 2) * px);
		assert_true(x1 > (box.x1 - 2) * px && x1 < (box.x1 + 2) * px);
		assert_true(y0 > (box.y0 - 8) * px && y1 < (box.y1 + 8) * px);
	}
	ocr_page_done(&page);
}

static void the_file_is_sound(void **state)
{
	(void)state;
	if (!installed("qpdf"))
		skip();
	struct ocr_page pages[5];
	static make_fn *const makers[] = { sample_english, sample_german, sample_persian, sample_chinese };
	for (size_t i = 0; i < ARRAY_LEN(makers); i++)
		makers[i](&pages[i]);
	ocr_page_init(&pages[4]); /* a page of no size and without words */
	cleanup_free char *path = write_pdf(pages, ARRAY_LEN(pages));
	cleanup_strbuf struct strbuf text = STRBUF_INIT(1 << 20);
	int status;
	run("qpdf --check %s 2>&1", path, &text, &status);
	(void)unlink(path);
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		ocr_page_done(&pages[i]);
	assert_int_equal(status, 0);
	assert_non_null(strstr(strbuf_str(&text), "No syntax or stream encoding errors"));
}

static void make_text_layer(struct ocr_page *ret)
{
	sample_english(ret);
	(void)snprintf(ret->source, sizeof ret->source, "text-layer");
}

static void text_that_a_page_has_already_is_not_added(void **state)
{
	(void)state;
	expect_text(make_text_layer, "");
}

static void a_full_buffer_is_an_error(void **state)
{
	(void)state;
	struct err err;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(600);
	struct ocr_pdf *pdf;
	assert_int_equal(ocr_pdf_new(&out, &pdf, &err), ERR_OK);
	struct ocr_page page;
	sample_english(&page);
	enum err_code code = ocr_pdf_add(pdf, &page, &err);
	if (code == ERR_OK)
		code = ocr_pdf_end(pdf, &err);
	assert_int_equal(code, ERR_TOO_BIG);
	ocr_page_done(&page);
	ocr_pdf_free(pdf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(english_copies_out_as_it_was_written),
		cmocka_unit_test(columns_and_umlauts_copy_out),
		cmocka_unit_test(persian_copies_out_in_logical_order),
		cmocka_unit_test(chinese_copies_out_without_spaces),
		cmocka_unit_test(a_turned_page_copies_out_too),
		cmocka_unit_test(leaning_lines_stay_lines),
		cmocka_unit_test(words_lie_at_their_boxes),
		cmocka_unit_test(the_file_is_sound),
		cmocka_unit_test(text_that_a_page_has_already_is_not_added),
		cmocka_unit_test(a_full_buffer_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
