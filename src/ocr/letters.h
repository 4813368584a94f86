/*
 * The letters of a sheet as boxes, found without reading them: how high the text is, where its lines run, whether it
 * stands in columns, how much of it a reading has covered.
 */
#ifndef TIRO_OCR_LETTERS_H
#define TIRO_OCR_LETTERS_H

#include "ocr/reader_priv.h"

/* Finds the components of a letter's shape in a bilevel image. Without memory there are none. Returns the letters,
 * which the caller frees with free(). */
struct ocr_box *ocr_letters_find(struct Pix *bin, size_t *ret_count);

/* The median height, pixels, each letter weighted by its size so that dots count little; 0 for too few letters. */
float ocr_letters_height(const struct ocr_box *letters, size_t count);

/*
 * An image of `width` x `height` pixels divided by `divisor`, with a rectangle for each letter, grown by `reach`
 * pixels to the left and right and cut at top and bottom by the share `trim` of its height. NULL without memory.
 */
struct ocr_mask_shape {
	int width, height, divisor;
	float reach, trim;
};
struct Pix *ocr_letters_mask(const struct ocr_box *letters, size_t count, const struct ocr_mask_shape *shape);

/* True if prose stands in columns side by side. */
bool ocr_letters_in_columns(const struct ocr_sheet *sheet);

/* The share of the sheet's letters that stand within the words of a reading; 1 where there are no letters. */
float ocr_letters_covered(const struct ocr_sheet *sheet, const struct ocr_page *reading);

#endif
