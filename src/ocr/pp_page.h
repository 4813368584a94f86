/*
 * A page read by PP-OCR: its lines, how far they can be trusted, and their layout as an ocr_page.
 */
#ifndef TIRO_OCR_PP_PAGE_H
#define TIRO_OCR_PP_PAGE_H

#include "ocr/pp_detect.h"
#include "ocr/pp_recognise.h"
#include "ocr/reader_priv.h"

struct pp_lines {
	struct pp_line *items; /* owned */
	size_t count;
};

void pp_lines_done(struct pp_lines *lines);
#define cleanup_lines cleanup(pp_lines_done)

/*
 * Reads each quad; those without text are left out. *ret is set by the call, the caller releases it.
 * Errors: ERR_CANCELLED (asked before each line), ERR_UNAVAILABLE, ERR_NO_MEMORY.
 */
enum err_code pp_read_lines(struct pp_session *session, const struct ocr_raster *raster, const struct ocr_run *run,
			    const struct pp_quads *quads, float squeeze, struct pp_lines *ret, struct err *err)
	MUST_CHECK;

/* What a look at a few lines tells about the page. */
struct pp_probe {
	float quality; /* how well they can be read, 0..1 */
	float squeeze; /* how narrow lines of such letters may be read */
};

/*
 * How well a few of the longest lines can be read; `upside_down`: with the page turned by 180 degrees.
 * A script that the recogniser does not know, or a wrong turn, gives a quality below 0.6. Errors as above.
 */
enum err_code pp_probe(struct pp_session *session, const struct ocr_raster *raster, const struct ocr_run *run,
		       const struct pp_quads *quads, bool upside_down, struct pp_probe *ret, struct err *err)
	MUST_CHECK;

/* Confidence times the share of the line that its characters cover: what was not recognised counts too. 0..1. */
float pp_line_quality(const struct pp_line *line);

/* True if most of the text runs from top to bottom: the page is turned by a quarter. */
bool pp_mostly_vertical(const struct pp_quads *quads);

/*
 * Appends the lines to a page of the raster's size (initialised, width and height set) in reading order.
 * Errors: ERR_NO_MEMORY, ERR_TOO_BIG.
 */
enum err_code pp_lay_out(const struct pp_lines *lines, const struct pp_dictionary *dictionary, struct ocr_page *ret,
			 struct err *err) MUST_CHECK;

#endif
