/* The detector's map becomes rectangles: connected regions, their hulls, the least rectangle around each. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ocr/pp_detect.h"

/* As PP-OCR was published: a pixel is text above this probability, a region above that mean. */
#define PIXEL_MIN 0.3f
#define REGION_MIN 0.5f
/* The network is trained to shrink a text's region; this gives the margin back (area / perimeter times it). */
#define GROW_RATIO 1.6f
/* Shorter sides are dust, map pixels. */
#define SIDE_MIN 3.0f

struct region_finder {
	const float *map;
	uint32_t width, height;
	uint8_t *seen; /* owned */
	uint32_t *stack; /* owned; also the list of the region's pixels */
	struct pp_point *points; /* owned; the region's outermost pixels, two a row */
	struct pp_point *hull; /* owned */
	int32_t *row_min, *row_max; /* owned; extent of the region in each row of the map */
};

static void finder_done(struct region_finder *f)
{
	free(f->seen);
	free(f->stack);
	free(f->points);
	free(f->hull);
	free(f->row_min);
	free(f->row_max);
}

static enum err_code finder_init(struct region_finder *f, const float *map, uint32_t width, uint32_t height,
				 struct err *err)
{
	size_t pixels = (size_t)width * height;
	*f = (struct region_finder){ .map = map, .width = width, .height = height };
	f->seen = calloc(pixels, 1);
	f->stack = malloc(pixels * sizeof(*f->stack));
	/* Both edges of every pixel at the ends of a row: at most four corners a row. */
	f->points = malloc((size_t)height * 4 * sizeof(*f->points));
	f->hull = malloc((size_t)height * 8 * sizeof(*f->hull));
	f->row_min = malloc((size_t)height * sizeof(*f->row_min));
	f->row_max = malloc((size_t)height * sizeof(*f->row_max));
	if (f->seen && f->stack && f->points && f->hull && f->row_min && f->row_max)
		return ERR_OK;
	return err_set(err, ERR_NO_MEMORY, "no memory for a map of %ux%u pixels", width, height);
}

static bool is_text(const struct region_finder *f, uint32_t at)
{
	return f->map[at] > PIXEL_MIN;
}

/* A region's pixels are stack[0..count), its rows y0..y1; row_min and row_max are set for them. */
struct region {
	size_t count;
	int32_t y0, y1;
	double sum; /* of probabilities */
};

static void visit(struct region_finder *f, struct region *region, int32_t x, int32_t y)
{
	if (x < 0 || y < 0 || x >= (int32_t)f->width || y >= (int32_t)f->height)
		return;
	uint32_t at = (uint32_t)y * f->width + (uint32_t)x;
	if (f->seen[at] || !is_text(f, at))
		return;
	f->seen[at] = 1;
	f->stack[region->count++] = at;
	if (y > region->y1) {
		/* Rows are reached one after the other downward, for a neighbour is at most one row away. */
		region->y1 = y;
		f->row_min[y] = f->row_max[y] = x;
	}
	if (y < region->y0) {
		region->y0 = y;
		f->row_min[y] = f->row_max[y] = x;
	}
	if (x < f->row_min[y])
		f->row_min[y] = x;
	if (x > f->row_max[y])
		f->row_max[y] = x;
	region->sum += (double)f->map[at];
}

static struct region grow_region(struct region_finder *f, int32_t x, int32_t y)
{
	struct region region = { .y0 = y, .y1 = y };
	f->row_min[y] = f->row_max[y] = x;
	visit(f, &region, x, y);
	for (size_t next = 0; next < region.count; next++) {
		int32_t cx = (int32_t)(f->stack[next] % f->width), cy = (int32_t)(f->stack[next] / f->width);
		for (int32_t d = 0; d < 9; d++)
			visit(f, &region, cx + d % 3 - 1, cy + d / 3 - 1);
	}
	return region;
}

static int by_x_then_y(const void *a, const void *b)
{
	const struct pp_point *p = a, *q = b;
	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	return (p->y > q->y) - (p->y < q->y);
}

static struct pp_quad region_rectangle(struct region_finder *f, const struct region *region)
{
	size_t n = 0;
	for (int32_t y = region->y0; y <= region->y1; y++) {
		for (int32_t edge = 0; edge < 2; edge++) {
			f->points[n++] = (struct pp_point){ (float)f->row_min[y], (float)(y + edge) };
			f->points[n++] = (struct pp_point){ (float)(f->row_max[y] + 1), (float)(y + edge) };
		}
	}
	qsort(f->points, n, sizeof(*f->points), by_x_then_y);
	return pp_min_rectangle(f->hull, pp_hull(f->points, n, f->hull));
}

static enum err_code add_quad(struct pp_quads *quads, const struct pp_quad *quad, struct err *err)
{
	if (quads->count == quads->capacity) {
		size_t capacity = quads->capacity ? quads->capacity * 2 : 64;
		struct pp_quad *items = realloc(quads->items, capacity * sizeof(*items));
		if (!items)
			return err_set(err, ERR_NO_MEMORY, "no memory for %zu text lines", capacity);
		quads->items = items;
		quads->capacity = capacity;
	}
	quads->items[quads->count++] = *quad;
	return ERR_OK;
}

void pp_quads_done(struct pp_quads *quads)
{
	free(quads->items);
	*quads = (struct pp_quads){ 0 };
}

static enum err_code add_region(struct region_finder *f, const struct region *region, struct pp_quads *ret,
				struct err *err)
{
	struct pp_quad quad = region_rectangle(f, region);
	float w = pp_quad_width(&quad), h = pp_quad_height(&quad);
	if (fminf(w, h) < SIDE_MIN || region->sum / (double)region->count < (double)REGION_MIN)
		return ERR_OK;
	quad = pp_quad_grow(&quad, w * h * GROW_RATIO / (2 * (w + h)));
	return add_quad(ret, &quad, err);
}

enum err_code pp_boxes_from_map(const float *map, uint32_t width, uint32_t height, struct pp_quads *ret,
				struct err *err)
{
	cleanup(finder_done) struct region_finder f;
	enum err_code code = finder_init(&f, map, width, height, err);

	for (uint32_t at = 0; at < width * height && code == ERR_OK && ret->count < PP_LINES_MAX; at++) {
		if (f.seen[at] || !is_text(&f, at))
			continue;
		struct region region = grow_region(&f, (int32_t)(at % width), (int32_t)(at / width));
		code = add_region(&f, &region, ret, err);
	}
	return code;
}
