/*
 * From a reading to the page: rows, paragraphs, coordinates.
 */
#ifndef TIRO_OCR_FINISH_H
#define TIRO_OCR_FINISH_H

#include "ocr/reader_priv.h"

/*
 * Takes the reading's words, puts lines in order and paragraphs together, and maps boxes to the upright page.
 * *ret must be initialised. The reading is used up. Errors: ERR_NO_MEMORY, ERR_TOO_BIG.
 */
enum err_code ocr_finish(struct ocr_reading *reading, const struct ocr_sheet *sheet, const struct ocr_choice *choice,
			 struct ocr_page *ret, struct err *err) MUST_CHECK;

#endif
