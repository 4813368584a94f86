/* Images of every kind and depth, decoded in this process; hostile files go through the jail in tests/unit/jail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <leptonica/allheaders.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "media/document.h"

enum { WIDTH = 60, HEIGHT = 40 };

struct decoded {
	struct media_document *document;
	struct media_raster raster;
	uint8_t *pixels;
	const uint8_t *file;
	size_t file_len;
};

static enum err_code read_memory(void *ctx, uint64_t offset, void *buffer, size_t len, size_t *ret_len, struct err *err)
{
	const struct decoded *d = ctx;
	(void)err;
	size_t left = offset < d->file_len ? d->file_len - (size_t)offset : 0;
	/* Pieces, as a jail gets them. */
	*ret_len = left < len ? left : len;
	*ret_len = *ret_len < 1000 ? *ret_len : 1000;
	memcpy(buffer, d->file + offset, *ret_len);
	return ERR_OK;
}

static enum err_code allocate(void *ctx, size_t size, uint8_t **ret, struct err *err)
{
	struct decoded *d = ctx;
	(void)err;
	free(d->pixels);
	*ret = d->pixels = calloc(1, size);
	return ERR_OK;
}

static void decode(const uint8_t *file, size_t len, struct decoded *d)
{
	struct err err = { 0 };
	*d = (struct decoded){ .file = file, .file_len = len };
	struct media_input input = { .size = len, .read = read_memory, .ctx = d };
	struct media_document_options options = { 0 };
	struct media_sink sink = { .allocate = allocate, .ctx = d };
	struct media_page page;
	assert_int_equal(media_document_open(&input, &options, &d->document, &err), ERR_OK);
	assert_int_equal(media_document_page(d->document, 0, &sink, &page, &err), ERR_OK);
	assert_int_equal(page.kind, MEDIA_PAGE_RASTER);
	d->raster = page.raster;
}

static void decoded_done(struct decoded *d)
{
	media_document_close(d->document);
	free(d->pixels);
}

/* White, with the upper left quarter in `colour` (a 32-bit pixel, or a grey or index value by depth). */
static PIX *draw(int depth, uint32_t white, uint32_t colour)
{
	PIX *pix = pixCreate(WIDTH, HEIGHT, depth);
	for (int y = 0; y < HEIGHT; y++) {
		for (int x = 0; x < WIDTH; x++)
			(void)pixSetPixel(pix, x, y, x < WIDTH / 2 && y < HEIGHT / 2 ? colour : white);
	}
	(void)pixSetResolution(pix, 300, 300);
	return pix;
}

/* Encodes (and frees) the image and decodes it as a document. */
static void through(PIX *pix, int format, struct decoded *d, uint8_t **ret_file)
{
	size_t len = 0;
	*ret_file = NULL;
	assert_int_equal(pixWriteMem(ret_file, &len, pix, format), 0);
	pixDestroy(&pix);
	decode(*ret_file, len, d);
}

static const uint8_t *at(const struct decoded *d, uint32_t x, uint32_t y)
{
	return d->pixels + (size_t)y * d->raster.stride + (size_t)x * d->raster.channels;
}

static void expect_grey(PIX *pix, int format, const char *kind, int dark, int tolerance)
{
	struct decoded d;
	cleanup_free uint8_t *file = NULL;
	through(pix, format, &d, &file);
	assert_string_equal(media_document_kind(d.document), kind);
	assert_int_equal(d.raster.width, WIDTH);
	assert_int_equal(d.raster.height, HEIGHT);
	assert_int_equal(d.raster.channels, 1);
	assert_in_range(*at(&d, 5, 5), dark - tolerance < 0 ? 0 : dark - tolerance, dark + tolerance);
	assert_in_range(*at(&d, 50, 5), 255 - tolerance, 255);
	assert_in_range(*at(&d, 5, 30), 255 - tolerance, 255);
	decoded_done(&d);
}

static void one_bit_stays_exact(void **state)
{
	(void)state;
	expect_grey(draw(1, 0, 1), IFF_PNG, "png", 0, 0);
	expect_grey(draw(1, 0, 1), IFF_TIFF_G4, "tiff", 0, 0);
	expect_grey(draw(1, 0, 1), IFF_BMP, "bmp", 0, 0);
	expect_grey(draw(1, 0, 1), IFF_PNM, "pnm", 0, 0);
}

