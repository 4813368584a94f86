/*
 * What an unknown page is written in and how it lies, found by reading a few of its lines.
 */
#ifndef TIRO_OCR_UPRIGHT_H
#define TIRO_OCR_UPRIGHT_H

#include "ocr/fast.h"

/*
 * Finds the language of an upright or turned sheet; turns the sheet where `turn` allows it. A page without text is
 * taken for the first language that is installed. Errors: as ocr_tess_read.
 */
enum err_code ocr_find_language(const struct ocr_fast *with, const struct ocr_run *run, struct ocr_sheet *sheet,
				struct ocr_choice *ret, struct err *err) MUST_CHECK;

/*
 * After a poor reading with this data: reads lines of the sheet in all four directions and turns it to the best.
 * *ret_turned tells whether it did. Errors: as ocr_tess_read.
 */
enum err_code ocr_find_upright(const struct ocr_fast *with, const struct ocr_tess_job *job, struct ocr_sheet *sheet,
			       bool *ret_turned, struct err *err) MUST_CHECK;

/* The language of the words of a page by CLD2; NULL where it cannot tell or its data is not installed. *ret_mixed:
 * other languages take a good share. */
const struct ocr_language *ocr_language_of(const struct ocr_installed *installed, const struct ocr_page *page,
					   bool *ret_mixed);

#endif
