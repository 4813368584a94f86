#include "base/cleanup.h"
#include "base/utf8.h"
#include "ocr/format_priv.h"

void ocr_line_text(const struct ocr_page *page, const struct ocr_line *line, struct strbuf *out)
{
	for (uint32_t i = 0; i < line->word_count; i++) {
		const struct ocr_word *word = &page->words[line->first_word + i];
		if (i > 0 && word->space_before)
			strbuf_add_char(out, ' ');
		strbuf_add(out, ocr_word_text(page, word), word->text_len);
	}
}

void ocr_page_raw_text(const struct ocr_page *page, struct strbuf *out)
{
	for (size_t i = 0; i < page->line_count; i++) {
		ocr_line_text(page, &page->lines[i], out);
		strbuf_add_char(out, '\n');
	}
}

/* The last character of a text that is not empty. */
static uint32_t last_character(const char *text, size_t len, size_t *ret_len)
{
	size_t start = len - 1;
	while (start > 0 && ((unsigned char)text[start] & 0xC0) == 0x80)
		start--;
	return utf8_decode(text + start, len - start, ret_len);
}

size_t ocr_hyphen_len(const char *text, size_t len)
{
	if (len == 0)
		return 0;
	size_t size;
	uint32_t c = last_character(text, len, &size);
	/* hyphen-minus, soft hyphen, Armenian hyphen, hyphen, the not sign that fonts of old typewriters show, double
	 * oblique hyphen */
	bool hyphen = c == '-' || c == 0xAD || c == 0x58A || c == 0x2010 || c == 0xAC || c == 0x2E17;
	return hyphen ? size : 0;
}

/* Scripts that put no space between words, so none where a line ends either: Thai to Burmese, Khmer, CJK with its
 * punctuation, kana, full-width forms. Hangul has spaces. */
static bool is_spaceless(uint32_t c)
{
	static const uint32_t ranges[][2] = { { 0x0E00, 0x0EFF }, { 0x1000, 0x109F }, { 0x1780, 0x17FF },
					      { 0x2E80, 0x312F }, { 0x31A0, 0x9FFF }, { 0xF900, 0xFAFF },
					      { 0xFE30, 0xFE4F }, { 0xFF00, 0xFFEF }, { 0x20000, 0x3FFFF } };
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	}
	return false;
}

struct paragraph_writer {
	const struct ocr_page *page;
	struct strbuf *out;
	const struct ocr_line *before; /* the line written last, NULL at the start of a paragraph */
	bool any; /* a paragraph was written */
};

static const struct ocr_word *first_word(const struct ocr_page *page, const struct ocr_line *line)
{
	return &page->words[line->first_word];
}

/* What stands between two lines of one paragraph: nothing, a space, or less than nothing where a hyphen goes. */
static void join(struct paragraph_writer *w, const struct ocr_line *line)
{
	struct strbuf *out = w->out;
	if (out->failed || out->len == 0)
		return;
	if (w->before->hyphenated) {
		out->len -= ocr_hyphen_len(out->data, out->len);
		out->data[out->len] = '\0';
		return;
	}
	const struct ocr_word *word = first_word(w->page, line);
	size_t len;
	uint32_t last = last_character(out->data, out->len, &len);
	uint32_t first = utf8_decode(ocr_word_text(w->page, word), word->text_len, &len);
	if (!is_spaceless(last) || !is_spaceless(first))
		strbuf_add_char(out, ' ');
}

static void end_paragraph(struct paragraph_writer *w)
{
	if (w->before)
		strbuf_add_char(w->out, '\n');
	w->before = NULL;
}

static void write_line(struct paragraph_writer *w, const struct ocr_block *block, const struct ocr_line *line)
{
	if (line->word_count == 0)
		return;
	bool opens_block = line == &w->page->lines[block->first_line];
	bool opens = opens_block ? !block->continues : line->paragraph_start;
	if (opens)
		end_paragraph(w);
	if (!w->before && w->any)
		strbuf_add_char(w->out, '\n');
	else if (w->before && block->kind == OCR_BLOCK_TABLE)
		strbuf_add_char(w->out, '\n'); /* a row stays a row */
	else if (w->before)
		join(w, line);
	ocr_line_text(w->page, line, w->out);
	w->before = line;
	w->any = true;
}

void ocr_page_paragraph_text(const struct ocr_page *page, struct strbuf *out)
{
	struct paragraph_writer w = { .page = page, .out = out };
	for (size_t i = 0; i < page->block_count; i++) {
		const struct ocr_block *block = &page->blocks[i];
		for (uint32_t j = 0; j < block->line_count; j++)
			write_line(&w, block, &page->lines[block->first_line + j]);
	}
	end_paragraph(&w);
}
