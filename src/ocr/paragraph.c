#include "ocr/paragraph.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

/* A line this many times as far from the one before as lines usually are opens a paragraph. */
static const float wide_gap = 1.35F;
/* An indent is deeper than this share of a line's height; less is a ragged or slanted margin. */
static const float deep_indent = 0.8F;
/* Letters of another size by this factor belong to another paragraph. */
static const float other_size = 1.3F;
/* A line that ends this share of the column before its edge was ended on purpose. */
static const float short_line = 0.15F;
/* A block of few lines with letters this much larger than those of the page is a heading. */
static const float heading_size = 1.25F;

enum { HEADING_LINES = 3 };

/* What is usual in a block or on the page; pixels. */
struct measure {
	float pitch; /* from baseline to baseline; 0 for a single line */
	float height; /* of a line */
	int32_t left, right;
};

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* The median of a line's heights of words: a single tall bracket does not count. 0 without memory. */
static float line_height(const struct ocr_page *page, const struct ocr_line *line)
{
	cleanup_free float *heights = calloc(line->word_count + 1, sizeof(*heights));

	if (!heights || line->word_count == 0)
		return 0;
	for (uint32_t i = 0; i < line->word_count; i++) {
		const struct ocr_box *box = &page->words[line->first_word + i].box;

		heights[i] = (float)(box->y1 - box->y0);
	}
	qsort(heights, line->word_count, sizeof(*heights), compare_floats);
	return heights[line->word_count / 2];
}

/* Measures `count` lines from `first` on; `scratch` holds a float per line. */
static struct measure measure_lines(const struct ocr_page *page, size_t first, size_t count, float *scratch)
{
	struct measure m = { .left = INT32_MAX, .right = 0 };
	size_t pitches = 0;

	for (size_t i = 0; i < count; i++) {
		const struct ocr_line *line = &page->lines[first + i];

		scratch[i] = line_height(page, line);
		m.left = line->box.x0 < m.left ? line->box.x0 : m.left;
		m.right = line->box.x1 > m.right ? line->box.x1 : m.right;
	}
	if (count == 0)
		return m;
	qsort(scratch, count, sizeof(*scratch), compare_floats);
	m.height = scratch[count / 2];
	for (size_t i = 1; i < count; i++) {
		float pitch = page->lines[first + i].baseline_y - page->lines[first + i - 1].baseline_y;

		if (pitch > 0)
			scratch[pitches++] = pitch;
	}
	if (pitches) {
		qsort(scratch, pitches, sizeof(*scratch), compare_floats);
		/* The lower median: of two gaps the smaller one is that between lines. */
		m.pitch = scratch[(pitches - 1) / 2];
	}
	return m;
}

static const struct ocr_word *last_word(const struct ocr_page *page, const struct ocr_line *line)
{
	return line->word_count ? &page->words[line->first_word + line->word_count - 1] : NULL;
}

/* The last character of a word and the one before it; 0 where there is none. */
static void last_two(const struct ocr_page *page, const struct ocr_word *word, uint32_t ret[2])
{
	const char *text = ocr_word_text(page, word);

	ret[0] = ret[1] = 0;
	for (size_t i = 0, n = 0; i < word->text_len; i += n) {
		ret[1] = ret[0];
		ret[0] = utf8_decode(text + i, word->text_len - i, &n);
	}
}

static bool is_in(uint32_t c, const uint32_t *set, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (set[i] == c)
			return true;
	return false;
}

/* The line ends a sentence: . ! ? : and their Arabic and Chinese kin, also before a closing quote or bracket. */
static bool ends_sentence(const struct ocr_page *page, const struct ocr_line *line)
{
	static const uint32_t stops[] = { '.', '!', '?', ':', 0x61f, 0x6d4, 0x3002, 0xff01, 0xff1f, 0xff1a, 0x2026 };
	static const uint32_t closers[] = { '"', '\'', ')', ']', 0x201d, 0x2019, 0xbb, 0x201c, 0xff09 };
	const struct ocr_word *word = last_word(page, line);
	uint32_t last[2];

	if (!word)
		return false;
	last_two(page, word, last);
	if (is_in(last[0], closers, ARRAY_LEN(closers)))
		last[0] = last[1];
	return is_in(last[0], stops, ARRAY_LEN(stops));
}

static bool is_lower_letter(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 0xdf && c <= 0xff && c != 0xf7) || (c >= 0x101 && c <= 0x17f && c % 2) ||
	       (c >= 0x430 && c <= 0x45f);
}

