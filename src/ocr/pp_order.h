/*
 * Reading order: which boxes stand in one row, which rows in one column, and what is read first.
 *
 * Columns of prose are read one after the other; cells of a table or a receipt belong to their row. The page is
 * cut from top to bottom where a gap has text on both sides that is wide enough to be prose; what crosses the gap
 * (headings, footers) parts the columns into bands. What remains is read row by row.
 */
#ifndef TIRO_OCR_PP_ORDER_H
#define TIRO_OCR_PP_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A piece of text; any unit, y down, rows level. */
struct pp_item {
	float x0, y0, x1, y1;
};

/* The next piece in reading order. */
struct pp_place {
	uint32_t item;
	bool starts_line;
	bool starts_block;
};

/* Stores the `count` places in `ret`. Errors: ERR_NO_MEMORY. Thread-safe. */
enum err_code pp_order(const struct pp_item *items, size_t count, struct pp_place *ret, struct err *err) MUST_CHECK;

#endif
