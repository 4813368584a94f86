/*
 * For src/media/image*.c only.
 */
#ifndef TIRO_MEDIA_IMAGE_PRIV_H
#define TIRO_MEDIA_IMAGE_PRIV_H

#include <leptonica/allheaders.h>

#include "media/document_priv.h"

/* What a JPEG's markers say (image_jpeg.c). */
struct jpeg_info {
	uint32_t width, height;
	uint32_t components;
	uint32_t orientation; /* of EXIF, 1..8; 1: as it is */
	uint32_t exif_dpi; /* 0: not named */
	bool adobe; /* an Adobe marker: four components are stored inverted */
	bool plain; /* 8 bits, baseline or progressive Huffman: what a PDF may hold */
};

/* False where no frame header is found. */
bool media_jpeg_info(const uint8_t *data, size_t size, struct jpeg_info *ret);

/* Finds the directories of a TIFF: d->pages and d->tiff_offsets. Errors: ERR_BAD_MEDIA, ERR_TOO_BIG. */
enum err_code media_tiff_walk(struct media_document *d, struct err *err) MUST_CHECK;
/* The size that one directory names. */
enum err_code media_tiff_size(const struct media_document *d, uint32_t page, uint64_t *ret_width, uint64_t *ret_height,
			      struct err *err) MUST_CHECK;

/* Sizes of kinds that leptonica reads only whole; false where there is none. A GIF ends in *ret_len after its
 * first image, so that later ones are not decoded. */
bool media_bmp_size(const uint8_t *data, size_t size, uint64_t *ret_width, uint64_t *ret_height);
bool media_jp2_size(const uint8_t *data, size_t size, uint64_t *ret_width, uint64_t *ret_height);
bool media_gif_first(const uint8_t *data, size_t size, uint64_t *ret_width, uint64_t *ret_height, size_t *ret_len);

/* Decodes a page, held against the limits before, in the orientation that the file names. *ret is the caller's. */
enum err_code media_image_decode(const struct media_document *d, uint32_t page, PIX **ret, struct err *err) MUST_CHECK;

/* Flattens to 1 bit, 8 bit grey or 32 bit RGB without palette and alpha; grey where nothing is coloured. Takes
 * *pix and replaces it. */
enum err_code media_pix_simplify(PIX **pix, struct err *err) MUST_CHECK;
/* Copies a simplified image into the sink. */
enum err_code media_pix_to_raster(PIX *pix, const struct media_sink *sink, struct media_raster *ret, struct err *err)
	MUST_CHECK;
/* One row of a simplified image as bytes, 1 or 3 per pixel. */
void media_pix_row(PIX *pix, uint32_t y, uint8_t *out);

/* All pages as a PDF of images (image_pdf.c). */
enum err_code media_image_to_pdf(struct media_document *d, struct strbuf *out, struct err *err) MUST_CHECK;

static inline void media_pix_done(PIX **pix)
{
	pixDestroy(pix);
}
#define cleanup_pix cleanup(media_pix_done)

#endif
