/* The pages jail as a node sees it: the real program in its sandbox, over pages of our own and over hostile files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "jail/jail.h"
#include "ocr/format.h"
#include "ocr/pdf.h"

enum { PAGES_MAX = 8 };

/* One file and what its jail said. */
struct visit {
	uv_loop_t loop;
	struct jail *jail;
	struct strbuf file;
	uint32_t ask; /* pages to ask for, at most what the document has */
	int overlay_fd; /* asked for once all pages came; -1: not at all */
	uint32_t answered;
	struct jail_document_info document;
	struct ocr_raster rasters[PAGES_MAX];
	struct io_map pixels[PAGES_MAX];
	struct strbuf text; /* of text pages, as paragraphs */
	uint32_t text_pages;
	struct io_map pdf;
	struct err page_error;
	struct err end; /* why the jail ended; ERR_OK where it did not */
};

static void on_read(void *ctx, struct jail_read *read)
{
	struct visit *v = ctx;
	size_t left = read->offset < v->file.len ? v->file.len - (size_t)read->offset : 0;
	jail_read_done(read, left > 0 ? v->file.data + read->offset : "", left < read->len ? left : read->len, NULL);
}

static void finish(struct visit *v)
{
	jail_close(v->jail);
	v->jail = NULL;
}

static void answered(struct visit *v)
{
	struct err err;
	if (++v->answered < v->ask)
		return;
	if (v->overlay_fd >= 0)
		assert_int_equal(jail_compose_pdf(v->jail, v->overlay_fd, &err), ERR_OK);
	else
		finish(v);
}

static void on_document(void *owner, const struct jail_document_info *info)
{
	struct visit *v = owner;
	struct err err;
	v->document = *info;
	v->ask = info->pages < v->ask ? info->pages : v->ask;
	for (uint32_t i = 0; i < v->ask; i++)
		assert_int_equal(jail_render(v->jail, i, &err), ERR_OK);
}

static void on_raster(void *owner, uint32_t page, const struct ocr_raster *raster, int *fd)
{
	struct visit *v = owner;
	struct err err;
	v->rasters[page] = *raster;
	assert_int_equal(io_map_sealed(*fd, LIMIT_BULK_BYTES, &v->pixels[page], &err), ERR_OK);
	assert_int_equal(v->pixels[page].size, (size_t)raster->stride * raster->height);
	answered(v);
}

static void on_text_page(void *owner, uint32_t page, struct ocr_page *text)
{
	struct visit *v = owner;
	(void)page;
	v->text_pages++;
	assert_string_equal(text->source, "text-layer");
	ocr_page_paragraph_text(text, &v->text);
	answered(v);
}

static void on_page_failed(void *owner, uint32_t page, const struct err *why)
{
	struct visit *v = owner;
	(void)page;
	v->page_error = *why;
	answered(v);
}

static void on_pdf(void *owner, int *fd, uint64_t size)
{
	struct visit *v = owner;
	struct err err;
	assert_int_equal(io_map_sealed(*fd, LIMIT_BULK_BYTES, &v->pdf, &err), ERR_OK);
	assert_int_equal(v->pdf.size, size);
	finish(v);
}

static void on_end(void *owner, int64_t duration_us, const struct err *why)
{
	struct visit *v = owner;
	(void)duration_us;
	v->end = *why;
	finish(v);
}

static const struct jail_events events = {
	.on_document = on_document,
	.on_raster = on_raster,
	.on_text_page = on_text_page,
	.on_page_failed = on_page_failed,
	.on_pdf = on_pdf,
	.on_end = on_end,
};

/* Asks for all pages (at most PAGES_MAX) of v->file, then for the PDF where an overlay is set. */
static void run_visit(struct visit *v, bool ignore_text_layer)
{
	struct err err;
	struct jail_source source = { .size = v->file.len, .read = on_read, .ctx = v };
	struct jail_pages_options options = { .ignore_text_layer = ignore_text_layer };
	v->ask = PAGES_MAX;
	assert_int_equal(uv_loop_init(&v->loop), 0);
	assert_int_equal(jail_open_pages(&v->loop, &source, &options, &events, v, &v->jail, &err), ERR_OK);
	assert_int_equal(uv_run(&v->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&v->loop), 0);
}

