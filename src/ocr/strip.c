#include "ocr/sheet.h"

#include <leptonica/allheaders.h>

/* Dark pixels per row; NULL without memory. */
static NUMA *row_ink(PIX *grey)
{
	PIX *bin = pixThresholdToBinary(grey, ocr_sheet_threshold(grey));
	NUMA *rows = bin ? pixCountPixelsByRow(bin, NULL) : NULL;

	pixDestroy(&bin);
	return rows;
}

/* The row with the least ink within `reach` rows of `row`. */
static int quiet_row(const l_float32 *ink, int count, int row, int reach)
{
	int best = row;

	for (int y = row - reach; y <= row + reach; y++)
		if (y >= 0 && y < count && ink[y] < ink[best])
			best = y;
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
	NUMA *rows = row_ink(sheet->grey);

	if (!rows)
		return false;
	const l_float32 *ink = numaGetFArray(rows, L_NOCOPY);
	double sum = 0, best = -1;
	int best_start = 0;

	/* Pictures and rules have rows of much ink: letters rarely cover a third of a row. */
	double most = pixGetWidth(sheet->grey) / 3.0;

	for (int y = 0; y < height; y++) {
		sum += (double)ink[y] < most ? (double)ink[y] : 0;
		if (y >= strip)
			sum -= (double)ink[y - strip] < most ? (double)ink[y - strip] : 0;
		if (y >= strip - 1 && sum > best) {
			best = sum;
			best_start = y - strip + 1;
		}
	}
	ret->y0 = quiet_row(ink, height, best_start, reach);
	ret->y1 = quiet_row(ink, height, best_start + strip - 1, reach) + 1;
	numaDestroy(&rows);
	return best > 0;
}
