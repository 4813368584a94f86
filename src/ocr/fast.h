/*
 * The `fast` read of a page: prepared once, read once by tesseract; more only where that went badly.
 */
#ifndef TIRO_OCR_FAST_H
#define TIRO_OCR_FAST_H

#include "ocr/language.h"
#include "ocr/tess.h"

/* What it reads with; borrowed. */
struct ocr_fast {
	struct ocr_tess *tess;
	const struct ocr_installed *installed;
};

/* Reads the page into *ret, which must be initialised. Errors: as ocr_engine_ops.read. */
enum err_code ocr_fast_read(const struct ocr_fast *with, const struct ocr_run *run, struct ocr_page *ret,
			    struct err *err) MUST_CHECK;

#endif
