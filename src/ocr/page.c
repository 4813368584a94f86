#include "ocr/page.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "process/pack.h"

enum {
	FIRST_CAPACITY = 64,
	PACK_VERSION = 1,
	/* Fewest bytes that a word, a line and a block take when packed: a count that the rest of the message cannot
	 * hold is refused before memory is taken for it. */
	PACKED_WORD = 4 * 4 + 4 + 4 + 1,
	PACKED_LINE = 4 * 4 + 4 + 4 + 4 + 1,
	PACKED_BLOCK = 4 * 4 + 1 + 4 + 1,
	WORD_SPACE = 1,
	WORD_RTL = 2,
	LINE_PARAGRAPH = 1,
	LINE_HYPHENATED = 2
};

/* Far more than any scanner or camera names; above it the file lies. */
#define DPI_MAX 100000u
/* A baseline may leave the page where a line leans, but not by more than pages; a steeper slope is a vertical line. */
#define BASELINE_MAX (4.0F * LIMIT_PAGE_SIDE)
#define SLOPE_MAX 1000.0F

void ocr_page_init(struct ocr_page *page)
{
	*page = (struct ocr_page){ .text = STRBUF_INIT(LIMIT_PAGE_TEXT) };
}

void ocr_page_done(struct ocr_page *page)
{
	strbuf_done(&page->text);
	free(page->words);
	free(page->lines);
	free(page->blocks);
	ocr_page_init(page);
}

/* Makes room for one element more in an array that may hold `max`; returns the array or NULL with *err set. */
static void *grow(void *array, size_t count, size_t *capacity, size_t size, struct err *err)
{
	if (count >= LIMIT_PAGE_WORDS) {
		(void)err_set(err, ERR_TOO_BIG, "a page has more than %d words", LIMIT_PAGE_WORDS);
		return NULL;
	}
	if (count < *capacity)
		return array;
	size_t more = *capacity ? *capacity * 2 : FIRST_CAPACITY;
	void *grown = reallocarray(array, more, size);
	if (!grown) {
		(void)err_set(err, ERR_NO_MEMORY, "no memory for the words of a page");
		return NULL;
	}
	*capacity = more;
	return grown;
}

enum err_code ocr_page_add_block(struct ocr_page *page, enum ocr_block_kind kind, struct err *err)
{
	void *grown = grow(page->blocks, page->block_count, &page->block_capacity, sizeof *page->blocks, err);
	if (!grown)
		return err->code;
	page->blocks = grown;
	page->blocks[page->block_count++] =
		(struct ocr_block){ .kind = kind, .first_line = (uint32_t)page->line_count };
	return ERR_OK;
}

enum err_code ocr_page_add_line(struct ocr_page *page, float baseline_y, float slope, struct err *err)
{
	assert(page->block_count > 0);
	void *grown = grow(page->lines, page->line_count, &page->line_capacity, sizeof *page->lines, err);
	if (!grown)
		return err->code;
	page->lines = grown;
	struct ocr_block *block = &page->blocks[page->block_count - 1];
	page->lines[page->line_count++] = (struct ocr_line){ .baseline_y = baseline_y,
							     .slope = slope,
							     .first_word = (uint32_t)page->word_count,
							     .paragraph_start = block->line_count == 0 };
	block->line_count++;
	return ERR_OK;
}

static int32_t clamp(int32_t value, int32_t low, int32_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* Puts a box in order and inside the page. */
static struct ocr_box fit_box(const struct ocr_page *page, struct ocr_box box)
{
	int32_t width = page->width > 0 ? (int32_t)page->width : INT32_MAX;
	int32_t height = page->height > 0 ? (int32_t)page->height : INT32_MAX;
	struct ocr_box fit = { clamp(box.x0, 0, width), clamp(box.y0, 0, height), 0, 0 };
	fit.x1 = clamp(box.x1, fit.x0, width);
	fit.y1 = clamp(box.y1, fit.y0, height);
	return fit;
}

static bool is_empty(struct ocr_box box)
{
	return box.x1 <= box.x0 || box.y1 <= box.y0;
}

static void unite(struct ocr_box *box, struct ocr_box with)
{
	if (is_empty(with))
		return;
	if (is_empty(*box)) {
		*box = with;
		return;
	}
	box->x0 = with.x0 < box->x0 ? with.x0 : box->x0;
	box->y0 = with.y0 < box->y0 ? with.y0 : box->y0;
	box->x1 = with.x1 > box->x1 ? with.x1 : box->x1;
	box->y1 = with.y1 > box->y1 ? with.y1 : box->y1;
}

/* Control characters and noncharacters: no print shows them, terminals obey them, XML forbids most. */
static bool is_unprintable(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF);
}

