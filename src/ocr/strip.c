#include "ocr/sheet.h"

#include <leptonica/allheaders.h>
#include <stdlib.h>

/* The widths of letters added up for each row that is the middle of one; NULL without memory. The caller frees it. */
static uint32_t *letters_by_row(const struct ocr_sheet *sheet, int height)
{
	uint32_t *rows = calloc((size_t)height + 1, sizeof(*rows));

	for (size_t i = 0; rows && i < sheet->letter_count; i++) {
		const struct ocr_box *letter = &sheet->letters[i];

		rows[(letter->y0 + letter->y1) / 2] += (uint32_t)(letter->x1 - letter->x0);
	}
	return rows;
}

/* How many letters have row `y` in their inside. */
static size_t crossed(const struct ocr_sheet *sheet, int y)
{
	size_t count = 0;

	for (size_t i = 0; i < sheet->letter_count; i++)
		count += sheet->letters[i].y0 < y && sheet->letters[i].y1 > y;
	return count;
}

/* The row that cuts the fewest letters within `reach` rows of `row`. */
static int quiet_row(const struct ocr_sheet *sheet, int row, int reach)
{
	size_t fewest = crossed(sheet, row);
	int best = row, height = pixGetHeight(sheet->grey);

	for (int y = row - reach; y <= row + reach; y += 2) {
		size_t count = y >= 0 && y <= height ? crossed(sheet, y) : fewest;

		if (count < fewest) {
			fewest = count;
			best = y;
		}
	}
	return best;
}

bool ocr_sheet_strip(const struct ocr_sheet *sheet, int lines, struct ocr_box *ret)
{
	int height = pixGetHeight(sheet->grey);
	/* A line with its gap is about 1.9 times as high as its letters. */
	int reach = (int)(sheet->text_height * 1.2F);
	int strip = (int)(sheet->text_height * 1.9F * (float)lines);

	if (sheet->text_height <= 0)
		return false;
	*ret = (struct ocr_box){ 0, 0, pixGetWidth(sheet->grey), height };
	if (strip + 2 * reach >= height)
		return true;
	cleanup_free uint32_t *rows = letters_by_row(sheet, height);

	if (!rows)
		return false;
	uint64_t sum = 0, best = 0;
	int best_start = 0;

	for (int y = 0; y < height; y++) {
		sum += rows[y];
		if (y >= strip)
			sum -= rows[y - strip];
		if (y >= strip - 1 && sum > best) {
			best = sum;
			best_start = y - strip + 1;
		}
	}
	ret->y0 = quiet_row(sheet, best_start, reach);
	ret->y1 = quiet_row(sheet, best_start + strip, reach);
	return best > 0 && ret->y1 > ret->y0;
}
