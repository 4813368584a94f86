#include "ocr/sheet.h"

#include <leptonica/allheaders.h>

#include <stdlib.h>
#include <string.h>

/* Rec. 601 luma in 1/256. */
static uint8_t luma(const uint8_t *rgb)
{
	return (uint8_t)((rgb[0] * 77 + rgb[1] * 150 + rgb[2] * 29) >> 8);
}

static void copy_row(const struct ocr_raster *raster, uint32_t y, uint8_t *row)
{
	const uint8_t *from = raster->pixels + (size_t)y * raster->stride;

	if (raster->channels == 1) {
		memcpy(row, from, raster->width);
		return;
	}
	for (uint32_t x = 0; x < raster->width; x++)
		row[x] = luma(from + (size_t)x * 3);
}

static bool raster_is_sound(const struct ocr_raster *raster)
{
	return raster->width && raster->height && raster->pixels && raster->width <= LIMIT_PAGE_SIDE &&
	       raster->height <= LIMIT_PAGE_SIDE && (uint64_t)raster->width * raster->height <= LIMIT_PAGE_PIXELS &&
	       (raster->channels == 1 || raster->channels == 3) && raster->stride >= raster->width * raster->channels;
}

enum err_code ocr_sheet_plain(const struct ocr_raster *raster, struct ocr_sheet *ret, struct err *err)
{
	if (!raster_is_sound(raster))
		return err_set(err, ERR_INVALID, "the page's raster has no pixels or too many");

	PIX *grey = pixCreateNoInit((l_int32)raster->width, (l_int32)raster->height, 8);

	if (!grey)
		return err_set(err, ERR_NO_MEMORY, "not enough memory for a page of %ux%u pixels", raster->width,
			       raster->height);
	/* Leptonica keeps pixels in words, the first one in the word's high byte. */
	l_uint32 *data = pixGetData(grey);

	for (uint32_t y = 0; y < raster->height; y++)
		copy_row(raster, y, (uint8_t *)(data + (size_t)y * (size_t)pixGetWpl(grey)));
	pixEndianByteSwap(grey);
	*ret = (struct ocr_sheet){
		.grey = grey,
		.to_page = ocr_map_identity(),
		.page_width = raster->width,
		.page_height = raster->height,
		.scale = 1,
	};
	return ERR_OK;
}

void ocr_sheet_map_letters(struct ocr_sheet *sheet, const struct ocr_map *map)
{
	uint32_t width = (uint32_t)pixGetWidth(sheet->grey), height = (uint32_t)pixGetHeight(sheet->grey);

	for (size_t i = 0; i < sheet->letter_count; i++)
		sheet->letters[i] = ocr_map_box(map, &sheet->letters[i], width, height);
}

enum err_code ocr_sheet_turn(struct ocr_sheet *sheet, uint32_t rotation, struct err *err)
{
	if (rotation == 0)
		return ERR_OK;

	int width = pixGetWidth(sheet->grey), height = pixGetHeight(sheet->grey);
	PIX *turned = pixRotateOrth(sheet->grey, (l_int32)rotation / 90);

	if (!turned)
		return err_set(err, ERR_NO_MEMORY, "not enough memory to turn a page");
	pixDestroy(&sheet->grey);
	sheet->grey = turned;

	struct ocr_map turn_sheet = ocr_map_turn(rotation, width, height);
	struct ocr_map turn_page = ocr_map_turn(rotation, sheet->page_width, sheet->page_height);
	struct ocr_map back = ocr_map_inverse(&turn_sheet);

	ocr_sheet_map_letters(sheet, &turn_sheet);
	struct ocr_map to_old_page = ocr_map_compose(&sheet->to_page, &back);

	sheet->to_page = ocr_map_compose(&turn_page, &to_old_page);
	if (rotation != 180) {
		uint32_t old_width = sheet->page_width;

		sheet->page_width = sheet->page_height;
		sheet->page_height = old_width;
	}
	sheet->rotation = (sheet->rotation + rotation) % 360;
	return ERR_OK;
}

void ocr_sheet_done(struct ocr_sheet *sheet)
{
	pixDestroy(&sheet->grey);
	free(sheet->letters);
	sheet->letters = NULL;
	sheet->letter_count = 0;
}