static bool is_hyphen(uint32_t c)
{
	return c == '-' || c == 0xad || c == 0x2010 || c == 0xac;
}

/* True if `line` ends in a hyphen that only the line's end put there: a letter stands before it, and `next` goes on
 * with a small letter (a capital or a digit belongs to a word that has its hyphen anyway). */
static bool breaks_word(const struct ocr_page *page, const struct ocr_line *line, const struct ocr_line *next)
{
	const struct ocr_word *word = last_word(page, line);
	uint32_t last[2];
	size_t n;

	if (!word || next->word_count == 0)
		return false;
	const struct ocr_word *first = &page->words[next->first_word];

	last_two(page, word, last);
	return is_hyphen(last[0]) && (is_lower_letter(last[1]) || last[1] >= 0x80) &&
	       is_lower_letter(utf8_decode(ocr_word_text(page, first), first->text_len, &n));
}

/* True if `line` opens a paragraph, judged by the line before it in the same block. */
static bool opens_paragraph(const struct ocr_page *page, const struct ocr_line *before, const struct ocr_line *line,
			    const struct measure *m)
{
	float width = (float)(m->right - m->left), size = line_height(page, line);
	float size_before = line_height(page, before);
	const struct ocr_word *first = line->word_count ? &page->words[line->first_word] : NULL;
	bool rtl = first && first->rtl;
	int32_t indent = rtl ? m->right - line->box.x1 : line->box.x0 - m->left;
	int32_t indent_before = rtl ? m->right - before->box.x1 : before->box.x0 - m->left;
	int32_t missing = rtl ? before->box.x0 - m->left : m->right - before->box.x1;

	if (m->pitch > 0 && line->baseline_y - before->baseline_y > wide_gap * m->pitch)
		return true;
	if (size > 0 && size_before > 0 && (size > other_size * size_before || size_before > other_size * size))
		return true;
	if ((float)(indent - indent_before) > deep_indent * m->height && (float)indent_before < deep_indent * m->height)
		return true;
	return (float)missing > short_line * width && ends_sentence(page, before);
}

static void mark_block(struct ocr_page *page, struct ocr_block *block, const struct measure *all, float *scratch)
{
	struct measure m = measure_lines(page, block->first_line, block->line_count, scratch);
	bool spoken = block->line_count > 0 && ends_sentence(page, &page->lines[block->first_line]);

	if (m.pitch <= 0)
		m.pitch = all->pitch;
	for (uint32_t i = 0; i < block->line_count; i++) {
		struct ocr_line *line = &page->lines[block->first_line + i];

		line->paragraph_start = i == 0 || opens_paragraph(page, line - 1, line, &m);
		if (i && !line->paragraph_start)
			(line - 1)->hyphenated = breaks_word(page, line - 1, line);
	}
	if (block->kind == OCR_BLOCK_TEXT && block->line_count <= HEADING_LINES && !spoken && all->height > 0 &&
	    m.height > heading_size * all->height)
		block->kind = OCR_BLOCK_HEADING;
}

/* The next block starts higher up and beside this one: a new column. */
static bool is_next_column(const struct ocr_block *block, const struct ocr_block *next)
{
	return next->box.y0 < block->box.y1 && (next->box.x0 >= block->box.x1 || next->box.x1 <= block->box.x0);
}

/* A paragraph goes on in the next column where its last line is full and ends no sentence. */
static void join_columns(struct ocr_page *page)
{
	for (size_t i = 1; i < page->block_count; i++) {
		struct ocr_block *before = &page->blocks[i - 1], *block = &page->blocks[i];

		if (!before->line_count || !block->line_count || before->kind != OCR_BLOCK_TEXT ||
		    block->kind != OCR_BLOCK_TEXT || !is_next_column(before, block))
			continue;
		struct ocr_line *last = &page->lines[before->first_line + before->line_count - 1];
		const struct ocr_line *first = &page->lines[block->first_line];
		float width = (float)(before->box.x1 - before->box.x0);
		bool full = (float)(before->box.x1 - last->box.x1) < short_line * width;

		block->continues = full && !ends_sentence(page, last);
		last->hyphenated = block->continues && breaks_word(page, last, first);
	}
}

void ocr_mark_paragraphs(struct ocr_page *page)
{
	cleanup_free float *scratch = calloc(page->line_count + 1, sizeof(*scratch));

	if (!scratch)
		return;
	struct measure all = measure_lines(page, 0, page->line_count, scratch);

	for (size_t i = 0; i < page->block_count; i++)
		mark_block(page, &page->blocks[i], &all, scratch);
	join_columns(page);
}