static void grey_images_of_every_kind_are_read(void **state)
{
	(void)state;
	static const struct {
		int format;
		const char *kind;
		int tolerance;
	} cases[] = { { IFF_PNG, "png", 0 },   { IFF_JFIF_JPEG, "jpeg", 8 }, { IFF_TIFF_LZW, "tiff", 0 },
		      { IFF_BMP, "bmp", 0 },   { IFF_PNM, "pnm", 0 },	     { IFF_GIF, "gif", 0 },
		      { IFF_WEBP, "webp", 8 }, { IFF_JP2, "jp2", 12 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_grey(draw(8, 255, 80), cases[i].format, cases[i].kind, 80, cases[i].tolerance);
}

static void sixteen_and_two_bits_become_eight(void **state)
{
	(void)state;
	expect_grey(draw(16, 0xFFFF, 0x5000), IFF_PNG, "png", 0x50, 1);
	expect_grey(draw(2, 3, 1), IFF_PNG, "png", 85, 1);
}

static void grey_stored_as_rgb_is_delivered_as_grey(void **state)
{
	(void)state;
	expect_grey(draw(32, 0xFFFFFF00, 0x40404000), IFF_PNG, "png", 0x40, 0);
}

static void a_palette_of_greys_is_grey(void **state)
{
	(void)state;
	PIX *pix = draw(8, 1, 0);
	PIXCMAP *palette = pixcmapCreate(8);
	(void)pixcmapAddColor(palette, 30, 30, 30);
	(void)pixcmapAddColor(palette, 255, 255, 255);
	(void)pixSetColormap(pix, palette);
	expect_grey(pix, IFF_PNG, "png", 30, 0);
}

static void colour_stays_colour(void **state)
{
	(void)state;
	struct decoded d;
	cleanup_free uint8_t *file = NULL;
	through(draw(32, 0xFFFFFF00, 0xC8102000), IFF_PNG, &d, &file);
	assert_int_equal(d.raster.channels, 3);
	assert_int_equal(d.raster.stride, 3 * WIDTH);
	assert_int_equal(at(&d, 5, 5)[0], 0xC8);
	assert_int_equal(at(&d, 5, 5)[1], 0x10);
	assert_int_equal(at(&d, 5, 5)[2], 0x20);
	decoded_done(&d);
}

static void what_is_transparent_is_white(void **state)
{
	(void)state;
	/* Black everywhere, opaque only in the quarter. */
	PIX *pix = draw(32, 0x00000000, 0x000000FF);
	pixSetSpp(pix, 4);
	expect_grey(pix, IFF_PNG, "png", 0, 0);
}

/* Puts an EXIF segment with this orientation after the start of a JPEG. */
static uint8_t *with_orientation(const uint8_t *jpeg, size_t len, uint8_t orientation, size_t *ret_len)
{
	static const uint8_t exif[] = { 0xFF, 0xE1, 0, 34,   'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
					0,    1,    1, 0x12, 0,	  3,   0,   0,	 0, 1, 0,   0,	 0, 0,	0, 0, 0, 0 };
	uint8_t *out = malloc(len + sizeof exif);
	assert_non_null(out);
	memcpy(out, jpeg, 2);
	memcpy(out + 2, exif, sizeof exif);
	out[2 + 29] = orientation;
	memcpy(out + 2 + sizeof exif, jpeg + 2, len - 2);
	*ret_len = len + sizeof exif;
	return out;
}

static void a_camera_held_sideways_is_turned_upright(void **state)
{
	(void)state;
	/* Where the dark upper left quarter of the stored rows and columns is seen: 0 left or top, 1 right or bottom.
	 */
	static const struct {
		int right, bottom;
	} seen[9] = { [1] = { 0, 0 }, [2] = { 1, 0 }, [3] = { 1, 1 }, [4] = { 0, 1 },
		      [5] = { 0, 0 }, [6] = { 1, 0 }, [7] = { 1, 1 }, [8] = { 0, 1 } };
	PIX *pix = draw(8, 255, 40);
	cleanup_free uint8_t *jpeg = NULL;
	size_t len = 0;
	assert_int_equal(pixWriteMemJpeg(&jpeg, &len, pix, 95, 0), 0);
	pixDestroy(&pix);
	for (uint8_t orientation = 1; orientation <= 8; orientation++) {
		struct decoded d;
		size_t turned_len;
		cleanup_free uint8_t *turned = with_orientation(jpeg, len, orientation, &turned_len);
		decode(turned, turned_len, &d);
		assert_int_equal(d.raster.width, orientation >= 5 ? HEIGHT : WIDTH);
		assert_int_equal(d.raster.height, orientation >= 5 ? WIDTH : HEIGHT);
		uint32_t x = seen[orientation].right ? d.raster.width - 5 : 5;
		uint32_t y = seen[orientation].bottom ? d.raster.height - 5 : 5;
		assert_in_range(*at(&d, x, y), 20, 60);
		assert_in_range(*at(&d, d.raster.width - 1 - x, y), 235, 255);
		assert_in_range(*at(&d, x, d.raster.height - 1 - y), 235, 255);
		decoded_done(&d);
	}
}

static void resolutions_that_cannot_be_meant_are_none(void **state)
{
	(void)state;
	struct decoded d;
	cleanup_free uint8_t *file = NULL;
	PIX *pix = draw(8, 255, 0);
	(void)pixSetResolution(pix, 3, 3);
	through(pix, IFF_TIFF_LZW, &d, &file);
	assert_int_equal(d.raster.dpi, 0);
	decoded_done(&d);
}

static void a_page_that_is_not_there_is_an_error(void **state)
{
	(void)state;
	struct err err;
	struct decoded d;
	cleanup_free uint8_t *file = NULL;
	through(draw(8, 255, 0), IFF_PNG, &d, &file);
	struct media_sink sink = { .allocate = allocate, .ctx = &d };
	struct media_page page;
	assert_int_equal(media_document_page(d.document, 1, &sink, &page, &err), ERR_INVALID);
	decoded_done(&d);
}

/* The same numbers in every run: Knuth's linear congruential generator, upper bits. */
static uint32_t chance(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Every cut of a file must end in a page or a reason, never in a crash (run under sanitizers). */
static void cut_and_bent_files_end_well(void **state)
{
	(void)state;
	static const int formats[] = {
		IFF_PNG, IFF_JFIF_JPEG, IFF_TIFF_G4, IFF_GIF, IFF_BMP, IFF_WEBP, IFF_JP2, IFF_PNM
	};
	uint32_t state_of_chance = 7;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		cleanup_free uint8_t *file = NULL;
		size_t len = 0;
		PIX *pix = formats[i] == IFF_TIFF_G4 ? draw(1, 0, 1) : draw(8, 255, 80);
		assert_int_equal(pixWriteMem(&file, &len, pix, formats[i]), 0);
		pixDestroy(&pix);
		for (int round = 0; round < 200; round++) {
			struct err err;
			struct decoded d = { .file = file,
					     .file_len = round % 2 ? len : chance(&state_of_chance) % len };
			uint8_t *bent = &file[chance(&state_of_chance) % len];
			uint8_t kept = *bent;
			*bent = (uint8_t)chance(&state_of_chance);
			struct media_input input = { .size = d.file_len, .read = read_memory, .ctx = &d };
			struct media_document_options options = { 0 };
			struct media_sink sink = { .allocate = allocate, .ctx = &d };
			struct media_page page;
			if (media_document_open(&input, &options, &d.document, &err) == ERR_OK)
				(void)(media_document_page(d.document, 0, &sink, &page, &err) == ERR_OK);
			*bent = kept;
			decoded_done(&d);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_bit_stays_exact),
		cmocka_unit_test(grey_images_of_every_kind_are_read),
		cmocka_unit_test(sixteen_and_two_bits_become_eight),
		cmocka_unit_test(grey_stored_as_rgb_is_delivered_as_grey),
		cmocka_unit_test(a_palette_of_greys_is_grey),
		cmocka_unit_test(colour_stays_colour),
		cmocka_unit_test(what_is_transparent_is_white),
		cmocka_unit_test(a_camera_held_sideways_is_turned_upright),
		cmocka_unit_test(resolutions_that_cannot_be_meant_are_none),
		cmocka_unit_test(a_page_that_is_not_there_is_an_error),
		cmocka_unit_test(cut_and_bent_files_end_well),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
