#include "jail/pages_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "base/utf8.h"

/* Parts of a line's height: a gap that parts words, one that parts blocks, an indent, and how far sizes may differ. */
#define WORD_GAP 0.15F
#define BLOCK_GAP 2.5F
#define INDENT 0.8F
#define SIZE_RATIO 1.2F
/* A line that ends before this part of its block's width closes a paragraph if a sentence ends there. */
#define SHORT_LINE 0.85F
/* And if it ends before this part, whatever it ends with: an address, a heading. */
#define VERY_SHORT_LINE 0.6F
/* A gap between words, in line heights, that only columns of a table have. */
#define CELL_GAP 1.2F
/* A distance between lines above this many usual ones opens a paragraph. */
#define PARAGRAPH_PITCH 1.35F
/* Where the baseline lies in a character's box: poppler's boxes go from ascent to descent. */
#define BASELINE 0.78F

enum { WORD_TEXT_MAX = 4096 };

struct builder {
	struct ocr_page *page;
	struct err *err;
	enum err_code code;
	/* The word in hand. */
	struct strbuf word;
	struct media_glyph box; /* around it; character is its last one */
	bool space_before;
	bool rtl;
	bool new_line; /* the next word opens a line */
};

static bool is_rtl(uint32_t c)
{
	return (c >= 0x590 && c <= 0x8FF) || (c >= 0xFB1D && c <= 0xFDFF) || (c >= 0xFE70 && c <= 0xFEFE) ||
	       (c >= 0x10800 && c <= 0x10FFF) || (c >= 0x1E800 && c <= 0x1EFFF);
}

static bool is_digit_of_arabic(uint32_t c)
{
	return (c >= 0x660 && c <= 0x669) || (c >= 0x6F0 && c <= 0x6F9);
}

static bool is_space(uint32_t c)
{
	return c == '\n' || utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_ZS;
}

/* Digits and letters of other scripts run from left to right inside right-to-left lines. */
static bool runs_left_to_right(uint32_t c)
{
	if (is_digit_of_arabic(c) || (c >= '0' && c <= '9'))
		return true;
	utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
	return !is_rtl(c) && category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

static float height_of(const struct media_glyph *g)
{
	return g->y1 - g->y0;
}

/* True where the line that starts with `g` does not belong to the block of the lines before it. */
static bool opens_block(const struct builder *b, const struct media_glyph *g)
{
	if (b->page->line_count == 0)
		return true;
	const struct ocr_line *before = &b->page->lines[b->page->line_count - 1];
	const struct ocr_block *block = &b->page->blocks[b->page->block_count - 1];
	float size = (float)(before->box.y1 - before->box.y0);
	float height = height_of(g);
	bool above = g->y0 < (float)before->box.y0;
	bool far = g->y0 - (float)before->box.y1 > BLOCK_GAP * height;
	bool aside = g->x0 > (float)block->box.x1 + height || g->x1 < (float)block->box.x0 - height;
	bool other_size = height > size * SIZE_RATIO * SIZE_RATIO || size > height * SIZE_RATIO * SIZE_RATIO;
	return above || far || aside || other_size;
}

/* True where poppler parted a row of cells: the next word stands beside the line before, to its right. */
static bool continues_row(const struct builder *b)
{
	if (b->page->line_count == 0)
		return false;
	const struct ocr_box *before = &b->page->lines[b->page->line_count - 1].box;
	float middle = (b->box.y0 + b->box.y1) / 2.0F;
	return middle > (float)before->y0 && middle < (float)before->y1 && b->box.x0 >= (float)before->x1;
}

static void begin_line(struct builder *b)
{
	if (opens_block(b, &b->box))
		b->code = ocr_page_add_block(b->page, OCR_BLOCK_TEXT, b->err);
	if (b->code == ERR_OK)
		b->code = ocr_page_add_line(b->page, b->box.y0 + BASELINE * height_of(&b->box), 0.0F, b->err);
}

static void end_word(struct builder *b)
{
	if (b->word.len == 0 || b->code != ERR_OK)
		return;
	bool first = b->new_line && !continues_row(b);
	if (first)
		begin_line(b);
	b->new_line = false;
	struct ocr_word word = { .box = { (int32_t)floorf(b->box.x0), (int32_t)floorf(b->box.y0),
					  (int32_t)ceilf(b->box.x1), (int32_t)ceilf(b->box.y1) },
				 .confidence = 1.0F, /* nobody guessed */
				 .space_before = !first && b->space_before,
				 .rtl = b->rtl };
	if (b->code == ERR_OK)
		b->code = ocr_page_add_word(b->page, &word, b->word.data, b->word.len, b->err);
	strbuf_clear(&b->word);
	b->space_before = b->rtl = false;
}

/* True if a character cannot belong to the word in hand: another line, or a gap that no space fills (tables). */
static bool is_apart(const struct builder *b, const struct media_glyph *g)
{
	float height = fmaxf(height_of(&b->box), height_of(g));
	float middle = (g->y0 + g->y1) / 2.0F;
	bool beside = middle > b->box.y0 && middle < b->box.y1;
	float right = g->x0 - b->box.x1;
	float left = b->box.x0 - g->x1;
	return !beside || fmaxf(right, left) > WORD_GAP * height;
}

static void add_glyph(struct builder *b, const struct media_glyph *g)
{
	char bytes[4];
	size_t len = utf8_encode(g->character, bytes);
	if (len == 0 || !isfinite(g->x0 + g->y0 + g->x1 + g->y1))
		return;
	if (b->word.len > 0 && is_apart(b, g)) {
		float middle = (g->y0 + g->y1) / 2.0F;
		bool below = middle > b->box.y1 || middle < b->box.y0;
		end_word(b);
		b->space_before = true;
		b->new_line = b->new_line || below;
	}
	if (b->word.len == 0) {
		b->box = *g;
	} else {
		b->box.x0 = fminf(b->box.x0, g->x0);
		b->box.y0 = fminf(b->box.y0, g->y0);
		b->box.x1 = fmaxf(b->box.x1, g->x1);
		b->box.y1 = fmaxf(b->box.y1, g->y1);
	}
	b->rtl = b->rtl || (is_rtl(g->character) && !is_digit_of_arabic(g->character));
	strbuf_add(&b->word, bytes, len);
	if (b->word.len > WORD_TEXT_MAX)
		end_word(b);
}

/* -- paragraphs ------------------------------------------------------------------------------------ */

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a;
	float y = *(const float *)b;
	return (x > y) - (x < y);
}

