/*
 * Sheets: from a raster to a page that an engine reads well, and back from its pixels to those of the page.
 */
#ifndef TIRO_OCR_SHEET_H
#define TIRO_OCR_SHEET_H

#include "ocr/reader_priv.h"

/* Quarter turns are told in clockwise degrees: 0, 90, 180, 270. */

struct ocr_map ocr_map_identity(void);
/* First `inner`, then `outer`. */
struct ocr_map ocr_map_compose(const struct ocr_map *outer, const struct ocr_map *inner);
struct ocr_map ocr_map_inverse(const struct ocr_map *map);
/* Turns a plane of width x height clockwise by a quarter turn, so that it lies in the first quadrant again. */
struct ocr_map ocr_map_turn(uint32_t rotation, double width, double height);
/* Turns by `degrees` clockwise around (x, y). */
struct ocr_map ocr_map_rotate(double degrees, double x, double y);
void ocr_map_point(const struct ocr_map *map, double *x, double *y);
/* The smallest upright box around the mapped box, cut to [0, width) x [0, height) and never empty. */
struct ocr_box ocr_map_box(const struct ocr_map *map, const struct ocr_box *box, uint32_t width, uint32_t height);

/* The raster as it is, in grey. *ret is untouched on failure. Errors: ERR_INVALID for a raster without pixels,
 * ERR_NO_MEMORY. */
enum err_code ocr_sheet_plain(const struct ocr_raster *raster, struct ocr_sheet *ret, struct err *err) MUST_CHECK;

/*
 * Prepares a plain sheet: light on dark is inverted, uneven light made even, noise smoothed, specks removed, lines
 * levelled, letters scaled to a good size; each only where a probe says so. A page whose lines run up or down is
 * turned by 90 degrees, so that they run level; whether it stands upright then, is for ocr/orient.h.
 * `turn` false: never turned. *ret is untouched on failure. Errors: ERR_NO_MEMORY.
 */
enum err_code ocr_sheet_prepare(const struct ocr_sheet *plain, bool turn, struct ocr_sheet *ret, struct err *err)
	MUST_CHECK;

/* Turns the sheet and the page that it maps to clockwise. Errors: ERR_NO_MEMORY, then the sheet is as it was. */
enum err_code ocr_sheet_turn(struct ocr_sheet *sheet, uint32_t rotation, struct err *err) MUST_CHECK;

/* Moves the letters after the sheet's image was replaced by one that `map` leads to. */
void ocr_sheet_map_letters(struct ocr_sheet *sheet, const struct ocr_map *map);

void ocr_sheet_done(struct ocr_sheet *sheet);
#define cleanup_sheet cleanup(ocr_sheet_done)

/* Otsu's threshold (1979): the grey that parts the histogram into the two most different classes. */
int ocr_sheet_threshold(struct Pix *grey);

/* A strip of whole lines with much ink, about `lines` of them, at full width. False where there is no text. */
bool ocr_sheet_strip(const struct ocr_sheet *sheet, int lines, struct ocr_box *ret);

#endif