/* Appends a word's text to the pool without what is no text. */
static enum err_code add_text(struct ocr_page *page, const char *text, size_t len, struct err *err)
{
	for (size_t i = 0, step; i < len; i += step) {
		step = utf8_valid_prefix(text + i, len - i);
		if (step == 0)
			return err_set(err, ERR_INVALID, "a word is not valid UTF-8");
		if (!is_unprintable(utf8_decode(text + i, step, &step)))
			strbuf_add(&page->text, text + i, step);
	}
	return strbuf_check(&page->text, "the text of a page", err);
}

enum err_code ocr_page_add_word(struct ocr_page *page, const struct ocr_word *word, const char *text, size_t text_len,
				struct err *err)
{
	assert(page->line_count > 0 && page->blocks[page->block_count - 1].line_count > 0);
	void *grown = grow(page->words, page->word_count, &page->word_capacity, sizeof *page->words, err);
	if (!grown)
		return err->code;
	page->words = grown;
	size_t start = page->text.len;
	enum err_code code = add_text(page, text, text_len, err);
	if (code != ERR_OK) {
		page->text.failed = false;
		page->text.len = start;
		return code;
	}
	if (page->text.len == start)
		return ERR_OK;
	struct ocr_line *line = &page->lines[page->line_count - 1];
	struct ocr_word added = *word;
	added.box = fit_box(page, word->box);
	added.confidence = isfinite(word->confidence) ? fminf(fmaxf(word->confidence, 0.0F), 1.0F) : 0.0F;
	added.text = (uint32_t)start;
	added.text_len = (uint32_t)(page->text.len - start);
	page->words[page->word_count++] = added;
	line->word_count++;
	unite(&line->box, added.box);
	unite(&page->blocks[page->block_count - 1].box, added.box);
	return ERR_OK;
}

const char *ocr_word_text(const struct ocr_page *page, const struct ocr_word *word)
{
	return strbuf_str(&page->text) + word->text;
}

float ocr_page_confidence(const struct ocr_page *page)
{
	double sum = 0.0;
	double weight = 0.0;
	for (size_t i = 0; i < page->word_count; i++) {
		const struct ocr_word *word = &page->words[i];
		double characters = (double)utf8_count(ocr_word_text(page, word), word->text_len);
		sum += characters * (double)word->confidence;
		weight += characters;
	}
	return weight > 0.0 ? (float)(sum / weight) : 0.0F;
}

/* -- packing ----------------------------------------------------------------------------------------
 * Positions (first line, first word, text offset) are not sent: they follow from the order, so they cannot lie. */

static void pack_box(struct strbuf *out, struct ocr_box box)
{
	pack_u32(out, (uint32_t)box.x0);
	pack_u32(out, (uint32_t)box.y0);
	pack_u32(out, (uint32_t)box.x1);
	pack_u32(out, (uint32_t)box.y1);
}

static void pack_word(const struct ocr_page *page, const struct ocr_word *word, struct strbuf *out)
{
	pack_box(out, word->box);
	pack_f32(out, word->confidence);
	pack_u8(out, (uint8_t)((word->space_before ? WORD_SPACE : 0) | (word->rtl ? WORD_RTL : 0)));
	pack_bytes(out, ocr_word_text(page, word), word->text_len);
}

static void pack_line(const struct ocr_page *page, const struct ocr_line *line, struct strbuf *out)
{
	pack_box(out, line->box);
	pack_f32(out, line->baseline_y);
	pack_f32(out, line->slope);
	pack_u8(out,
		(uint8_t)((line->paragraph_start ? LINE_PARAGRAPH : 0) | (line->hyphenated ? LINE_HYPHENATED : 0)));
	pack_u32(out, line->word_count);
	for (uint32_t i = 0; i < line->word_count; i++)
		pack_word(page, &page->words[line->first_word + i], out);
}

void ocr_page_pack(const struct ocr_page *page, struct strbuf *out)
{
	pack_u8(out, PACK_VERSION);
	pack_u32(out, page->width);
	pack_u32(out, page->height);
	pack_u32(out, page->dpi);
	pack_u32(out, page->rotation);
	pack_f32(out, page->skew);
	pack_str(out, page->language);
	pack_str(out, page->source);
	pack_u32(out, (uint32_t)page->block_count);
	for (size_t i = 0; i < page->block_count; i++) {
		const struct ocr_block *block = &page->blocks[i];
		pack_box(out, block->box);
		pack_u8(out, (uint8_t)block->kind);
		pack_u8(out, block->continues);
		pack_u32(out, block->line_count);
		for (uint32_t j = 0; j < block->line_count; j++)
			pack_line(page, &page->lines[block->first_line + j], out);
	}
}

