/* ALTO 4 (Library of Congress, loc.gov/standards/alto): pixels, one Page per page. */
#include <string.h>

#include "ocr/format_priv.h"

void ocr_alto_begin(struct ocr_writer *w)
{
	const char *name = ocr_base_name(w->file_name);
	strbuf_add_str(w->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			       "<alto xmlns=\"http://www.loc.gov/standards/alto/ns-v4#\" "
			       "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
			       "xsi:schemaLocation=\"http://www.loc.gov/standards/alto/ns-v4# "
			       "http://www.loc.gov/standards/alto/v4/alto-4-2.xsd\">\n"
			       "<Description>\n<MeasurementUnit>pixel</MeasurementUnit>\n"
			       "<sourceImageInformation><fileName>");
	ocr_xml_text(w->out, name, strlen(name));
	strbuf_add_str(w->out, "</fileName></sourceImageInformation>\n"
			       "<Processing ID=\"processing_1\"><processingSoftware><softwareName>tiro</softwareName>"
			       "<softwareVersion>" TIRO_VERSION "</softwareVersion></processingSoftware></Processing>\n"
			       "</Description>\n<Layout>\n");
}

static void add_box(struct strbuf *out, struct ocr_box box)
{
	strbuf_addf(out, " HPOS=\"%d\" VPOS=\"%d\" WIDTH=\"%d\" HEIGHT=\"%d\"", box.x0, box.y0, box.x1 - box.x0,
		    box.y1 - box.y0);
}

static void add_language(struct strbuf *out, const struct ocr_page *page)
{
	if (!page->language[0])
		return;
	strbuf_add_str(out, " LANG=\"");
	ocr_xml_text(out, page->language, strlen(page->language));
	strbuf_add_char(out, '"');
}

/* A word; the hyphen that ends a hyphenated line is an element of its own. */
static void write_word(struct strbuf *out, const struct ocr_page *page, size_t index, uint32_t page_number, bool part)
{
	const struct ocr_word *word = &page->words[index];
	const char *text = ocr_word_text(page, word);
	size_t hyphen = part ? ocr_hyphen_len(text, word->text_len) : 0;
	strbuf_addf(out, "     <String ID=\"word_%u_%zu\"", page_number, index + 1);
	add_box(out, word->box);
	strbuf_addf(out, " WC=\"%.4g\" CONTENT=\"", (double)word->confidence);
	ocr_xml_text(out, text, word->text_len - hyphen);
	strbuf_add_str(out, "\"/>\n");
	if (hyphen > 0) {
		strbuf_add_str(out, "     <HYP CONTENT=\"");
		ocr_xml_text(out, text + word->text_len - hyphen, hyphen);
		strbuf_add_str(out, "\"/>\n");
	}
}

/* The space between two words, wherever the second one stands: on the left in right-to-left text. */
static void write_space(struct strbuf *out, struct ocr_box a, struct ocr_box b)
{
	int32_t left = a.x0 <= b.x0 ? a.x1 : b.x1;
	int32_t right = a.x0 <= b.x0 ? b.x0 : a.x0;
	strbuf_addf(out, "     <SP HPOS=\"%d\" VPOS=\"%d\" WIDTH=\"%d\"/>\n", left, a.y0,
		    right > left ? right - left : 0);
}

static void write_line(struct strbuf *out, const struct ocr_page *page, size_t index, uint32_t page_number)
{
	const struct ocr_line *line = &page->lines[index];
	if (line->word_count == 0)
		return;
	strbuf_addf(out, "    <TextLine ID=\"line_%u_%zu\"", page_number, index + 1);
	add_box(out, line->box);
	double y = (double)line->baseline_y;
	double right_y = y + (double)line->slope * (double)(line->box.x1 - line->box.x0);
	strbuf_addf(out, " BASELINE=\"%d,%.0f %d,%.0f\">\n", line->box.x0, y, line->box.x1, right_y);
	for (uint32_t i = 0; i < line->word_count; i++) {
		size_t at = (size_t)line->first_word + i;
		if (i > 0 && page->words[at].space_before)
			write_space(out, page->words[at - 1].box, page->words[at].box);
		write_word(out, page, at, page_number, line->hyphenated && i + 1 == line->word_count);
	}
	strbuf_add_str(out, "    </TextLine>\n");
}

/* ALTO's TextBlock is a paragraph; what we call a block is its ComposedBlock. */
static void write_block(struct strbuf *out, const struct ocr_page *page, size_t index, uint32_t page_number)
{
	const struct ocr_block *block = &page->blocks[index];
	struct ocr_span span = { 0 };
	strbuf_addf(out, "  <ComposedBlock ID=\"block_%u_%zu\"", page_number, index + 1);
	add_box(out, block->box);
	if (block->kind != OCR_BLOCK_TEXT)
		strbuf_addf(out, " TYPE=\"%s\"", block->kind == OCR_BLOCK_TABLE ? "table" : "heading");
	strbuf_add_str(out, ">\n");
	while (ocr_next_paragraph(page, block, &span)) {
		strbuf_addf(out, "   <TextBlock ID=\"par_%u_%u\"", page_number, span.first_line + 1);
		add_box(out, ocr_span_box(page, &span));
		add_language(out, page);
		strbuf_add_str(out, ">\n");
		for (uint32_t i = span.first_line; i < span.end_line; i++)
			write_line(out, page, i, page_number);
		strbuf_add_str(out, "   </TextBlock>\n");
	}
	strbuf_add_str(out, "  </ComposedBlock>\n");
}

void ocr_alto_page(struct ocr_writer *w, const struct ocr_page *page)
{
	uint32_t number = w->pages + 1;
	struct ocr_box whole = { 0, 0, (int32_t)page->width, (int32_t)page->height };
	strbuf_addf(w->out, "<Page ID=\"page_%u\" PHYSICAL_IMG_NR=\"%u\" WIDTH=\"%u\" HEIGHT=\"%u\" PC=\"%.4g\">\n",
		    number, number, page->width, page->height, (double)ocr_page_confidence(page));
	strbuf_addf(w->out, " <PrintSpace ID=\"space_%u\"", number);
	add_box(w->out, whole);
	strbuf_add_str(w->out, ">\n");
	for (size_t i = 0; i < page->block_count; i++)
		write_block(w->out, page, i, number);
	strbuf_add_str(w->out, " </PrintSpace>\n</Page>\n");
}

void ocr_alto_end(struct ocr_writer *w)
{
	strbuf_add_str(w->out, "</Layout>\n</alto>\n");
}
