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
#include "ocr/format.h"
#include "sample.h"

typedef void make_fn(struct ocr_page *ret);

static void write_pages(enum ocr_format format, const char *name, make_fn *const *makers, size_t count,
			struct strbuf *out)
{
	struct ocr_writer w;
	ocr_writer_begin(&w, format, name, out);
	for (size_t i = 0; i < count; i++) {
		cleanup_page struct ocr_page page;
		makers[i](&page);
		ocr_writer_page(&w, &page);
	}
	ocr_writer_end(&w);
	assert_false(out->failed);
}

static void expect(enum ocr_format format, make_fn *make, const char *expected)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1 << 20);
	write_pages(format, "in.png", &make, 1, &out);
	assert_string_equal(strbuf_str(&out), expected);
}

static void names_are_known_and_others_are_not(void **state)
{
	(void)state;
	enum ocr_format format = OCR_FORMAT_RAW;
	assert_true(ocr_format_by_name("hocr", &format));
	assert_int_equal(format, OCR_FORMAT_HOCR);
	assert_true(ocr_format_by_name("pdf", &format));
	assert_false(ocr_format_by_name("docx", &format));
}

static void raw_text_keeps_lines(void **state)
{
	(void)state;
	expect(OCR_FORMAT_RAW, sample_english, "The clerk & the <scribe>\nwrote \"all\" night.\nMorning came late.\n");
}

static void raw_pages_are_parted_by_form_feeds(void **state)
{
	(void)state;
	make_fn *const makers[] = { sample_chinese, sample_chinese };
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1 << 20);
	write_pages(OCR_FORMAT_RAW, "x", makers, 2, &out);
	const char *feed = strchr(strbuf_str(&out), '\f');
	assert_non_null(feed);
	assert_null(strchr(feed + 1, '\f'));
}

static void paragraphs_join_lines_and_part_with_an_empty_line(void **state)
{
	(void)state;
	expect(OCR_FORMAT_PARAGRAPH, sample_english,
	       "The clerk & the <scribe> wrote \"all\" night.\n\nMorning came late.\n");
}

static void a_word_hyphenated_across_columns_is_joined(void **state)
{
	(void)state;
	expect(OCR_FORMAT_PARAGRAPH, sample_german,
	       "\xC3\x9C"
	       "ber den D\xC3\xA4"
	       "chern lag der Nebel und die Stra\xC3\x9F"
	       "enbahn stand still.\n\nNiemand rief.\n");
}

static void chinese_lines_join_without_a_space(void **state)
{
	(void)state;
	expect(OCR_FORMAT_PARAGRAPH, sample_chinese,
	       "\xE4\xB9\xA6\xE8\xAE\xB0\xE5\x91\x98\xE5\x86\x99\xE4\xBF\xA1\xE5\xA4\xA9\xE4\xBA\xAE\xE4\xBA\x86"
	       "\xF0\xA0\xAE\xB7\n");
}

static void an_empty_page_is_an_empty_text(void **state)
{
	(void)state;
	expect(OCR_FORMAT_RAW, ocr_page_init, "");
	expect(OCR_FORMAT_PARAGRAPH, ocr_page_init, "");
}

static void tsv_has_the_columns_of_tesseract(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1 << 20);
	make_fn *make = sample_english;
	write_pages(OCR_FORMAT_TSV, "x", &make, 1, &out);
	static const char start[] =
		"level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\t"
		"conf\ttext\n"
		"1\t1\t0\t0\t0\t0\t0\t0\t1240\t1754\t-1\t\n"
		"2\t1\t1\t0\t0\t0\t100\t76\t384\t130\t-1\t\n"
		"3\t1\t1\t1\t0\t0\t100\t76\t384\t70\t-1\t\n"
		"4\t1\t1\t1\t1\t0\t100\t76\t384\t30\t-1\t\n"
		"5\t1\t1\t1\t1\t1\t100\t76\t48\t30\t89.999998\tThe\n";
	assert_memory_equal(out.data, start, sizeof start - 1);
	assert_non_null(strstr(out.data, "\n3\t1\t1\t2\t0\t0\t"));
	assert_non_null(strstr(out.data, "\n5\t1\t1\t2\t1\t3\t"));
	/* Eleven tabs in every line. */
	for (const char *line = out.data; *line; line = strchr(line, '\n') + 1) {
		int tabs = 0;
		for (const char *c = line; *c != '\n'; c++)
			tabs += *c == '\t';
		assert_int_equal(tabs, 11);
	}
}

