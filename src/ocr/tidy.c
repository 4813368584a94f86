#include "ocr/tidy.h"

#include <string.h>

#include "base/utf8.h"

/* Words that tesseract itself doubts so much are specks and edges of pictures, unless they have letters. */
static const float no_word = 0.25F;
/* A page of which this little is believed has no text: noise. */
static const float no_text = 0.3F;
/* In scripts without spaces a gap of this many heights is one that the author made. */
static const float wide_space = 1.0F;

/* Characters of scripts that put no spaces between words. */
static bool is_unspaced(uint32_t c)
{
	return (c >= 0x3000 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x9fff) || (c >= 0xff00 && c <= 0xffef) ||
	       (c >= 0xe00 && c <= 0xe7f) || (c >= 0x20000 && c <= 0x2ffff);
}

static bool is_plain_sign(uint32_t c)
{
	return c < 0x80 && !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
}

static bool has_letters(const struct ocr_page *page, const struct ocr_word *word)
{
	const char *text = ocr_word_text(page, word);

	for (size_t i = 0, n = 0; i < word->text_len; i += n)
		if (!is_plain_sign(utf8_decode(text + i, word->text_len - i, &n)))
			return true;
	return false;
}

static bool is_worth(const struct ocr_page *page, const struct ocr_word *word)
{
	return word->confidence >= no_word || (has_letters(page, word) && word->text_len > 2);
}

static uint32_t first_char(const struct ocr_page *page, const struct ocr_word *word)
{
	size_t n;

	return utf8_decode(ocr_word_text(page, word), word->text_len, &n);
}

static uint32_t last_char(const struct ocr_page *page, const struct ocr_word *word)
{
	const char *text = ocr_word_text(page, word);
	uint32_t c = 0;

	for (size_t i = 0, n = 0; i < word->text_len; i += n)
		c = utf8_decode(text + i, word->text_len - i, &n);
	return c;
}

/* True if a space stands between two words of a line. */
static bool is_spaced(const struct ocr_page *page, const struct ocr_word *before, const struct ocr_word *word)
{
	if (!is_unspaced(last_char(page, before)) && !is_unspaced(first_char(page, word)))
		return true;
	float height = (float)(word->box.y1 - word->box.y0);

	return (float)(word->box.x0 - before->box.x1) > wide_space * height;
}

static bool is_arabic_letter(uint32_t c)
{
	return (c >= 0x620 && c <= 0x64a) || (c >= 0x66e && c <= 0x6d3);
}

/* Adds a word; after an Arabic letter ',' ';' '?' are that script's own marks. */
static enum err_code add_word(const struct ocr_page *page, const struct ocr_word *word, bool arabic,
			      struct ocr_page *ret, struct err *err)
{
	struct strbuf text = STRBUF_INIT(LIMIT_PAGE_TEXT);
	const char *from = ocr_word_text(page, word);
	uint32_t before = 0;

	for (size_t i = 0, n = 0; i < word->text_len; i += n) {
		uint32_t c = utf8_decode(from + i, word->text_len - i, &n);
		bool mark = arabic && is_arabic_letter(before) && (c == ',' || c == ';' || c == '?');
		char own[4];

		before = c;
		if (mark)
			strbuf_add(&text, own, utf8_encode(c == ',' ? 0x60c : c == ';' ? 0x61b : 0x61f, own));
		else
			strbuf_add(&text, from + i, n);
	}
	enum err_code code = strbuf_check(&text, "a word", err);

	if (!code)
		code = ocr_page_add_word(ret, word, strbuf_str(&text), text.len, err);
	strbuf_done(&text);
	return code;
}

/* Adds the words of a line that are worth keeping; a line without any is left out. */
static enum err_code add_line(const struct ocr_page *page, const struct ocr_line *line, bool arabic,
			      struct ocr_page *ret, struct err *err)
{
	const struct ocr_word *before = NULL;
	enum err_code code = ERR_OK;

	for (uint32_t i = 0; i < line->word_count && !code; i++) {
		struct ocr_word word = page->words[line->first_word + i];

		if (!is_worth(page, &word))
			continue;
		if (!before)
			code = ocr_page_add_line(ret, line->baseline_y, line->slope, err);
		word.space_before = before && word.space_before && is_spaced(page, before, &word);
		if (!code)
			code = add_word(page, &word, arabic, ret, err);
		before = &page->words[line->first_word + i];
	}
	return code;
}

enum err_code ocr_tidy(const struct ocr_page *page, const char *language, struct ocr_page *ret, struct err *err)
{
	bool arabic = strcmp(language, "fa") == 0 || strcmp(language, "ar") == 0 || strcmp(language, "ur") == 0;
	enum err_code code = ERR_OK;

	ret->width = page->width;
	ret->height = page->height;
	if (ocr_page_confidence(page) < no_text)
		return ERR_OK;
	for (size_t b = 0; b < page->block_count && !code; b++) {
		const struct ocr_block *block = &page->blocks[b];
		bool begun = false;

		for (uint32_t i = 0; i < block->line_count && !code; i++) {
			size_t lines = ret->line_count;

			if (!begun)
				code = ocr_page_add_block(ret, block->kind, err);
			begun = true;
			if (!code)
				code = add_line(page, &page->lines[block->first_line + i], arabic, ret, err);
			begun = begun && (ret->line_count > lines || ret->blocks[ret->block_count - 1].line_count);
			if (!begun)
				ret->block_count--;
		}
	}
	return code;
}
