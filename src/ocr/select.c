#include "ocr/select.h"

#include "ocr/sheet.h"

/* The other reading must be better by this factor: the two engines' confidences do not mean quite the same, and
 * the base has the better boxes. */
#define ADVANTAGE 1.05f

static bool stands_in(const struct ocr_box *word, const struct ocr_box *block)
{
	int32_t x = word->x0 + (word->x1 - word->x0) / 2, y = word->y0 + (word->y1 - word->y0) / 2;
	return x >= block->x0 && x < block->x1 && y >= block->y0 && y < block->y1;
}

static float score_inside(const struct ocr_page *page, const struct ocr_box *box)
{
	float score = 0;
	for (size_t i = 0; i < page->word_count; i++)
		if (stands_in(&page->words[i].box, box))
			score += ocr_score_words(page, i, 1);
	return score;
}

static enum err_code copy_word(const struct ocr_page *from, const struct ocr_word *word, struct ocr_page *ret,
			       struct err *err)
{
	struct ocr_word copy = *word;
	copy.space_before = word->space_before && ret->lines[ret->line_count - 1].word_count > 0;
	return ocr_page_add_word(ret, &copy, ocr_word_text(from, word), word->text_len, err);
}

/* Copies the words of a line that stand in the box; the line begins with the first of them. */
static enum err_code copy_line(const struct ocr_page *from, const struct ocr_line *line, const struct ocr_box *box,
			       struct ocr_page *ret, struct err *err)
{
	bool begun = false;
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < line->word_count && code == ERR_OK; i++) {
		const struct ocr_word *word = &from->words[line->first_word + i];
		if (!stands_in(&word->box, box))
			continue;
		if (!begun)
			code = ocr_page_add_line(ret, line->baseline_y, line->slope, err);
		begun = true;
		if (code == ERR_OK)
			code = copy_word(from, word, ret, err);
	}
	return code;
}

static enum err_code copy_block(const struct ocr_page *from, size_t first_line, size_t lines, const struct ocr_box *box,
				struct ocr_page *ret, struct err *err)
{
	enum err_code code = ERR_OK;
	for (size_t i = first_line; i < first_line + lines && code == ERR_OK; i++)
		code = copy_line(from, &from->lines[i], box, ret, err);
	return code;
}

/* The words of a block are consecutive. */
static float block_score(const struct ocr_page *page, const struct ocr_block *block)
{
	size_t words = 0;
	for (uint32_t i = 0; i < block->line_count; i++)
		words += page->lines[block->first_line + i].word_count;
	return block->line_count ? ocr_score_words(page, page->lines[block->first_line].first_word, words) : 0;
}

enum err_code ocr_select(const struct ocr_page *base, const struct ocr_page *other, struct ocr_page *ret,
			 size_t *ret_taken, struct err *err)
{
	size_t taken = 0;
	for (size_t i = 0; i < base->block_count; i++) {
		const struct ocr_block *block = &base->blocks[i];
		bool better = score_inside(other, &block->box) > ADVANTAGE * block_score(base, block);
		enum err_code code = ocr_page_add_block(ret, block->kind, err);
		if (code == ERR_OK && better)
			code = copy_block(other, 0, other->line_count, &block->box, ret, err);
		else if (code == ERR_OK)
			code = copy_block(base, block->first_line, block->line_count, &block->box, ret, err);
		if (code != ERR_OK)
			return code;
		taken += better;
	}
	*ret_taken = taken;
	return ERR_OK;
}

void ocr_reading_move(struct ocr_reading *reading, const struct ocr_map *map, uint32_t width, uint32_t height)
{
	struct ocr_page *page = &reading->page;
	for (size_t i = 0; i < page->word_count; i++)
		page->words[i].box = ocr_map_box(map, &page->words[i].box, width, height);
	for (size_t i = 0; i < page->line_count; i++) {
		struct ocr_line *line = &page->lines[i];
		double x = line->box.x0, y = (double)line->baseline_y;
		ocr_map_point(map, &x, &y);
		line->baseline_y = (float)y;
		line->slope += (float)(map->ay / (map->ax != 0 ? map->ax : 1));
		line->box = ocr_map_box(map, &line->box, width, height);
	}
	for (size_t i = 0; i < page->block_count; i++)
		page->blocks[i].box = ocr_map_box(map, &page->blocks[i].box, width, height);
	page->width = width;
	page->height = height;
}
