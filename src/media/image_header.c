/* Headers that leptonica would decode the whole image for: BMP, GIF89a, and JPEG 2000's code stream (T.800, A.5.1),
 * whose sizes count, whatever the boxes around it say. */
#include <stdlib.h>
#include <string.h>

#include "media/image_priv.h"

static uint32_t little(const uint8_t *p, size_t bytes)
{
	uint32_t value = 0;
	for (size_t i = 0; i < bytes; i++)
		value |= (uint32_t)p[i] << (8 * i);
	return value;
}

static uint32_t big32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool media_bmp_size(const uint8_t *data, size_t size, uint64_t *ret_width, uint64_t *ret_height)
{
	if (size < 26)
		return false;
	*ret_width = little(data + 18, 4);
	int32_t height = (int32_t)little(data + 22, 4);
	*ret_height = height < 0 ? -(int64_t)height : height; /* negative: top down */
	return *ret_width <= INT32_MAX;
}

bool media_jp2_size(const uint8_t *data, size_t size, uint64_t *ret_width, uint64_t *ret_height)
{
	const uint8_t *siz = memmem(data, size, "\xFF\x4F\xFF\x51", 4);
	if (!siz || (size_t)(data + size - siz) < 24)
		return false;
	uint32_t x1 = big32(siz + 8);
	uint32_t y1 = big32(siz + 12);
	uint32_t x0 = big32(siz + 16);
	uint32_t y0 = big32(siz + 20);
	*ret_width = x1 > x0 ? x1 - x0 : 0;
	*ret_height = y1 > y0 ? y1 - y0 : 0;
	return true;
}

/* Position after a chain of GIF sub-blocks, or `size` where it is cut. */
static size_t skip_blocks(const uint8_t *data, size_t size, size_t at)
{
	while (at < size && data[at] != 0)
		at += (size_t)data[at] + 1;
	return at < size ? at + 1 : size;
}

static size_t palette_bytes(uint8_t flags)
{
	return flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0;
}

bool media_gif_first(const uint8_t *data, size_t size, uint64_t *ret_width, uint64_t *ret_height, size_t *ret_len)
{
	enum { SCREEN = 13, IMAGE = 10, EXTENSION_MARK = 0x21, IMAGE_MARK = 0x2C };
	if (size < SCREEN)
		return false;
	size_t at = SCREEN + palette_bytes(data[10]);
	while (at + 2 <= size && data[at] == EXTENSION_MARK)
		at = skip_blocks(data, size, at + 2);
	if (at > size || size - at < IMAGE + 1 || data[at] != IMAGE_MARK)
		return false;
	/* The screen and the image in it: the larger of each counts. */
	uint32_t width = little(data + at + 5, 2);
	uint32_t height = little(data + at + 7, 2);
	uint32_t screen_width = little(data + 6, 2);
	uint32_t screen_height = little(data + 8, 2);
	*ret_width = width > screen_width ? width : screen_width;
	*ret_height = height > screen_height ? height : screen_height;
	*ret_len = skip_blocks(data, size, at + IMAGE + palette_bytes(data[at + 9]) + 1);
	return width > 0 && height > 0;
}
