/*
 * What the parts of the page reader share: sheets, readings, the state of one read. For src/ocr only.
 *
 * A sheet is a page made ready for reading. A reading is what an engine found on a sheet: an ocr_page whose
 * coordinates are the sheet's pixels (not yet the upright page's). Both engines deliver readings of the same sheet,
 * so that they can be compared block by block; ocr_arrange and ocr_page_from_reading make the page of one of them.
 */
#ifndef TIRO_OCR_READER_PRIV_H
#define TIRO_OCR_READER_PRIV_H

#include "ocr/engine.h"

struct Pix; /* leptonica's image */

/* An affine map of pixel coordinates: x' = ax*x + bx*y + cx, y' = ay*x + by*y + cy. */
struct ocr_map {
	double ax, bx, cx;
	double ay, by, cy;
};

/* A page as an engine reads it: grey, upright, its lines level, its letters of a good size. */
struct ocr_sheet {
	struct Pix *grey; /* owned; 8 bits, dark on light */
	struct ocr_map to_page; /* the sheet's pixels to those of the upright page (ocr/page.h) */
	uint32_t page_width; /* of the upright page */
	uint32_t page_height;
	uint32_t rotation; /* clockwise degrees that made the raster upright: 0, 90, 180, 270 */
	float skew; /* clockwise degrees by which the page's lines lean */
	float scale; /* sheet pixels per page pixel */
	float text_height; /* median height of letters, sheet pixels; 0 where there are too few or it is plain */
	struct ocr_box *letters; /* owned; where components of a letter's shape stand (ocr/letters.h); NULL: plain */
	size_t letter_count;
	bool changed; /* more was done than turning it */
};

/* An engine's answer. */
struct ocr_reading {
	struct ocr_page page; /* coordinates of the sheet; language, rotation and skew not set */
	float score; /* characters without spaces x (mean confidence - 40), the larger the better */
};

void ocr_reading_init(struct ocr_reading *reading, const struct ocr_sheet *sheet);
void ocr_reading_done(struct ocr_reading *reading);
#define cleanup_reading cleanup(ocr_reading_done)

/* Sets the score from the words. Also of use for the words of one block: see ocr_score_words. */
void ocr_reading_rate(struct ocr_reading *reading);

/* The score of words [first, first + count). */
float ocr_score_words(const struct ocr_page *page, size_t first, size_t count);

enum { OCR_DATA_SIZE = 96 };

/* What a page is read with. */
struct ocr_choice {
	char data[OCR_DATA_SIZE]; /* tesseract's data, e.g. "rus+eng" */
	char code[OCR_LANGUAGE_SIZE]; /* ISO 639-1 of the page's main language, "" where unknown */
	bool ppocr; /* the characters of its script are in PP-OCR's set (Latin, Chinese, Japanese) */
};

/* One call of ocr_engine_ops.read on its way through the reader. */
struct ocr_run {
	const struct ocr_raster *raster;
	const struct ocr_options *options;
	ocr_abort_fn *abort;
	void *abort_ctx;
};

bool ocr_run_aborted(const struct ocr_run *run);

#endif
