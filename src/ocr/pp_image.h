/*
 * Pixels for the networks: a part of a raster, scaled or turned, as three planes of floats. Thread-safe.
 */
#ifndef TIRO_OCR_PP_IMAGE_H
#define TIRO_OCR_PP_IMAGE_H

#include "ocr/pp_geometry.h"

/* A float plane's size. */
struct pp_planes {
	float *data; /* 3 * height * width */
	uint32_t width;
	uint32_t height;
};

/*
 * Fills the top left `used_width` x `used_height` of the planes with the quad's pixels (blue, green, red, as the
 * networks were trained; grey counts as all three), scaled to -1..1; the rest becomes `padding`.
 * Enlarging interpolates, shrinking takes the mean. What lies outside the raster repeats its edge.
 */
void pp_image_sample(const struct ocr_raster *raster, const struct pp_quad *quad, uint32_t used_width,
		     uint32_t used_height, float padding, const struct pp_planes *ret);

#endif