static struct ocr_box unpack_box(struct unpacker *u, const struct ocr_page *page)
{
	struct ocr_box box;
	box.x0 = (int32_t)unpack_u32(u);
	box.y0 = (int32_t)unpack_u32(u);
	box.x1 = (int32_t)unpack_u32(u);
	box.y1 = (int32_t)unpack_u32(u);
	if (box.x0 < 0 || box.x1 < box.x0 || box.x1 > (int32_t)page->width || box.y0 < 0 || box.y1 < box.y0 ||
	    box.y1 > (int32_t)page->height)
		u->failed = true;
	return box;
}

/* A flag byte in which only the bits of `allowed` may be set. */
static uint8_t unpack_flags(struct unpacker *u, uint8_t allowed)
{
	uint8_t flags = unpack_u8(u);
	if (flags & ~allowed)
		u->failed = true;
	return flags & allowed;
}

static float unpack_within(struct unpacker *u, float limit)
{
	float value = unpack_f32(u);
	if (fabsf(value) > limit)
		u->failed = true;
	return value;
}

static enum err_code unpack_word(struct unpacker *u, struct ocr_page *page, struct err *err)
{
	struct ocr_word word = { .box = unpack_box(u, page), .confidence = unpack_f32(u) };
	uint8_t flags = unpack_flags(u, WORD_SPACE | WORD_RTL);
	word.space_before = flags & WORD_SPACE;
	word.rtl = flags & WORD_RTL;
	size_t len;
	const char *text = unpack_bytes(u, &len);
	if (u->failed)
		return ERR_OK; /* unpack_finish tells */
	return ocr_page_add_word(page, &word, text, len, err);
}

static enum err_code unpack_line(struct unpacker *u, struct ocr_page *page, struct err *err)
{
	struct ocr_box box = unpack_box(u, page);
	float baseline_y = unpack_within(u, BASELINE_MAX);
	float slope = unpack_within(u, SLOPE_MAX);
	uint8_t flags = unpack_flags(u, LINE_PARAGRAPH | LINE_HYPHENATED);
	uint32_t words = unpack_count(u, PACKED_WORD);
	enum err_code code = ocr_page_add_line(page, baseline_y, slope, err);
	if (code != ERR_OK)
		return code;
	size_t at = page->line_count - 1;
	page->lines[at].paragraph_start = flags & LINE_PARAGRAPH;
	page->lines[at].hyphenated = flags & LINE_HYPHENATED;
	for (uint32_t i = 0; i < words && code == ERR_OK && !u->failed; i++)
		code = unpack_word(u, page, err);
	page->lines[at].box = box;
	return code;
}

static enum err_code unpack_block(struct unpacker *u, struct ocr_page *page, struct err *err)
{
	struct ocr_box box = unpack_box(u, page);
	uint8_t kind = unpack_u8(u);
	if (kind > OCR_BLOCK_TABLE)
		u->failed = true;
	bool continues = unpack_flags(u, 1);
	uint32_t lines = unpack_count(u, PACKED_LINE);
	enum err_code code = ocr_page_add_block(page, u->failed ? OCR_BLOCK_TEXT : (enum ocr_block_kind)kind, err);
	if (code != ERR_OK)
		return code;
	size_t at = page->block_count - 1;
	for (uint32_t i = 0; i < lines && code == ERR_OK && !u->failed; i++)
		code = unpack_line(u, page, err);
	page->blocks[at].box = box;
	page->blocks[at].continues = continues;
	return code;
}

static void unpack_head(struct unpacker *u, struct ocr_page *page)
{
	if (unpack_u8(u) != PACK_VERSION)
		u->failed = true;
	page->width = unpack_u32(u);
	page->height = unpack_u32(u);
	page->dpi = unpack_u32(u);
	page->rotation = unpack_u32(u);
	page->skew = unpack_within(u, 360.0F);
	unpack_str(u, page->language, sizeof page->language);
	unpack_str(u, page->source, sizeof page->source);
	if (page->width > LIMIT_PAGE_SIDE || page->height > LIMIT_PAGE_SIDE || page->dpi > DPI_MAX ||
	    page->rotation % 90 != 0 || page->rotation >= 360 ||
	    !utf8_is_valid(page->language, strlen(page->language)) ||
	    !utf8_is_valid(page->source, strlen(page->source)))
		u->failed = true;
}

enum err_code ocr_page_unpack(const void *bytes, size_t len, struct ocr_page *ret, struct err *err)
{
	ocr_page_init(ret);
	struct unpacker u = unpack_start(bytes, len);
	unpack_head(&u, ret);
	uint32_t blocks = unpack_count(&u, PACKED_BLOCK);
	enum err_code code = ERR_OK;
	for (uint32_t i = 0; i < blocks && code == ERR_OK && !u.failed; i++)
		code = unpack_block(&u, ret, err);
	if (code == ERR_OK)
		code = unpack_finish(&u, "page", err);
	if (code != ERR_OK)
		ocr_page_done(ret);
	return code;
}
