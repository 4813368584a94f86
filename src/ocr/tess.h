/*
 * Tesseract: warm handles, one reading of a sheet, orientation and script.
 *
 * One object per thread; several threads may each have one. Tesseract never gets a file name of a user.
 */
#ifndef TIRO_OCR_TESS_H
#define TIRO_OCR_TESS_H

#include "ocr/reader_priv.h"

struct ocr_tess;

/* To be called once before the first object is made, before threads start: silences leptonica and keeps memory with
 * the allocator between pages. */
void ocr_tess_setup(void);

/* `folder` holds *.traineddata and is borrowed. Errors: ERR_NO_MEMORY. */
enum err_code ocr_tess_new(const char *folder, struct ocr_tess **ret, struct err *err) MUST_CHECK;
void ocr_tess_free(struct ocr_tess *tess);

/* How to find lines. */
enum ocr_layout {
	OCR_LAYOUT_ANY, /* columns, one after the other; it loses cells of tables */
	OCR_LAYOUT_ROWS, /* one column of any size: rows of receipts and tables stay whole */
	OCR_LAYOUT_BLOCK /* one block, line by line: nothing is left out */
};

/* What to read of a sheet and how. */
struct ocr_tess_job {
	const struct ocr_run *run;
	const struct ocr_sheet *sheet;
	const struct ocr_box *part; /* NULL: all of it */
	const char *data; /* "rus+eng" */
	enum ocr_layout layout;
};

/*
 * Reads; *ret is initialised by the call and empty on failure. Words are as tesseract has them, in its order.
 * Errors: ERR_CANCELLED, ERR_UNAVAILABLE (the data cannot be loaded), ERR_NO_MEMORY, ERR_TOO_BIG.
 */
enum err_code ocr_tess_read(struct ocr_tess *tess, const struct ocr_tess_job *job, struct ocr_reading *ret,
			    struct err *err) MUST_CHECK;

/* What the layout looks like to tesseract's orientation and script detector. */
struct ocr_osd {
	uint32_t rotation; /* clockwise degrees that make the sheet upright */
	float rotation_confidence;
	char script[24]; /* "Latin", "Cyrillic", "Arabic", "Han", ... */
	float script_confidence;
};

/* False where there is too little text or no data for it. */
bool ocr_tess_osd(struct ocr_tess *tess, const struct ocr_sheet *sheet, struct ocr_osd *ret);

#endif