/* The usual distance between the block's baselines; 0 for a single line. */
static float usual_pitch(const struct ocr_page *page, const struct ocr_block *block)
{
	if (block->line_count < 2)
		return 0.0F;
	uint32_t count = block->line_count - 1;
	cleanup_free float *pitches = malloc(count * sizeof *pitches);
	if (!pitches)
		return 0.0F;
	for (uint32_t i = 0; i < count; i++)
		pitches[i] = page->lines[block->first_line + i + 1].baseline_y -
			     page->lines[block->first_line + i].baseline_y;
	qsort(pitches, count, sizeof *pitches, compare_floats);
	return pitches[count / 2];
}

/* The last (or first) character of a line. */
static uint32_t edge_character(const struct ocr_page *page, const struct ocr_line *line, bool last)
{
	if (line->word_count == 0)
		return 0;
	const struct ocr_word *word = &page->words[line->first_word + (last ? line->word_count - 1 : 0)];
	const char *text = ocr_word_text(page, word);
	size_t at = last ? word->text_len - 1 : 0;
	while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
		at--;
	size_t len;
	return utf8_decode(text + at, word->text_len - at, &len);
}

static bool ends_sentence(uint32_t c)
{
	return c == '.' || c == '!' || c == '?' || c == ':' || c == '"' || c == 0x201D || c == 0x00BB || c == 0x061F ||
	       c == 0x06D4 || c == 0x3002;
}

/* True for a row of a table. */
static bool is_row(const struct ocr_page *page, const struct ocr_line *line)
{
	float gap_min = CELL_GAP * (float)(line->box.y1 - line->box.y0);
	for (uint32_t i = 1; i < line->word_count; i++) {
		const struct ocr_box *a = &page->words[line->first_word + i - 1].box;
		const struct ocr_box *b = &page->words[line->first_word + i].box;
		if ((float)(b->x0 - a->x1) > gap_min || (float)(a->x0 - b->x1) > gap_min)
			return true;
	}
	return false;
}

static bool opens_paragraph(const struct ocr_page *page, const struct ocr_block *block, uint32_t index, float pitch)
{
	const struct ocr_line *line = &page->lines[index];
	const struct ocr_line *before = line - 1;
	float size = (float)(line->box.y1 - line->box.y0);
	float size_before = (float)(before->box.y1 - before->box.y0);
	if (line->baseline_y - before->baseline_y > PARAGRAPH_PITCH * pitch)
		return true;
	if (size > size_before * SIZE_RATIO || size_before > size * SIZE_RATIO)
		return true;
	bool rtl = page->words[line->first_word].rtl;
	float width = (float)(block->box.x1 - block->box.x0);
	float start = (float)(rtl ? block->box.x1 - line->box.x1 : line->box.x0 - block->box.x0);
	float start_before = (float)(rtl ? block->box.x1 - before->box.x1 : before->box.x0 - block->box.x0);
	float end_before = (float)(rtl ? before->box.x0 - block->box.x0 : block->box.x1 - before->box.x1);
	if (start > INDENT * size && start < 6.0F * size && start_before < INDENT * size / 2.0F)
		return true;
	if (end_before > (1.0F - VERY_SHORT_LINE) * width || is_row(page, line) || is_row(page, before))
		return true;
	return end_before > (1.0F - SHORT_LINE) * width && ends_sentence(edge_character(page, before, true));
}

