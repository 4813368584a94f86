#include "ocr/pp_detect.h"

#include <math.h>

#include "ocr/pp_image.h"

/* The network wants multiples of this. */
enum { GRID = 32 };

/* The page's shorter side for the detector, pixels: PP-OCR's own setting; small print needs it, more costs time. */
#define SIDE_SHORT 736
/* Enlarging more than this shows no more text: letters of 5 pixels, the smallest that can be read, become 15. */
#define SCALE_MAX 3.0f
/* Its width at most: a page that is wider still is made smaller. */
#define SIDE_WIDE 1600
/* Pixels read at once; working memory is 300 bytes for each. A page takes three strips. */
#define STRIP_PIXELS 393216
/* Strips overlap by this: more than two lines of text, so that each line is whole in one of them. */
#define STRIP_OVERLAP 128
/* Both strips at a seam see its lines, but not to the pixel alike: this far from it either may have a line. */
#define SEAM 8.0f

/* A page as the detector sees it. */
struct layout {
	float scale; /* detector pixels per raster pixel */
	uint32_t width, height; /* detector pixels */
	uint32_t strip; /* height of one strip */
};

static uint32_t up_to_grid(uint32_t n)
{
	return (n + GRID - 1) / GRID * GRID;
}

static struct layout layout_for(const struct ocr_raster *raster)
{
	struct layout l;
	float shorter = (float)(raster->width < raster->height ? raster->width : raster->height);
	l.scale = fminf(fminf(SIDE_SHORT / shorter, SIDE_WIDE / (float)raster->width), SCALE_MAX);
	l.width = (uint32_t)fmaxf(roundf((float)raster->width * l.scale), 1);
	l.height = (uint32_t)fmaxf(roundf((float)raster->height * l.scale), 1);
	uint32_t fits = STRIP_PIXELS / up_to_grid(l.width) / GRID * GRID;
	l.strip = l.height <= fits ? l.height : fits;
	return l;
}

/* What of a page one strip answers for: middles of lines, detector pixels. */
struct span {
	float from, to;
};

/* True if one of the first `count` lines is this one, seen from the strip above. */
static bool is_known(const struct pp_quads *quads, size_t count, const struct pp_quad *quad)
{
	struct pp_point middle = pp_quad_at(quad, 0.5f, 0.5f);
	float height = pp_quad_height(quad);
	for (size_t i = 0; i < count; i++) {
		const struct pp_quad *other = &quads->items[i];
		struct pp_point at = pp_quad_at(other, 0.5f, 0.5f);
		if (fabsf(at.y - middle.y) < height / 2 && fabsf(at.x - middle.x) < pp_quad_width(other) / 2)
			return true;
	}
	return false;
}

/* Rectangles from `first` on, in the strip's pixels, become the raster's; those of other strips go. */
static void keep_own(struct pp_quads *quads, size_t first, const struct layout *l, float top, struct span span)
{
	size_t kept = first;
	for (size_t i = first; i < quads->count; i++) {
		struct pp_quad quad = quads->items[i];
		float middle = pp_quad_at(&quad, 0.5f, 0.5f).y + top;
		if (middle < span.from - SEAM || middle >= span.to + SEAM)
			continue;
		for (int k = 0; k < 4; k++) {
			quad.corner[k].x /= l->scale;
			quad.corner[k].y = (quad.corner[k].y + top) / l->scale;
		}
		if (middle >= span.from + SEAM || !is_known(quads, first, &quad))
			quads->items[kept++] = quad;
	}
	quads->count = kept;
}

static enum err_code detect_strip(struct pp_session *session, const struct ocr_raster *raster, const struct layout *l,
				  uint32_t top, struct pp_quads *ret, struct err *err)
{
	uint32_t height = l->height - top < l->strip ? l->height - top : l->strip;
	struct pp_planes planes = { .width = up_to_grid(l->width), .height = up_to_grid(height) };
	float y0 = (float)top / l->scale, y1 = (float)(top + height) / l->scale, x1 = (float)l->width / l->scale;
	const struct pp_quad part = { { { 0, y0 }, { x1, y0 }, { x1, y1 }, { 0, y1 } } };
	struct pp_output output;
	size_t first = ret->count;

	enum err_code code = pp_input(session, PP_DETECTOR, planes.height, planes.width, &planes.data, err);
	if (code != ERR_OK)
		return code;
	pp_image_sample(raster, &part, l->width, height, 0, &planes);
	code = pp_run(session, PP_DETECTOR, &output, err);
	if (code != ERR_OK)
		return code;
	if (output.rows != planes.height || output.columns != planes.width)
		return err_set(err, ERR_CORRUPT, "the page detector's map has not the size of its input");
	code = pp_boxes_from_map(output.data, planes.width, planes.height, ret, err);
	const struct span span = { top == 0 ? -INFINITY : (float)top + STRIP_OVERLAP / 2.0f,
				   top + height == l->height ? INFINITY
							     : (float)(top + height) - STRIP_OVERLAP / 2.0f };
	keep_own(ret, first, l, (float)top, span);
	return code;
}

enum err_code pp_detect(struct pp_session *session, const struct ocr_raster *raster, ocr_abort_fn *abort,
			void *abort_ctx, struct pp_quads *ret, struct err *err)
{
	*ret = (struct pp_quads){ 0 };
	const struct layout l = layout_for(raster);
	enum err_code code = ERR_OK;

	for (uint32_t top = 0; code == ERR_OK;) {
		if (abort && abort(abort_ctx))
			code = err_set(err, ERR_CANCELLED, "reading the page was cancelled");
		else
			code = detect_strip(session, raster, &l, top, ret, err);
		if (top + l.strip >= l.height)
			break;
		top += l.strip - STRIP_OVERLAP;
	}
	if (code != ERR_OK)
		pp_quads_done(ret);
	return code;
}
