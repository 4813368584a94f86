#include <string.h>

#include "media/image_priv.h"

/* Channels of a pixel that differ by no more are taken as grey: rounding of YCbCr in JPEG. */
enum { GREY_SPREAD = 3 };

static void replace(PIX **pix, PIX *by)
{
	pixDestroy(pix);
	*pix = by;
}

static uint8_t red_of(uint32_t pixel)
{
	return (uint8_t)(pixel >> L_RED_SHIFT);
}

static uint8_t green_of(uint32_t pixel)
{
	return (uint8_t)(pixel >> L_GREEN_SHIFT);
}

static uint8_t blue_of(uint32_t pixel)
{
	return (uint8_t)(pixel >> L_BLUE_SHIFT);
}

static bool is_grey(uint32_t pixel)
{
	int r = red_of(pixel);
	int g = green_of(pixel);
	int b = blue_of(pixel);
	int high = r > g ? r : g;
	int low = r < g ? r : g;
	high = b > high ? b : high;
	low = b < low ? b : low;
	return high - low <= GREY_SPREAD;
}

static bool has_colour(PIX *pix)
{
	int words = pixGetWpl(pix);
	const uint32_t *row = pixGetData(pix);
	for (int y = 0; y < pixGetHeight(pix); y++, row += words) {
		for (int x = 0; x < pixGetWidth(pix); x++) {
			if (!is_grey(row[x]))
				return true;
		}
	}
	return false;
}

/* Brings a palette and unusual depths to 1, 8 or 32 bits; NULL inside *pix without memory. */
static void to_plain_depth(PIX **pix)
{
	if (pixGetColormap(*pix))
		replace(pix, pixRemoveColormap(*pix, REMOVE_CMAP_BASED_ON_SRC));
	int depth = *pix ? pixGetDepth(*pix) : 0;
	if (depth == 16)
		replace(pix, pixConvert16To8(*pix, L_MS_BYTE));
	else if (depth == 2 || depth == 4)
		replace(pix, pixConvertTo8(*pix, 0));
}

enum err_code media_pix_simplify(PIX **pix, struct err *err)
{
	to_plain_depth(pix);
	if (*pix && pixGetDepth(*pix) == 32 && pixGetSpp(*pix) == 4)
		replace(pix, pixAlphaBlendUniform(*pix, 0xFFFFFF00));
	if (*pix && pixGetDepth(*pix) == 32 && !has_colour(*pix))
		replace(pix, pixConvertRGBToGrayFast(*pix)); /* the green channel: all three are the same here */
	if (!*pix)
		return err_set(err, ERR_NO_MEMORY, "no memory to decode the image");
	int depth = pixGetDepth(*pix);
	if (depth != 1 && depth != 8 && depth != 32)
		return err_set(err, ERR_BAD_MEDIA, "the image has %d bits per pixel, which cannot be read", depth);
	return ERR_OK;
}

void media_pix_row(PIX *pix, uint32_t y, uint8_t *out)
{
	const uint32_t *row = pixGetData(pix) + (size_t)pixGetWpl(pix) * y;
	uint32_t width = (uint32_t)pixGetWidth(pix);
	switch (pixGetDepth(pix)) {
	case 1: /* a set bit is black */
		for (uint32_t x = 0; x < width; x++)
			out[x] = row[x / 32] >> (31 - x % 32) & 1 ? 0 : 255;
		break;
	case 8: /* four pixels in a word, the leftmost in its highest byte */
		for (uint32_t x = 0; x < width; x++)
			out[x] = (uint8_t)(row[x / 4] >> (24 - 8 * (x % 4)));
		break;
	default:
		for (uint32_t x = 0; x < width; x++, out += 3) {
			out[0] = red_of(row[x]);
			out[1] = green_of(row[x]);
			out[2] = blue_of(row[x]);
		}
	}
}

enum err_code media_pix_to_raster(PIX *pix, const struct media_sink *sink, struct media_raster *ret, struct err *err)
{
	struct media_raster raster = { .width = (uint32_t)pixGetWidth(pix),
				       .height = (uint32_t)pixGetHeight(pix),
				       .channels = pixGetDepth(pix) == 32 ? 3 : 1,
				       .dpi = media_sane_dpi(pixGetXRes(pix)) };
	raster.stride = raster.width * raster.channels;
	uint8_t *pixels = NULL;
	if (sink->allocate(sink->ctx, (size_t)raster.stride * raster.height, &pixels, err) != ERR_OK)
		return err->code;
	for (uint32_t y = 0; y < raster.height; y++)
		media_pix_row(pix, y, pixels + (size_t)y * raster.stride);
	*ret = raster;
	return ERR_OK;
}
