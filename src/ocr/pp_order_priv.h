/*
 * What pp_order.c (rows, the walk over the page) and pp_columns.c (where columns part) share.
 */
#ifndef TIRO_OCR_PP_ORDER_PRIV_H
#define TIRO_OCR_PP_ORDER_PRIV_H

#include "ocr/pp_order.h"

struct orderer {
	const struct pp_item *items;
	struct pp_place *places;
	size_t placed;
	float *scratch; /* owned; one float per item */
	uint32_t *spare; /* owned; one index per item */
};

/* Items by index; a part of one array, so that no group owns memory. */
struct group {
	uint32_t *at;
	size_t count;
};

/* A line between two columns; perspective makes it lean. */
struct cut {
	float x; /* where y is 0 */
	float slope; /* dx/dy */
};

enum side { LEFT, CROSSING, RIGHT, SIDES };

enum side order_side(const struct cut *cut, const struct pp_item *item);

/* Sorts the group into the three sides, keeping the order within each. */
void order_partition(const struct orderer *o, struct group g, const struct cut *cut, struct group part[SIDES]);

/* True if the pieces are in one row: they share half of the lower one's height. */
bool order_same_row(const struct pp_item *a, const struct pp_item *b);

/* Median of a value over a group that is not empty. */
float order_median(const struct orderer *o, struct group g, float (*value)(const struct pp_item *));

float order_height(const struct pp_item *item);
float order_middle(const struct pp_item *item);

/* Finds where a group that stands in columns is to be cut; false: it does not. */
bool order_find_cut(const struct orderer *o, struct group g, struct cut *ret);

#endif
