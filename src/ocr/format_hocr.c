/* hOCR 1.2 as XHTML 1.0; the elements and properties are those of the hOCR specification, kba.github.io/hocr-spec/1.2.
 */
#include <math.h>
#include <string.h>

#include "ocr/format_priv.h"

void ocr_hocr_begin(struct ocr_writer *w)
{
	const char *name = ocr_base_name(w->file_name);
	strbuf_add_str(w->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			       "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" "
			       "\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n"
			       "<html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n"
			       "<head>\n<title>");
	ocr_xml_text(w->out, name, strlen(name));
	strbuf_add_str(
		w->out,
		"</title>\n"
		"<meta http-equiv=\"Content-Type\" content=\"text/html;charset=utf-8\" />\n"
		"<meta name=\"ocr-system\" content=\"tiro " TIRO_VERSION "\" />\n"
		"<meta name=\"ocr-capabilities\" content=\"ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_lang "
		"ocrp_dir ocrp_wconf\" />\n"
		"</head>\n<body>\n");
}

static void add_bbox(struct strbuf *out, struct ocr_box box)
{
	strbuf_addf(out, "bbox %d %d %d %d", box.x0, box.y0, box.x1, box.y1);
}

static void write_word(struct strbuf *out, const struct ocr_page *page, size_t index, uint32_t page_number)
{
	const struct ocr_word *word = &page->words[index];
	strbuf_addf(out, "<span class=\"ocrx_word\" id=\"word_%u_%zu\" title=\"", page_number, index + 1);
	add_bbox(out, word->box);
	strbuf_addf(out, "; x_wconf %d\"%s>", (int)lroundf(word->confidence * 100.0F), word->rtl ? " dir=\"rtl\"" : "");
	ocr_xml_text(out, ocr_word_text(page, word), word->text_len);
	strbuf_add_str(out, "</span>");
}

static void write_line(struct strbuf *out, const struct ocr_page *page, size_t index, uint32_t page_number)
{
	const struct ocr_line *line = &page->lines[index];
	strbuf_addf(out, "   <span class=\"ocr_line\" id=\"line_%u_%zu\" title=\"", page_number, index + 1);
	add_bbox(out, line->box);
	/* The specification counts the baseline from the lower left corner of the box. */
	strbuf_addf(out, "; baseline %.4g %.4g\">", (double)line->slope,
		    (double)line->baseline_y - (double)line->box.y1);
	for (uint32_t i = 0; i < line->word_count; i++) {
		if (i > 0)
			strbuf_add_str(out, page->words[line->first_word + i].space_before ? " " : "");
		write_word(out, page, line->first_word + i, page_number);
	}
	strbuf_add_str(out, "</span>\n");
}

static void write_block(struct strbuf *out, const struct ocr_page *page, size_t index, uint32_t page_number)
{
	const struct ocr_block *block = &page->blocks[index];
	strbuf_addf(out, " <div class=\"ocr_carea\" id=\"block_%u_%zu\" title=\"", page_number, index + 1);
	add_bbox(out, block->box);
	strbuf_add_str(out, "\">\n");
	struct ocr_span span = { 0 };
	while (ocr_next_paragraph(page, block, &span)) {
		strbuf_addf(out, "  <p class=\"ocr_par\" id=\"par_%u_%u\"", page_number, span.first_line + 1);
		if (ocr_span_is_rtl(page, &span))
			strbuf_add_str(out, " dir=\"rtl\"");
		if (page->language[0]) {
			strbuf_add_str(out, " lang=\"");
			ocr_xml_text(out, page->language, strlen(page->language));
			strbuf_add_char(out, '"');
		}
		strbuf_add_str(out, " title=\"");
		add_bbox(out, ocr_span_box(page, &span));
		strbuf_add_str(out, "\">\n");
		for (uint32_t i = span.first_line; i < span.end_line; i++)
			write_line(out, page, i, page_number);
		strbuf_add_str(out, "  </p>\n");
	}
	strbuf_add_str(out, " </div>\n");
}

void ocr_hocr_page(struct ocr_writer *w, const struct ocr_page *page)
{
	const char *name = ocr_base_name(w->file_name);
	strbuf_addf(w->out, "<div class=\"ocr_page\" id=\"page_%u\" title=\"image &quot;", w->pages + 1);
	ocr_xml_text(w->out, name, strlen(name));
	strbuf_addf(w->out, "&quot;; bbox 0 0 %u %u; ppageno %u; scan_res %u %u\">\n", page->width, page->height,
		    w->pages, page->dpi, page->dpi);
	for (size_t i = 0; i < page->block_count; i++)
		write_block(w->out, page, i, w->pages + 1);
	strbuf_add_str(w->out, "</div>\n");
}

void ocr_hocr_end(struct ocr_writer *w)
{
	strbuf_add_str(w->out, "</body>\n</html>\n");
}
