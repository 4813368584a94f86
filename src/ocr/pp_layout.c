/* Lines become words, rows and blocks of an ocr_page. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "ocr/pp_order.h"
#include "ocr/pp_page.h"

/* The lean of the page is told by lines that are longer than high by this. */
#define LEAN_RATIO 5.0f
/* Where letters stand in a line's rectangle, from its top: it has a margin above and below. */
#define BASELINE 0.78f
/* Half of a letter's width at most, in heights of its line: where a word ends. */
#define REACH_OF_LETTER 0.35f
/* Longest text of one word, bytes; a longer run is no word of any language and is parted. */
enum { WORD_BYTES_MAX = 512 };

static int compare_floats(const void *a, const void *b)
{
	const float *p = a, *q = b;
	return (*p > *q) - (*p < *q);
}

/* The median angle of the long lines, radians. */
static enum err_code find_lean(const struct pp_lines *lines, float *ret, struct err *err)
{
	cleanup_free float *angles = malloc((lines->count + 1) * sizeof(*angles));
	size_t n = 0;
	if (!angles)
		return err_set(err, ERR_NO_MEMORY, "no memory to order %zu lines", lines->count);
	for (size_t i = 0; i < lines->count; i++) {
		const struct pp_quad *quad = &lines->items[i].quad;
		/* A line that runs down says nothing about those that run level. */
		if (pp_quad_width(quad) > LEAN_RATIO * pp_quad_height(quad) && fabsf(pp_quad_angle(quad)) < 0.5f)
			angles[n++] = pp_quad_angle(quad);
	}
	qsort(angles, n, sizeof(*angles), compare_floats);
	*ret = n ? angles[n / 2] : 0;
	return ERR_OK;
}

static struct pp_point level(struct pp_point p, float lean)
{
	return (struct pp_point){ p.x * cosf(lean) + p.y * sinf(lean), p.y * cosf(lean) - p.x * sinf(lean) };
}

/* A line's box when the page is level: as high as the line, so that a lean of its own does not thicken it. */
static struct pp_item level_item(const struct pp_quad *quad, float lean)
{
	struct pp_point a = level(pp_quad_at(quad, 0, 0.5f), lean), b = level(pp_quad_at(quad, 1, 0.5f), lean);
	float half = pp_quad_height(quad) / 2;
	if (fabsf(b.x - a.x) < fabsf(b.y - a.y))
		return (struct pp_item){ a.x - half, fminf(a.y, b.y), a.x + half, fmaxf(a.y, b.y) };
	float middle = (a.y + b.y) / 2;
	return (struct pp_item){ fminf(a.x, b.x), middle - half, fmaxf(a.x, b.x), middle + half };
}

/* Chinese and Japanese characters: each is a word of its own, without spaces. */
static bool is_ideographic(uint32_t c)
{
	return (c >= 0x2e80 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0xff00 && c <= 0xffef) ||
	       (c >= 0x20000 && c <= 0x3ffff);
}

/* A line on its way into the page. */
struct typesetter {
	const struct pp_dictionary *dictionary;
	const struct pp_line *line;
	struct ocr_page *page;
	bool space; /* before the next word */
};

/* Where the character's cell ends towards a neighbour (its index, count or SIZE_MAX where there is none): half
 * way, but not further than a letter is wide. */
static float cell_edge(const struct pp_line *line, size_t i, size_t neighbour)
{
	float reach = REACH_OF_LETTER * pp_quad_height(&line->quad) / fmaxf(pp_quad_width(&line->quad), 1);
	float at = line->chars[i].at;
	if (neighbour < line->count)
		reach = fminf(reach, fabsf(line->chars[neighbour].at - at) / 2);
	return neighbour == i + 1 ? fminf(at + reach, 1) : fmaxf(at - reach, 0);
}

/* Adds characters [first, end) as one word. */
static enum err_code add_word(struct typesetter *t, size_t first, size_t end, struct err *err)
{
	const struct pp_line *line = t->line;
	char text[WORD_BYTES_MAX];
	size_t len = 0;
	float confidence = 0;

