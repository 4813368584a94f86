/*
 * Two readings of one page, block by block: the better one of each.
 */
#ifndef TIRO_OCR_SELECT_H
#define TIRO_OCR_SELECT_H

#include "ocr/reader_priv.h"

/*
 * Goes through the blocks of `base` in their order and takes, for each, either its lines or the lines of `other` that
 * stand there, by ocr_score_words. Both are in the same coordinates. *ret must be initialised with their page's size.
 * *ret_taken counts the blocks that came from `other`. Errors: ERR_NO_MEMORY, ERR_TOO_BIG.
 */
enum err_code ocr_select(const struct ocr_page *base, const struct ocr_page *other, struct ocr_page *ret,
			 size_t *ret_taken, struct err *err) MUST_CHECK;

/* Moves a reading to the coordinates that the map leads to, a sheet of width x height. */
void ocr_reading_move(struct ocr_reading *reading, const struct ocr_map *map, uint32_t width, uint32_t height);

#endif
