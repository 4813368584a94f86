#include "ocr/pp_order.h"

#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ocr/pp_order_priv.h"

/* Columns within columns within bands: no printed page nests deeper. */
enum { DEPTH_MAX = 16 };
/* Rows further apart than this, in heights, part two blocks. */
#define BLOCK_GAP 1.4f
/* A row at the top or foot that stands off by this much, in heights, belongs to no column. */
#define MARGIN_ROW_GAP 0.8f

struct keyed {
	float key;
	uint32_t at;
};

static int compare_keyed(const void *a, const void *b)
{
	const struct keyed *p = a, *q = b;
	if (p->key != q->key)
		return p->key < q->key ? -1 : 1;
	return (p->at > q->at) - (p->at < q->at);
}

static int compare_floats(const void *a, const void *b)
{
	const float *p = a, *q = b;
	return (*p > *q) - (*p < *q);
}

static float left_edge(const struct pp_item *item)
{
	return item->x0;
}

static enum err_code sort_group(const struct orderer *o, struct group g, float (*key)(const struct pp_item *),
				struct err *err)
{
	if (g.count < 2)
		return ERR_OK;
	cleanup_free struct keyed *keyed = malloc(g.count * sizeof(*keyed));
	if (!keyed)
		return err_set(err, ERR_NO_MEMORY, "no memory to order %zu lines", g.count);
	for (size_t i = 0; i < g.count; i++)
		keyed[i] = (struct keyed){ key(&o->items[g.at[i]]), g.at[i] };
	qsort(keyed, g.count, sizeof(*keyed), compare_keyed);
	for (size_t i = 0; i < g.count; i++)
		g.at[i] = keyed[i].at;
	return ERR_OK;
}

float order_median(const struct orderer *o, struct group g, float (*value)(const struct pp_item *))
{
	for (size_t i = 0; i < g.count; i++)
		o->scratch[i] = value(&o->items[g.at[i]]);
	qsort(o->scratch, g.count, sizeof(*o->scratch), compare_floats);
	return o->scratch[g.count / 2];
}

/* -- rows ------------------------------------------------------------------------------------------------------ */

/* The end of the row that starts at `first`, in a group sorted by middle_y. */
static size_t row_end(const struct orderer *o, struct group g, size_t first)
{
	size_t end = first + 1;
	/* Compared with the row's first piece only, so that a slant cannot draw in the next row. */
	while (end < g.count && order_same_row(&o->items[g.at[first]], &o->items[g.at[end]]))
		end++;
	return end;
}

static enum err_code place_row(struct orderer *o, struct group row, bool starts_block, struct err *err)
{
	enum err_code code = sort_group(o, row, left_edge, err);
	if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < row.count; i++)
		o->places[o->placed++] = (struct pp_place){ row.at[i], i == 0, i == 0 && starts_block };
	return ERR_OK;
}

/* Places the group row by row, from top to bottom. */
static enum err_code place_rows(struct orderer *o, struct group g, struct err *err)
{
	if (!g.count)
		return ERR_OK;
	enum err_code code = sort_group(o, g, order_middle, err);
	const float height = order_median(o, g, order_height);
	float above = -INFINITY;

	for (size_t i = 0; i < g.count && code == ERR_OK;) {
		size_t end = row_end(o, g, i);
		const struct pp_item first = o->items[g.at[i]];
		code = place_row(o, (struct group){ g.at + i, end - i }, first.y0 - above > BLOCK_GAP * height, err);
		above = first.y1;
		i = end;
	}
	return code;
}

/* -- columns and bands ----------------------------------------------------------------------------------------- */

static enum err_code order_group(struct orderer *o, struct group g, int depth, struct err *err);

/* What stands left of the cut, then what stands right of it. Nothing in the band crosses. */
static enum err_code order_band(struct orderer *o, struct group g, const struct cut *cut, int depth, struct err *err)
{
	struct group part[SIDES];
	order_partition(o, g, cut, part);
	enum err_code code = order_group(o, part[LEFT], depth + 1, err);
	if (code == ERR_OK)
		code = order_group(o, part[RIGHT], depth + 1, err);
	return code;
}

/* True if an item that crosses the cut has text on both sides of it: a caption or a box set into the columns. */
static bool is_inset(const struct orderer *o, struct group g, const struct cut *cut, const struct pp_item *item)
{
	bool beside[SIDES] = { false, false, false };
	for (size_t i = 0; i < g.count; i++) {
		const struct pp_item *other = &o->items[g.at[i]];
		if (other != item && order_same_row(item, other))
			beside[order_side(cut, other)] = true;
	}
	return beside[LEFT] && beside[RIGHT];
}

