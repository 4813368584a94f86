#include "ocr/pp_geometry.h"

#include <float.h>
#include <math.h>

static float cross(struct pp_point o, struct pp_point a, struct pp_point b)
{
	return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

size_t pp_hull(const struct pp_point *sorted, size_t count, struct pp_point *ret)
{
	size_t n = 0;
	if (count < 3) {
		for (; n < count; n++)
			ret[n] = sorted[n];
		return n;
	}
	for (size_t i = 0; i < count; i++) {
		while (n >= 2 && cross(ret[n - 2], ret[n - 1], sorted[i]) <= 0)
			n--;
		ret[n++] = sorted[i];
	}
	for (size_t i = count - 1, lower = n + 1; i-- > 0;) {
		while (n >= lower && cross(ret[n - 2], ret[n - 1], sorted[i]) <= 0)
			n--;
		ret[n++] = sorted[i];
	}
	return n - 1;
}

/* A rectangle as its extent along a unit vector (c, s) and across it. */
struct extent {
	float c, s;
	float u0, u1, v0, v1;
};

static struct extent extent_along(const struct pp_point *hull, size_t count, float c, float s)
{
	struct extent e = { c, s, FLT_MAX, -FLT_MAX, FLT_MAX, -FLT_MAX };
	for (size_t i = 0; i < count; i++) {
		float u = hull[i].x * c + hull[i].y * s;
		float v = hull[i].y * c - hull[i].x * s;
		e.u0 = fminf(e.u0, u);
		e.u1 = fmaxf(e.u1, u);
		e.v0 = fminf(e.v0, v);
		e.v1 = fmaxf(e.v1, v);
	}
	return e;
}

static struct pp_point extent_corner(const struct extent *e, float u, float v)
{
	return (struct pp_point){ u * e->c - v * e->s, u * e->s + v * e->c };
}

/* Of the four ways to name the corners, the one whose top side points most to the right. */
static struct pp_quad quad_of(const struct extent *e)
{
	const struct pp_point p[4] = { extent_corner(e, e->u0, e->v0), extent_corner(e, e->u1, e->v0),
				       extent_corner(e, e->u1, e->v1), extent_corner(e, e->u0, e->v1) };
	/* Unit vectors along the side from each corner to the next one. */
	const float right[4] = { e->c, -e->s, -e->c, e->s };
	size_t first = 0;
	for (size_t i = 1; i < 4; i++)
		if (right[i] > right[first])
			first = i;
	struct pp_quad quad;
	for (size_t i = 0; i < 4; i++)
		quad.corner[i] = p[(first + i) & 3];
	return quad;
}

struct pp_quad pp_min_rectangle(const struct pp_point *hull, size_t count)
{
	struct extent best = extent_along(hull, count, 1, 0);
	float best_area = (best.u1 - best.u0) * (best.v1 - best.v0);

	for (size_t i = 0; i < count; i++) {
		struct pp_point a = hull[i], b = hull[(i + 1) % count];
		float length = hypotf(b.x - a.x, b.y - a.y);
		if (length <= 0)
			continue;
		struct extent e = extent_along(hull, count, (b.x - a.x) / length, (b.y - a.y) / length);
		float area = (e.u1 - e.u0) * (e.v1 - e.v0);
		if (area < best_area) {
			best_area = area;
			best = e;
		}
	}
	return quad_of(&best);
}

float pp_quad_width(const struct pp_quad *quad)
{
	return hypotf(quad->corner[1].x - quad->corner[0].x, quad->corner[1].y - quad->corner[0].y);
}

float pp_quad_height(const struct pp_quad *quad)
{
	return hypotf(quad->corner[3].x - quad->corner[0].x, quad->corner[3].y - quad->corner[0].y);
}

struct pp_quad pp_quad_grow(const struct pp_quad *quad, float distance)
{
	float angle = pp_quad_angle(quad);
	float c = cosf(angle) * distance, s = sinf(angle) * distance;
	const struct pp_point *p = quad->corner;
	return (struct pp_quad){ { { p[0].x - c + s, p[0].y - s - c },
				   { p[1].x + c + s, p[1].y + s - c },
				   { p[2].x + c - s, p[2].y + s + c },
				   { p[3].x - c - s, p[3].y - s + c } } };
}

struct pp_point pp_quad_at(const struct pp_quad *quad, float u, float v)
{
	const struct pp_point *p = quad->corner;
	return (struct pp_point){ p[0].x + u * (p[1].x - p[0].x) + v * (p[3].x - p[0].x),
				  p[0].y + u * (p[1].y - p[0].y) + v * (p[3].y - p[0].y) };
}

static int32_t clamp_to(float value, uint32_t max)
{
	return (int32_t)fminf(fmaxf(value, 0), (float)max);
}

struct ocr_box pp_quad_box(const struct pp_quad *quad, float u0, float u1, uint32_t width, uint32_t height)
{
	const struct pp_point p[4] = { pp_quad_at(quad, u0, 0), pp_quad_at(quad, u1, 0), pp_quad_at(quad, u0, 1),
				       pp_quad_at(quad, u1, 1) };
	float x0 = FLT_MAX, y0 = FLT_MAX, x1 = -FLT_MAX, y1 = -FLT_MAX;
	for (size_t i = 0; i < 4; i++) {
		x0 = fminf(x0, p[i].x);
		y0 = fminf(y0, p[i].y);
		x1 = fmaxf(x1, p[i].x);
		y1 = fmaxf(y1, p[i].y);
	}
	struct ocr_box box = { clamp_to(floorf(x0), width - 1), clamp_to(floorf(y0), height - 1),
			       clamp_to(ceilf(x1), width), clamp_to(ceilf(y1), height) };
	/* A word at the very edge keeps a pixel, so that no box is empty. */
	box.x1 = box.x1 > box.x0 ? box.x1 : box.x0 + 1;
	box.y1 = box.y1 > box.y0 ? box.y1 : box.y0 + 1;
	return box;
}

float pp_quad_angle(const struct pp_quad *quad)
{
	return atan2f(quad->corner[1].y - quad->corner[0].y, quad->corner[1].x - quad->corner[0].x);
}
