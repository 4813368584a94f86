#include "ocr/format.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "ocr/format_priv.h"

static void page_raw(struct ocr_writer *w, const struct ocr_page *page)
{
	if (w->pages > 0)
		strbuf_add_char(w->out, '\f');
	ocr_page_raw_text(page, w->out);
}

static void page_paragraphs(struct ocr_writer *w, const struct ocr_page *page)
{
	if (w->pages > 0 && page->word_count > 0)
		strbuf_add_char(w->out, '\n');
	ocr_page_paragraph_text(page, w->out);
}

struct format_row {
	const char *name;
	void (*begin)(struct ocr_writer *w); /* may be NULL */
	void (*page)(struct ocr_writer *w, const struct ocr_page *page);
	void (*end)(struct ocr_writer *w); /* may be NULL */
};

static const struct format_row rows[] = {
	[OCR_FORMAT_RAW] = { .name = "raw", .page = page_raw },
	[OCR_FORMAT_PARAGRAPH] = { .name = "paragraph", .page = page_paragraphs },
	[OCR_FORMAT_JSON] = { .name = "json", .begin = ocr_json_begin, .page = ocr_json_page, .end = ocr_json_end },
	[OCR_FORMAT_HOCR] = { .name = "hocr", .begin = ocr_hocr_begin, .page = ocr_hocr_page, .end = ocr_hocr_end },
	[OCR_FORMAT_ALTO] = { .name = "alto", .begin = ocr_alto_begin, .page = ocr_alto_page, .end = ocr_alto_end },
	[OCR_FORMAT_TSV] = { .name = "tsv", .begin = ocr_tsv_begin, .page = ocr_tsv_page },
	[OCR_FORMAT_PDF] = { .name = "pdf" },
};

bool ocr_format_by_name(const char *name, enum ocr_format *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].name, name) == 0) {
			*ret = (enum ocr_format)i;
			return true;
		}
	}
	return false;
}

void ocr_writer_begin(struct ocr_writer *w, enum ocr_format format, const char *file_name, struct strbuf *out)
{
	*w = (struct ocr_writer){ .format = format, .out = out, .file_name = file_name };
	if (rows[format].begin)
		rows[format].begin(w);
}

void ocr_writer_page(struct ocr_writer *w, const struct ocr_page *page)
{
	if (rows[w->format].page)
		rows[w->format].page(w, page);
	w->pages++;
}

void ocr_writer_end(struct ocr_writer *w)
{
	if (rows[w->format].end)
		rows[w->format].end(w);
}

/* -- shared by the formats ------------------------------------------------------------------------- */

bool ocr_next_paragraph(const struct ocr_page *page, const struct ocr_block *block, struct ocr_span *span)
{
	uint32_t block_end = block->first_line + block->line_count;
	uint32_t at = span->end_line > block->first_line ? span->end_line : block->first_line;
	if (at >= block_end)
		return false;
	span->first_line = at++;
	while (at < block_end && !page->lines[at].paragraph_start)
		at++;
	span->end_line = at;
	return true;
}

struct ocr_box ocr_span_box(const struct ocr_page *page, const struct ocr_span *span)
{
	struct ocr_box all = { 0 };
	bool any = false;
	for (uint32_t i = span->first_line; i < span->end_line; i++) {
		struct ocr_box box = page->lines[i].box;
		if (page->lines[i].word_count == 0)
			continue;
		if (!any)
			all = box;
		all.x0 = box.x0 < all.x0 ? box.x0 : all.x0;
		all.y0 = box.y0 < all.y0 ? box.y0 : all.y0;
		all.x1 = box.x1 > all.x1 ? box.x1 : all.x1;
		all.y1 = box.y1 > all.y1 ? box.y1 : all.y1;
		any = true;
	}
	return all;
}

bool ocr_span_is_rtl(const struct ocr_page *page, const struct ocr_span *span)
{
	uint32_t rtl = 0;
	uint32_t words = 0;
	for (uint32_t i = span->first_line; i < span->end_line; i++) {
		const struct ocr_line *line = &page->lines[i];
		words += line->word_count;
		for (uint32_t j = 0; j < line->word_count; j++)
			rtl += page->words[line->first_word + j].rtl;
	}
	return rtl * 2 > words;
}

static bool is_xml_char(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0xFFFE && c != 0xFFFF);
}

static const char *xml_entity(uint32_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void ocr_xml_text(struct strbuf *out, const char *text, size_t len)
{
	for (size_t i = 0, step; i < len; i += step) {
		step = utf8_valid_prefix(text + i, len - i);
		if (step == 0) {
			strbuf_add_str(out, "\xEF\xBF\xBD");
			step = 1;
			continue;
		}
		uint32_t c = utf8_decode(text + i, step, &step);
		const char *entity = xml_entity(c);
		if (entity)
			strbuf_add_str(out, entity);
		else if (is_xml_char(c))
			strbuf_add(out, text + i, step);
	}
}

const char *ocr_base_name(const char *file_name)
{
	if (!file_name)
		return "";
	const char *slash = strrchr(file_name, '/');
	return slash ? slash + 1 : file_name;
}
