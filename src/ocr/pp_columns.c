#include <math.h>
#include <string.h>

#include "ocr/pp_order_priv.h"

/* Positions across a region at which a cut is tried. */
enum { POSITIONS = 300 };
/* A column has at least this many pieces; fewer are a caption or a cell. */
enum { COLUMN_ITEMS_MIN = 3 };
/* Prose is this much wider than high (median piece, about 14 letters); cells with numbers are narrower. */
#define PROSE_RATIO 7.0f
/* Share of the pieces that may cross a cut. */
#define CROSSING_MAX 0.35f
/* Narrowest gap between columns, in heights of a piece. */
#define GAP_MIN 0.5f
/* The detector's boxes have a margin of about this, in heights: it must not close a narrow gap. */
#define MARGIN 0.2f

/* How the line between columns leans on pages photographed at an angle; upright first. */
static const float slopes[] = { 0, 0.015f, -0.015f, 0.03f, -0.03f, 0.045f, -0.045f, 0.06f, -0.06f };

float order_height(const struct pp_item *item)
{
	return item->y1 - item->y0;
}

float order_middle(const struct pp_item *item)
{
	return (item->y0 + item->y1) / 2;
}

static float ratio(const struct pp_item *item)
{
	return (item->x1 - item->x0) / fmaxf(order_height(item), 1e-3f);
}

bool order_same_row(const struct pp_item *a, const struct pp_item *b)
{
	float shared = fminf(a->y1, b->y1) - fmaxf(a->y0, b->y0);
	return shared >= 0.5f * fminf(order_height(a), order_height(b));
}

enum side order_side(const struct cut *cut, const struct pp_item *item)
{
	float x = cut->x + cut->slope * order_middle(item);
	float margin = fminf(MARGIN * order_height(item), (item->x1 - item->x0) / 2);
	return item->x1 - margin <= x ? LEFT : item->x0 + margin >= x ? RIGHT : CROSSING;
}

void order_partition(const struct orderer *o, struct group g, const struct cut *cut, struct group part[SIDES])
{
	size_t n = 0;
	for (int side = 0; side < SIDES; side++) {
		size_t first = n;
		for (size_t i = 0; i < g.count; i++)
			if ((int)order_side(cut, &o->items[g.at[i]]) == side)
				o->spare[n++] = g.at[i];
		part[side] = (struct group){ g.at + first, n - first };
	}
	memcpy(g.at, o->spare, g.count * sizeof(*g.at));
}

static void count_sides(const struct orderer *o, struct group g, const struct cut *cut, size_t ret[SIDES])
{
	memset(ret, 0, SIDES * sizeof(*ret));
	for (size_t i = 0; i < g.count; i++)
		ret[order_side(cut, &o->items[g.at[i]])]++;
}

static bool is_prose(const struct orderer *o, struct group g)
{
	return g.count >= COLUMN_ITEMS_MIN && order_median(o, g, ratio) >= PROSE_RATIO;
}

static bool parts_prose(const struct orderer *o, struct group g, const struct cut *cut)
{
	struct group part[SIDES];
	order_partition(o, g, cut, part);
	return is_prose(o, part[LEFT]) && is_prose(o, part[RIGHT]);
}

struct search {
	const struct orderer *o;
	struct group g;
	float height; /* median of the pieces */
	size_t fewest; /* crossings of the best cut so far */
	float gap; /* and its width */
	struct cut best;
};

/* A run of neighbouring positions with the same number of crossings, as wide as `gap`. */
static void consider(struct search *s, struct cut cut, float gap, size_t crossing)
{
	bool better = crossing < s->fewest || (crossing == s->fewest && cut.slope == s->best.slope && gap > s->gap);
	if (!better || gap < GAP_MIN * s->height || !parts_prose(s->o, s->g, &cut))
		return;
	s->fewest = crossing;
	s->gap = gap;
	s->best = cut;
}

static void search_slope(struct search *s, float from, float to, float slope)
{
	const float step = (to - from) / POSITIONS;
	float run_start = from;
	size_t last = SIZE_MAX;

	for (int i = 1; i < POSITIONS; i++) {
		struct cut cut = { from + (float)i * step, slope };
		size_t side[SIDES];
		count_sides(s->o, s->g, &cut, side);
		if (side[LEFT] < COLUMN_ITEMS_MIN || side[RIGHT] < COLUMN_ITEMS_MIN)
			side[CROSSING] = SIZE_MAX;
		if (side[CROSSING] == last)
			continue;
		if (last != SIZE_MAX)
			consider(s, (struct cut){ (run_start + cut.x) / 2, slope }, cut.x - run_start, last);
		run_start = cut.x;
		last = side[CROSSING];
	}
}

bool order_find_cut(const struct orderer *o, struct group g, struct cut *ret)
{
	if (g.count < 2 * COLUMN_ITEMS_MIN)
		return false;
	struct search s = { .o = o, .g = g, .height = order_median(o, g, order_height) };
	size_t none = (size_t)(CROSSING_MAX * (float)g.count) + 1;
	s.fewest = none;
	for (size_t k = 0; k < sizeof(slopes) / sizeof(slopes[0]); k++) {
		float from = INFINITY, to = -INFINITY;
		for (size_t i = 0; i < g.count; i++) {
			const struct pp_item *item = &o->items[g.at[i]];
			from = fminf(from, item->x0 - slopes[k] * order_middle(item));
			to = fmaxf(to, item->x1 - slopes[k] * order_middle(item));
		}
		search_slope(&s, from, to, slopes[k]);
	}
	*ret = s.best;
	return s.fewest < none;
}
