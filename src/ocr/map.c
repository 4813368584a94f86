#include "ocr/sheet.h"

#include <math.h>

struct ocr_map ocr_map_identity(void)
{
	return (struct ocr_map){ .ax = 1, .by = 1 };
}

void ocr_map_point(const struct ocr_map *map, double *x, double *y)
{
	double mapped_x = map->ax * *x + map->bx * *y + map->cx;
	double mapped_y = map->ay * *x + map->by * *y + map->cy;

	*x = mapped_x;
	*y = mapped_y;
}

struct ocr_map ocr_map_compose(const struct ocr_map *outer, const struct ocr_map *inner)
{
	struct ocr_map map = {
		.ax = outer->ax * inner->ax + outer->bx * inner->ay,
		.bx = outer->ax * inner->bx + outer->bx * inner->by,
		.ay = outer->ay * inner->ax + outer->by * inner->ay,
		.by = outer->ay * inner->bx + outer->by * inner->by,
		.cx = inner->cx,
		.cy = inner->cy,
	};

	ocr_map_point(outer, &map.cx, &map.cy);
	return map;
}

struct ocr_map ocr_map_inverse(const struct ocr_map *map)
{
	double det = map->ax * map->by - map->bx * map->ay;
	struct ocr_map inverse = {
		.ax = map->by / det,
		.bx = -map->bx / det,
		.ay = -map->ay / det,
		.by = map->ax / det,
	};

	inverse.cx = -(inverse.ax * map->cx + inverse.bx * map->cy);
	inverse.cy = -(inverse.ay * map->cx + inverse.by * map->cy);
	return inverse;
}

struct ocr_map ocr_map_turn(uint32_t rotation, double width, double height)
{
	switch (rotation) {
	case 90:
		return (struct ocr_map){ .bx = -1, .cx = height, .ay = 1 };
	case 180:
		return (struct ocr_map){ .ax = -1, .cx = width, .by = -1, .cy = height };
	case 270:
		return (struct ocr_map){ .bx = 1, .ay = -1, .cy = width };
	default:
		return ocr_map_identity();
	}
}

struct ocr_map ocr_map_rotate(double degrees, double x, double y)
{
	double angle = degrees * M_PI / 180;
	double c = cos(angle), s = sin(angle);

	return (struct ocr_map){
		.ax = c,
		.bx = -s,
		.cx = x - c * x + s * y,
		.ay = s,
		.by = c,
		.cy = y - s * x - c * y,
	};
}

static int32_t clamp(double v, int32_t low, int32_t high)
{
	if (!(v > low))
		return low;
	return v < high ? (int32_t)v : high;
}

struct ocr_box ocr_map_box(const struct ocr_map *map, const struct ocr_box *box, uint32_t width, uint32_t height)
{
	double min_x = INFINITY, min_y = INFINITY, max_x = -INFINITY, max_y = -INFINITY;

	for (int corner = 0; corner < 4; corner++) {
		double x = corner & 1 ? box->x1 : box->x0;
		double y = corner & 2 ? box->y1 : box->y0;

		ocr_map_point(map, &x, &y);
		min_x = fmin(min_x, x);
		min_y = fmin(min_y, y);
		max_x = fmax(max_x, x);
		max_y = fmax(max_y, y);
	}
	struct ocr_box mapped = {
		.x0 = clamp(floor(min_x + 0.01), 0, (int32_t)width - 1),
		.y0 = clamp(floor(min_y + 0.01), 0, (int32_t)height - 1),
	};
	mapped.x1 = clamp(ceil(max_x - 0.01), mapped.x0 + 1, (int32_t)width);
	mapped.y1 = clamp(ceil(max_y - 0.01), mapped.y0 + 1, (int32_t)height);
	return mapped;
}
