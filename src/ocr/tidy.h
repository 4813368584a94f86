/*
 * Small repairs of a reading: what is no word goes, scripts without spaces lose them, Persian gets its own marks.
 */
#ifndef TIRO_OCR_TIDY_H
#define TIRO_OCR_TIDY_H

#include "ocr/reader_priv.h"

/* Makes *ret, which must be initialised, of the words of `page` that are worth keeping; language is an ISO 639-1
 * code or "". Errors: ERR_NO_MEMORY, ERR_TOO_BIG. */
enum err_code ocr_tidy(const struct ocr_page *page, const char *language, struct ocr_page *ret, struct err *err)
	MUST_CHECK;

#endif