static void mark_block(struct ocr_page *page, const struct ocr_block *block)
{
	float pitch = usual_pitch(page, block);
	for (uint32_t i = block->first_line + 1; i < block->first_line + block->line_count; i++) {
		struct ocr_line *before = &page->lines[i - 1];
		page->lines[i].paragraph_start = opens_paragraph(page, block, i, pitch);
		uint32_t last = edge_character(page, before, true);
		before->hyphenated = !page->lines[i].paragraph_start &&
				     (last == '-' || last == 0xAD || last == 0x2010) &&
				     utf8proc_islower((utf8proc_int32_t)edge_character(page, &page->lines[i], false));
	}
}

/* A block that starts in lower case after one that ends within a sentence is the same paragraph in the next column. */
static void mark_continuation(struct ocr_page *page, size_t index)
{
	const struct ocr_block *before = &page->blocks[index - 1];
	struct ocr_block *block = &page->blocks[index];
	if (before->line_count == 0 || block->line_count == 0 || block->box.y0 >= before->box.y1)
		return;
	struct ocr_line *last_line = &page->lines[before->first_line + before->line_count - 1];
	uint32_t last = edge_character(page, last_line, true);
	uint32_t first = edge_character(page, &page->lines[block->first_line], false);
	block->continues = utf8proc_islower((utf8proc_int32_t)first) && !ends_sentence(last);
	last_line->hyphenated = block->continues && (last == '-' || last == 0xAD || last == 0x2010);
}

/* -- right-to-left lines ---------------------------------------------------------------------------- */

static int rightmost_first(const void *a, const void *b)
{
	const struct media_glyph *x = a;
	const struct media_glyph *y = b;
	return (x->x1 < y->x1) - (x->x1 > y->x1);
}

static void reverse(struct media_glyph *glyphs, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct media_glyph kept = glyphs[i];
		glyphs[i] = glyphs[count - 1 - i];
		glyphs[count - 1 - i] = kept;
	}
}

/* Glyphs from `start` that end with a left-to-right one and have no right-to-left one between. */
static size_t run_length(const struct media_glyph *glyphs, size_t count)
{
	size_t len = 0;
	for (size_t i = 0; i < count && !is_rtl(glyphs[i].character); i++) {
		if (runs_left_to_right(glyphs[i].character))
			len = i + 1;
	}
	return len;
}

/*
 * Puts one line into logical order from where its characters stand, if most are right-to-left: poppler knows where
 * they are, but not always their order, nor which spaces part words. Returns how many glyphs remain: spaces go,
 * since gaps tell the words.
 */
static size_t order_line(struct media_glyph *glyphs, size_t count)
{
	size_t rtl = 0;
	size_t ltr = 0;
	for (size_t i = 0; i < count; i++) {
		rtl += is_rtl(glyphs[i].character) && !is_digit_of_arabic(glyphs[i].character);
		ltr += runs_left_to_right(glyphs[i].character);
	}
	if (rtl == 0 || ltr > rtl)
		return count;
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (!is_space(glyphs[i].character))
			glyphs[kept++] = glyphs[i];
	}
	qsort(glyphs, kept, sizeof *glyphs, rightmost_first);
	for (size_t i = 0; i < kept;) {
		size_t run = runs_left_to_right(glyphs[i].character) ? run_length(glyphs + i, kept - i) : 0;
		reverse(glyphs + i, run);
		i += run > 0 ? run : 1;
	}
	return kept;
}

static void add_text(struct builder *b, const struct media_glyph *glyphs, size_t count)
{
	for (size_t i = 0; i < count && b->code == ERR_OK; i++) {
		if (!is_space(glyphs[i].character)) {
			add_glyph(b, &glyphs[i]);
			continue;
		}
		end_word(b);
		b->space_before = true;
	}
	end_word(b);
	b->new_line = true;
}

enum err_code pages_text_to_page(struct media_text *text, struct ocr_page *ret, struct err *err)
{
	ocr_page_init(ret);
	ret->width = text->width;
	ret->height = text->height;
	ret->dpi = text->dpi;
	(void)snprintf(ret->source, sizeof ret->source, "text-layer");
	struct builder b = { .page = ret, .err = err, .new_line = true, .word = STRBUF_INIT(2 * WORD_TEXT_MAX) };
	for (size_t start = 0, end; start < text->count && b.code == ERR_OK; start = end + 1) {
		for (end = start; end < text->count && text->glyphs[end].character != '\n';)
			end++;
		add_text(&b, text->glyphs + start, order_line(text->glyphs + start, end - start));
	}
	strbuf_done(&b.word);
	if (b.code != ERR_OK) {
		ocr_page_done(ret);
		return b.code;
	}
	for (size_t i = 0; i < ret->block_count; i++)
		mark_block(ret, &ret->blocks[i]);
	for (size_t i = 1; i < ret->block_count; i++)
		mark_continuation(ret, i);
	return ERR_OK;
}
