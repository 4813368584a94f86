/*
 * Where text stands on a page: PP-OCR's detector (differentiable binarization, Liao et al. 2020) and what turns its
 * map of probabilities into rectangles. Tall pages are read in strips, so that memory does not grow with the page.
 */
#ifndef TIRO_OCR_PP_DETECT_H
#define TIRO_OCR_PP_DETECT_H

#include "ocr/pp_geometry.h"
#include "ocr/pp_model.h"

/* Text lines of one page; a dense newspaper page has about 1,500. What comes after is dropped. */
enum { PP_LINES_MAX = 8000 };

struct pp_quads {
	struct pp_quad *items; /* owned */
	size_t count, capacity;
};

void pp_quads_done(struct pp_quads *quads);
#define cleanup_quads cleanup(pp_quads_done)

/*
 * Finds the lines of text, in no order, in pixels of the raster. *ret is initialised by the call; the caller releases
 * it. Errors: ERR_CANCELLED, ERR_UNAVAILABLE, ERR_NO_MEMORY.
 */
enum err_code pp_detect(struct pp_session *session, const struct ocr_raster *raster, ocr_abort_fn *abort,
			void *abort_ctx, struct pp_quads *ret, struct err *err) MUST_CHECK;

/*
 * The rectangles of a map of probabilities (row by row, 0..1), in its pixels; appended to *ret, at most PP_LINES_MAX.
 * Errors: ERR_NO_MEMORY.
 */
enum err_code pp_boxes_from_map(const float *map, uint32_t width, uint32_t height, struct pp_quads *ret,
				struct err *err) MUST_CHECK;

#endif
