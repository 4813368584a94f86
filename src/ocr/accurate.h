/*
 * The `high_accuracy` read of a page: PP-OCR over the whole page where it knows the script, tesseract for the blocks
 * that it could not read well.
 */
#ifndef TIRO_OCR_ACCURATE_H
#define TIRO_OCR_ACCURATE_H

#include "ocr/language.h"
#include "ocr/pp_model.h"
#include "ocr/tess.h"

/* What it reads with; borrowed. */
struct ocr_accurate {
	struct pp_session *pp;
	struct ocr_tess *tess;
	const struct ocr_installed *installed;
};

/*
 * Reads the page. *ret_read false: PP-OCR does not know the page's script, *ret is untouched and the caller reads
 * it otherwise; true: *ret (which must be initialised) is the page. `choice` is what the options' language means,
 * NULL: to be found out. Errors: ERR_CANCELLED, ERR_UNAVAILABLE, ERR_NO_MEMORY, ERR_TOO_BIG.
 */
enum err_code ocr_accurate_read(const struct ocr_accurate *with, const struct ocr_run *run,
				const struct ocr_choice *choice, struct ocr_page *ret, bool *ret_read, struct err *err)
	MUST_CHECK;

#endif