static void visit_init(struct visit *v)
{
	*v = (struct visit){ .file = STRBUF_INIT((size_t)64 << 20),
			     .text = STRBUF_INIT((size_t)1 << 20),
			     .overlay_fd = -1 };
}

static void visit_done(struct visit *v)
{
	strbuf_done(&v->file);
	strbuf_done(&v->text);
	for (size_t i = 0; i < PAGES_MAX; i++)
		io_unmap(&v->pixels[i]);
	io_unmap(&v->pdf);
	if (v->overlay_fd >= 0)
		(void)close(v->overlay_fd);
}

/* Loads a file of make_samples; false where a font was missing and it does not exist. */
static bool load(struct strbuf *out, const char *name)
{
	struct err err;
	char path[1024];
	(void)snprintf(path, sizeof path, "%s/%s", getenv("TIRO_PAGES"), name);
	enum err_code code = io_read_file(path, out, &err);
	if (code != ERR_NOT_FOUND)
		assert_int_equal(code, ERR_OK);
	return code == ERR_OK;
}

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
	assert_true(load(&v.file, "page-en.png"));
	run_visit(&v, false);
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
	assert_true(load(&v.file, "pages.tif"));
	run_visit(&v, false);
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
	if (!load(&v.file, pdf)) {
		visit_done(&v);
		skip();
	}
	cleanup_strbuf struct strbuf expected = STRBUF_INIT(1 << 20);
	assert_true(load(&expected, truth));
	run_visit(&v, false);
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
	assert_true(load(&v.file, "scan.pdf"));
	run_visit(&v, false);
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
	assert_true(load(&v.file, "page-en.pdf"));
	run_visit(&v, true);
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
	run_visit(&v, true);
	assert_int_equal(v.end.code, ERR_OK);
	assert_true(ink(&v) > 2000);
	visit_done(&v);
}

/* -- searchable PDFs ------------------------------------------------------------------------------- */

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
	assert_true(load(&v.file, name));
	v.overlay_fd = make_overlay(pages);
	run_visit(&v, true);
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
	assert_true(load(&v.file, "page-en.jpg"));
	v.overlay_fd = make_overlay(1);
	run_visit(&v, false);
	assert_non_null(memmem(v.pdf.data, v.pdf.size, v.file.data, v.file.len));
	visit_done(&v);
}

static void a_pdf_keeps_its_text_under_ours(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	assert_true(load(&v.file, "page-en.pdf"));
	v.overlay_fd = make_overlay(1);
	run_visit(&v, false);
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
	run_visit(&v, true);
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
	assert_true(load(&v.file, "page-en.pdf"));
	v.overlay_fd = make_overlay(2);
	run_visit(&v, false);
	assert_int_equal(v.end.code, ERR_INVALID);
	assert_int_equal(v.pdf.size, 0);
	visit_done(&v);
}

/* -- hostile files --------------------------------------------------------------------------------- */

/* Runs the bytes in v->file; they must be refused with this code, quickly, in one line. */
static void expect_refusal(struct visit *v, enum err_code code, const char *part_of_message)
{
	int64_t start = clock_monotonic_us();
	run_visit(v, false);
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
	run_visit(&v, false);
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
	run_visit(&v, false);
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
	assert_true(load(&v.file, "page-en.jpg"));
	v.file.len = v.file.len * 2 / 3;
	run_visit(&v, false);
	assert_int_equal(v.end.code, ERR_OK);
	assert_int_equal(v.rasters[0].width, 1654);
	visit_done(&v);
}

static void a_cut_png_or_pdf_has_one_reason(void **state)
{
	(void)state;
	struct visit v;
	visit_init(&v);
	assert_true(load(&v.file, "page-en.png"));
	v.file.len /= 2;
	expect_refusal(&v, ERR_BAD_MEDIA, "damaged");
	visit_init(&v);
	strbuf_add_str(&v.file, "%PDF-1.7\nnothing follows\n");
	expect_refusal(&v, ERR_BAD_MEDIA, "PDF");
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
		cmocka_unit_test(an_image_becomes_a_searchable_pdf),
		cmocka_unit_test(a_jpeg_keeps_its_bytes_in_the_pdf),
		cmocka_unit_test(a_pdf_keeps_its_text_under_ours),
		cmocka_unit_test(a_turned_and_untidy_page_gets_its_text_in_place),
		cmocka_unit_test(a_text_with_other_pages_than_the_file_is_refused),
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