	for (size_t i = first; i < end; i++) {
		size_t n;
		const char *bytes = pp_dictionary_text(t->dictionary, line->chars[i].column, &n);
		if (n > sizeof(text) - len)
			return err_set(err, ERR_CORRUPT, "the recogniser's dictionary has a character of %zu bytes", n);
		memcpy(text + len, bytes, n);
		len += n;
		confidence += line->chars[i].confidence;
	}
	struct ocr_word word = {
		.box = pp_quad_box(&line->quad, cell_edge(line, first, first - 1), cell_edge(line, end - 1, end),
				   t->page->width, t->page->height),
		.confidence = fminf(confidence / (float)(end - first), 1),
		.space_before = t->space,
	};
	t->space = false;
	return ocr_page_add_word(t->page, &word, text, len, err);
}

enum char_kind { KIND_SPACE, KIND_LETTER, KIND_IDEOGRAPH };

static enum char_kind kind_of(const struct typesetter *t, size_t i)
{
	uint32_t column = t->line->chars[i].column;
	size_t len, unused;
	const char *bytes = pp_dictionary_text(t->dictionary, column, &len);
	if (pp_dictionary_is_space(t->dictionary, column))
		return KIND_SPACE;
	return is_ideographic(utf8_decode(bytes, len, &unused)) ? KIND_IDEOGRAPH : KIND_LETTER;
}

/* Letters that fit in WORD_BYTES_MAX whatever their encoding. */
enum { WORD_CHARS_MAX = WORD_BYTES_MAX / 8 };

static enum err_code add_words(struct typesetter *t, struct err *err)
{
	enum err_code code = ERR_OK;
	for (size_t i = 0; i < t->line->count && code == ERR_OK;) {
		enum char_kind kind = kind_of(t, i);
		size_t end = i + 1;
		while (kind == KIND_LETTER && end < t->line->count && end - i < WORD_CHARS_MAX &&
		       kind_of(t, end) == KIND_LETTER)
			end++;
		if (kind == KIND_SPACE)
			t->space = t->page->lines[t->page->line_count - 1].word_count > 0;
		else
			code = add_word(t, i, end, err);
		i = end;
	}
	return code;
}

static enum err_code start_line(struct ocr_page *page, const struct pp_line *line, struct err *err)
{
	struct pp_point from = pp_quad_at(&line->quad, 0, BASELINE), to = pp_quad_at(&line->quad, 1, BASELINE);
	float slope = fabsf(to.x - from.x) > 1 ? (to.y - from.y) / (to.x - from.x) : 0;
	return ocr_page_add_line(page, from.y, slope, err);
}

static enum err_code place(struct typesetter *t, const struct pp_place *place, struct err *err)
{
	enum err_code code = ERR_OK;
	if (place->starts_block)
		code = ocr_page_add_block(t->page, OCR_BLOCK_TEXT, err);
	if (code == ERR_OK && place->starts_line)
		code = start_line(t->page, t->line, err);
	t->space = !place->starts_line;
	return code == ERR_OK ? add_words(t, err) : code;
}

static enum err_code order_lines(const struct pp_lines *lines, struct pp_place *ret, struct err *err)
{
	cleanup_free struct pp_item *items = malloc(lines->count * sizeof(*items));
	float lean = 0;
	if (!items)
		return err_set(err, ERR_NO_MEMORY, "no memory to order %zu lines", lines->count);
	enum err_code code = find_lean(lines, &lean, err);
	for (size_t i = 0; i < lines->count && code == ERR_OK; i++)
		items[i] = level_item(&lines->items[i].quad, lean);
	return code == ERR_OK ? pp_order(items, lines->count, ret, err) : code;
}

enum err_code pp_lay_out(const struct pp_lines *lines, const struct pp_dictionary *dictionary, struct ocr_page *ret,
			 struct err *err)
{
	if (!lines->count)
		return ERR_OK;
	cleanup_free struct pp_place *places = malloc(lines->count * sizeof(*places));
	if (!places)
		return err_set(err, ERR_NO_MEMORY, "no memory to order %zu lines", lines->count);
	enum err_code code = order_lines(lines, places, err);
	for (size_t i = 0; i < lines->count && code == ERR_OK; i++) {
		struct typesetter t = { dictionary, &lines->items[places[i].item], ret, false };
		code = place(&t, &places[i], err);
	}
	return code;
}