static void hocr_marks_pages_areas_paragraphs_lines_and_words(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1 << 20);
	make_fn *make = sample_english;
	write_pages(OCR_FORMAT_HOCR, "in \"1\".png", &make, 1, &out);
	static const char *const parts[] = {
		"<div class=\"ocr_page\" id=\"page_1\" title=\"image &quot;in &quot;1&quot;.png&quot;; ",
		"bbox 0 0 1240 1754; ppageno 0; scan_res 150 150\">",
		"<div class=\"ocr_carea\" id=\"block_1_1\" title=\"bbox 100 76 484 206\">",
		"<p class=\"ocr_par\" id=\"par_1_1\" lang=\"en\" title=\"bbox 100 76 484 146\">",
		"<span class=\"ocr_line\" id=\"line_1_1\" title=\"bbox 100 76 484 106; baseline 0 -6\">",
		"id=\"word_1_5\" title=\"bbox 356 76 484 106; x_wconf 90\">&lt;scribe&gt;</span>",
		"&amp;",
	};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		assert_non_null(strstr(out.data, parts[i]));
}

static void right_to_left_words_say_so_in_hocr(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1 << 20);
	make_fn *make = sample_persian;
	write_pages(OCR_FORMAT_HOCR, "x", &make, 1, &out);
	assert_non_null(strstr(out.data, "id=\"par_1_1\" dir=\"rtl\" lang=\"fa\""));
	assert_non_null(strstr(out.data, "x_wconf 90\" dir=\"rtl\">"));
}

static void alto_tells_a_hyphen_apart(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1 << 20);
	make_fn *make = sample_german;
	write_pages(OCR_FORMAT_ALTO, "x", &make, 1, &out);
	assert_non_null(strstr(out.data, "CONTENT=\"Stra\xC3\x9F"
					 "en\"/>\n     <HYP CONTENT=\"-\"/>\n    </TextLine>"));
	assert_non_null(strstr(out.data, "<SP HPOS=\"164\" VPOS=\"76\" WIDTH=\"16\"/>"));
	assert_non_null(strstr(out.data, "BASELINE=\"100,100 "));
}

static void json_holds_boxes_confidences_and_text(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1 << 20);
	make_fn *const makers[] = { sample_english, sample_persian };
	write_pages(OCR_FORMAT_JSON, "dir/in.png", makers, 2, &out);
	static const char *const parts[] = {
		"{\"file\":\"in.png\",\"pages\":[{\"page\":1,\"width\":1240,\"height\":1754,\"dpi\":150,",
		"\"rotation\":0,",
		"\"language\":\"en\",\"source\":\"fake\",\"confidence\":0.9,",
		"\"text\":\"The clerk & the <scribe> wrote \\\"all\\\" night.\\n\\nMorning came late.\\n\"",
		"{\"text\":\"The\",\"box\":[100,76,148,106],\"confidence\":0.9}",
		",{\"page\":2,",
	};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		assert_non_null(strstr(out.data, parts[i]));
}

/* Runs a checker over what a format writes for all samples; false where it is not installed. */
static bool checks(enum ocr_format format, const char *command)
{
	make_fn *const makers[] = { sample_english, sample_german, sample_persian, sample_chinese, ocr_page_init };
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1 << 20);
	write_pages(format, "a \x01<&'\"> \xFF.png", makers, ARRAY_LEN(makers), &out);
	char path[] = "test-format-XXXXXX";
	cleanup_close int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, out.data, out.len), (ssize_t)out.len);
	char line[256];
	(void)snprintf(line, sizeof line, "%s %s", command, path);
	int status = system(line);
	(void)unlink(path);
	if (status != 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return false;
	assert_int_equal(status, 0);
	return true;
}

static void what_is_xml_parses_as_xml(void **state)
{
	(void)state;
	/* --nonet: the document type is named, not fetched. */
	if (!checks(OCR_FORMAT_HOCR, "xmllint --nonet --noout") || !checks(OCR_FORMAT_ALTO, "xmllint --nonet --noout"))
		skip();
}

static void what_is_json_parses_as_json(void **state)
{
	(void)state;
	if (!checks(OCR_FORMAT_JSON, "python3 -m json.tool >/dev/null"))
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_known_and_others_are_not),
		cmocka_unit_test(raw_text_keeps_lines),
		cmocka_unit_test(raw_pages_are_parted_by_form_feeds),
		cmocka_unit_test(paragraphs_join_lines_and_part_with_an_empty_line),
		cmocka_unit_test(a_word_hyphenated_across_columns_is_joined),
		cmocka_unit_test(chinese_lines_join_without_a_space),
		cmocka_unit_test(an_empty_page_is_an_empty_text),
		cmocka_unit_test(tsv_has_the_columns_of_tesseract),
		cmocka_unit_test(hocr_marks_pages_areas_paragraphs_lines_and_words),
		cmocka_unit_test(right_to_left_words_say_so_in_hocr),
		cmocka_unit_test(alto_tells_a_hyphen_apart),
		cmocka_unit_test(json_holds_boxes_confidences_and_text),
		cmocka_unit_test(what_is_xml_parses_as_xml),
		cmocka_unit_test(what_is_json_parses_as_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