/* Moves insets to the end of the group, keeping the order of all others; returns how many others there are. */
static size_t insets_last(const struct orderer *o, struct group g, const struct cut *cut)
{
	size_t kept = 0, insets = 0;
	for (size_t i = 0; i < g.count; i++) {
		const struct pp_item *item = &o->items[g.at[i]];
		bool inset = order_side(cut, item) == CROSSING && is_inset(o, g, cut, item);
		if (inset)
			o->spare[g.count - ++insets] = g.at[i];
		else
			o->spare[kept++] = g.at[i];
	}
	for (size_t i = 0; i < kept; i++)
		g.at[i] = o->spare[i];
	for (size_t i = 0; i < insets; i++)
		g.at[kept + i] = o->spare[g.count - 1 - i];
	return kept;
}

/* The bands between the rows that cross the cut, and these rows; the group is sorted from top to bottom. */
static enum err_code order_bands(struct orderer *o, struct group g, const struct cut *cut, int depth, struct err *err)
{
	size_t from = 0;
	for (size_t i = 0; i < g.count;) {
		if (order_side(cut, &o->items[g.at[i]]) != CROSSING) {
			i++;
			continue;
		}
		size_t end = row_end(o, g, i);
		enum err_code code = order_band(o, (struct group){ g.at + from, i - from }, cut, depth, err);
		if (code == ERR_OK)
			code = place_rows(o, (struct group){ g.at + i, end - i }, err);
		if (code != ERR_OK)
			return code;
		from = i = end;
	}
	return order_band(o, (struct group){ g.at + from, g.count - from }, cut, depth, err);
}

/* True if rows [0, n) and the rest of a sorted group are a margin apart. */
static bool stands_off(const struct orderer *o, struct group g, size_t n, float gap)
{
	float bottom = -INFINITY, top = INFINITY;
	for (size_t i = 0; i < g.count; i++) {
		const struct pp_item *item = &o->items[g.at[i]];
		bottom = i < n ? fmaxf(bottom, item->y1) : bottom;
		top = i < n ? top : fminf(top, item->y0);
	}
	return top - bottom > gap;
}

/* The last row, if it stands off like a footer: returns where it starts, or the group's end. */
static size_t footer_start(const struct orderer *o, struct group g)
{
	float gap = MARGIN_ROW_GAP * order_median(o, g, order_height);
	size_t first = g.count - 1;
	while (first > 0 && order_same_row(&o->items[g.at[g.count - 1]], &o->items[g.at[first - 1]]))
		first--;
	return first > 0 && stands_off(o, g, first, gap) ? first : g.count;
}

/* The first row, if it stands off like a header: returns its end, or 0. */
static size_t header_end(const struct orderer *o, struct group g)
{
	float gap = MARGIN_ROW_GAP * order_median(o, g, order_height);
	size_t end = row_end(o, g, 0);
	return end < g.count && stands_off(o, g, end, gap) ? end : 0;
}

static enum err_code order_columns(struct orderer *o, struct group g, const struct cut *cut, int depth, struct err *err)
{
	enum err_code code = sort_group(o, g, order_middle, err);
	if (code != ERR_OK)
		return code;
	size_t kept = insets_last(o, g, cut);
	struct group main = { g.at, kept }, insets = { g.at + kept, g.count - kept };
	size_t head = header_end(o, main), foot = footer_start(o, main);

	code = place_rows(o, (struct group){ main.at, head }, err);
	if (code == ERR_OK)
		code = order_bands(o, (struct group){ main.at + head, foot - head }, cut, depth, err);
	if (code == ERR_OK)
		code = place_rows(o, insets, err);
	if (code == ERR_OK)
		code = place_rows(o, (struct group){ main.at + foot, main.count - foot }, err);
	return code;
}

static enum err_code order_group(struct orderer *o, struct group g, int depth, struct err *err)
{
	struct cut cut;
	if (depth < DEPTH_MAX && order_find_cut(o, g, &cut))
		return order_columns(o, g, &cut, depth, err);
	return place_rows(o, g, err);
}

enum err_code pp_order(const struct pp_item *items, size_t count, struct pp_place *ret, struct err *err)
{
	if (!count)
		return ERR_OK;
	cleanup_free uint32_t *at = malloc(count * sizeof(*at));
	cleanup_free uint32_t *spare = malloc(count * sizeof(*spare));
	cleanup_free float *scratch = malloc(count * sizeof(*scratch));
	if (!at || !spare || !scratch)
		return err_set(err, ERR_NO_MEMORY, "no memory to order %zu lines", count);
	for (size_t i = 0; i < count; i++)
		at[i] = (uint32_t)i;
	struct orderer o = { .items = items, .places = ret, .scratch = scratch, .spare = spare };
	return order_group(&o, (struct group){ at, count }, 0, err);
}
