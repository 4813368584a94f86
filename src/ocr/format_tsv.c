/* The columns and levels of `tesseract ... tsv`, so that its readers work unchanged. */
#include "ocr/format_priv.h"

/* Numbers of a row: page, block, paragraph, line, word; 0 below the row's level. */
struct position {
	uint32_t page, block, paragraph, line, word;
};

static void add_row(struct strbuf *out, int level, const struct position *at, struct ocr_box box)
{
	strbuf_addf(out, "%d\t%u\t%u\t%u\t%u\t%u\t%d\t%d\t%d\t%d\t", level, at->page, at->block, at->paragraph,
		    at->line, at->word, box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0);
	if (level < 5)
		strbuf_add_str(out, "-1\t\n");
}

void ocr_tsv_begin(struct ocr_writer *w)
{
	strbuf_add_str(w->out,
		       "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\t"
		       "text\n");
}

static void write_line(struct strbuf *out, const struct ocr_page *page, const struct ocr_line *line, struct position at)
{
	add_row(out, 4, &at, line->box);
	for (uint32_t i = 0; i < line->word_count; i++) {
		const struct ocr_word *word = &page->words[line->first_word + i];
		at.word = i + 1;
		add_row(out, 5, &at, word->box);
		strbuf_addf(out, "%f\t", (double)word->confidence * 100.0);
		strbuf_add(out, ocr_word_text(page, word), word->text_len);
		strbuf_add_char(out, '\n');
	}
}

static void write_block(struct strbuf *out, const struct ocr_page *page, const struct ocr_block *block,
			struct position at)
{
	add_row(out, 2, &at, block->box);
	struct ocr_span span = { 0 };
	while (ocr_next_paragraph(page, block, &span)) {
		at.paragraph++;
		at.line = 0;
		add_row(out, 3, &at, ocr_span_box(page, &span));
		for (uint32_t i = span.first_line; i < span.end_line; i++) {
			at.line++;
			write_line(out, page, &page->lines[i], at);
		}
	}
}

void ocr_tsv_page(struct ocr_writer *w, const struct ocr_page *page)
{
	struct position at = { .page = w->pages + 1 };
	add_row(w->out, 1, &at, (struct ocr_box){ 0, 0, (int32_t)page->width, (int32_t)page->height });
	for (size_t i = 0; i < page->block_count; i++) {
		at.block = (uint32_t)i + 1;
		write_block(w->out, page, &page->blocks[i], at);
	}
}
