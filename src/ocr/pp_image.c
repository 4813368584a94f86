#include "ocr/pp_image.h"

#include <math.h>

/* Samples per output pixel and direction when shrinking; beyond 16 more of them change nothing that can be read. */
enum { SAMPLES_MAX = 16 };

/* Walks over the raster: a start and the steps for one output pixel to the right and down. */
struct walk {
	struct pp_point start;
	struct pp_point right;
	struct pp_point down;
	int across; /* samples per output pixel in each direction */
	int along;
	float across_step, along_step; /* output pixels between samples */
};

static inline float clamp(float value, float max)
{
	return value < 0 ? 0 : value > max ? max : value;
}

/* Where a sample lies: the pixel at its top left, how far it is from it, and the steps to the neighbours in bytes
 * (0 at the edge). */
struct spot {
	const uint8_t *at;
	size_t right, below;
	float fx, fy;
};

static inline struct spot find_spot(const struct ocr_raster *r, struct pp_point p)
{
	float x = clamp(p.x, (float)(r->width - 1)), y = clamp(p.y, (float)(r->height - 1));
	uint32_t x0 = (uint32_t)x, y0 = (uint32_t)y;
	return (struct spot){ r->pixels + (size_t)y0 * r->stride + (size_t)x0 * r->channels,
			      x0 + 1 < r->width ? r->channels : 0, y0 + 1 < r->height ? r->stride : 0, x - (float)x0,
			      y - (float)y0 };
}

/* Bilinear value of the spot's channel. */
static inline float interpolate(const struct spot *s, size_t channel)
{
	const uint8_t *at = s->at + channel;
	float top = (float)at[0] + s->fx * (float)(at[s->right] - at[0]);
	float bottom = (float)at[s->below] + s->fx * (float)(at[s->below + s->right] - at[s->below]);
	return top + s->fy * (bottom - top);
}

static int samples_for(struct pp_point step)
{
	int n = (int)ceilf(hypotf(step.x, step.y) - 0.5f);
	return n < 1 ? 1 : n > SAMPLES_MAX ? SAMPLES_MAX : n;
}

static struct walk walk_over(const struct pp_quad *quad, uint32_t width, uint32_t height)
{
	const struct pp_point *p = quad->corner;
	struct walk w = { .start = p[0] };
	w.right = (struct pp_point){ (p[1].x - p[0].x) / (float)width, (p[1].y - p[0].y) / (float)width };
	w.down = (struct pp_point){ (p[3].x - p[0].x) / (float)height, (p[3].y - p[0].y) / (float)height };
	w.along = samples_for(w.right);
	w.across = samples_for(w.down);
	w.along_step = 1 / (float)w.along;
	w.across_step = 1 / (float)w.across;
	return w;
}

static void sample_one(const struct ocr_raster *raster, const struct walk *w, uint32_t x, uint32_t y, float sum[3])
{
	for (int j = 0; j < w->across; j++) {
		for (int i = 0; i < w->along; i++) {
			float u = (float)x + ((float)i + 0.5f) * w->along_step;
			float v = (float)y + ((float)j + 0.5f) * w->across_step;
			/* Half a pixel less: coordinates are edges, pixels have their middles at one half. */
			struct pp_point p = { w->start.x + u * w->right.x + v * w->down.x - 0.5f,
					      w->start.y + u * w->right.y + v * w->down.y - 0.5f };
			struct spot spot = find_spot(raster, p);
			sum[0] += interpolate(&spot, 0);
			if (raster->channels == 3) {
				sum[1] += interpolate(&spot, 1);
				sum[2] += interpolate(&spot, 2);
			}
		}
	}
}

void pp_image_sample(const struct ocr_raster *raster, const struct pp_quad *quad, uint32_t used_width,
		     uint32_t used_height, float padding, const struct pp_planes *ret)
{
	const struct walk w = walk_over(quad, used_width, used_height);
	const size_t plane = (size_t)ret->width * ret->height;
	const float scale = 2.0f / (255.0f * (float)(w.across * w.along));

	for (uint32_t y = 0; y < ret->height; y++) {
		float *row = ret->data + (size_t)y * ret->width;
		for (uint32_t x = 0; x < ret->width; x++) {
			float value[3] = { padding, padding, padding };
			if (x < used_width && y < used_height) {
				float sum[3] = { 0, 0, 0 };
				sample_one(raster, &w, x, y, sum);
				for (int c = 0; c < 3; c++)
					value[c] = sum[raster->channels == 3 ? 2 - c : 0] * scale - 1;
			}
			row[x] = value[0];
			row[x + plane] = value[1];
			row[x + 2 * plane] = value[2];
		}
	}
}
