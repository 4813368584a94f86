/*
 * Points, hulls and rotated rectangles for the text detector. Pixel coordinates, y down. Thread-safe, no allocation.
 */
#ifndef TIRO_OCR_PP_GEOMETRY_H
#define TIRO_OCR_PP_GEOMETRY_H

#include <stddef.h>

#include "ocr/page.h"

struct pp_point {
	float x, y;
};

/*
 * A text line's rectangle, turned with the line: corner[0] is where its text begins at the top, then clockwise
 * (top right, bottom right, bottom left).
 */
struct pp_quad {
	struct pp_point corner[4];
};

/* Convex hull of points sorted by x, then y (Andrew's monotone chain); `ret` has room for 2 * count. Returns how many.
 */
size_t pp_hull(const struct pp_point *sorted, size_t count, struct pp_point *ret);

/* The rectangle of least area around a convex polygon of `count` >= 1 points (rotating calipers: one side lies on an
 * edge). */
struct pp_quad pp_min_rectangle(const struct pp_point *hull, size_t count);

/* Length of the top side, of the left side. */
float pp_quad_width(const struct pp_quad *quad);
float pp_quad_height(const struct pp_quad *quad);

/* Moves each side outward by `distance`. */
struct pp_quad pp_quad_grow(const struct pp_quad *quad, float distance);

/* The point at (u, v) of the rectangle; (0, 0) is corner[0], (1, 1) corner[2]. */
struct pp_point pp_quad_at(const struct pp_quad *quad, float u, float v);

/* The upright box of the part between u0 and u1, cut to the page. */
struct ocr_box pp_quad_box(const struct pp_quad *quad, float u0, float u1, uint32_t width, uint32_t height);

/* Lean of the top side against the x axis, radians, clockwise positive (y grows down), -pi..pi. */
float pp_quad_angle(const struct pp_quad *quad);

#endif
