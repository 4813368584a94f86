#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "media/image_priv.h"

/* Leptonica tells what it finds on standard error; who asked gets our reasons instead. */
static void be_silent(const char *message)
{
	(void)message;
}

struct format_row {
	int format; /* leptonica's */
	const char *kind;
};

static const struct format_row formats[] = {
	{ IFF_PNG, "png" }, { IFF_JFIF_JPEG, "jpeg" }, { IFF_WEBP, "webp" }, { IFF_BMP, "bmp" },
	{ IFF_GIF, "gif" }, { IFF_PNM, "pnm" },	       { IFF_JP2, "jp2" },
};

static const char *kind_of(const uint8_t *data, int *ret_format)
{
	int format = IFF_UNKNOWN;
	(void)findFileFormatBuffer(data, &format);
	*ret_format = format;
	if (L_FORMAT_IS_TIFF(format))
		return "tiff";
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (formats[i].format == format)
			return formats[i].kind;
	}
	return NULL;
}

/* The size of a single image, from its header. */
static enum err_code header_size(const struct media_document *d, int format, uint64_t *ret_width, uint64_t *ret_height,
				 struct err *err)
{
	bool found = false;
	size_t len;
	struct jpeg_info jpeg;
	switch (format) {
	case IFF_BMP:
		found = media_bmp_size(d->data, d->size, ret_width, ret_height);
		break;
	case IFF_GIF:
		found = media_gif_first(d->data, d->size, ret_width, ret_height, &len);
		break;
	case IFF_JP2:
		found = media_jp2_size(d->data, d->size, ret_width, ret_height);
		break;
	case IFF_JFIF_JPEG:
		found = media_jpeg_info(d->data, d->size, &jpeg);
		*ret_width = jpeg.width;
		*ret_height = jpeg.height;
		break;
	default: {
		int w = 0;
		int h = 0;
		found = pixReadHeaderMem(d->data, d->size, NULL, &w, &h, NULL, NULL, NULL) == 0 && w > 0 && h > 0;
		*ret_width = (uint64_t)w;
		*ret_height = (uint64_t)h;
	}
	}
	if (!found)
		return err_set(err, ERR_BAD_MEDIA, "the %s image is damaged: its header cannot be read", d->kind);
	return ERR_OK;
}

static enum err_code check_page(const struct media_document *d, uint32_t page, int format, struct err *err)
{
	uint64_t width = 0;
	uint64_t height = 0;
	enum err_code code = d->tiff_offsets ? media_tiff_size(d, page, &width, &height, err)
					     : header_size(d, format, &width, &height, err);
	return code == ERR_OK ? media_check_size(width, height, err) : code;
}

/* A GIF of many images is cut after the first: leptonica would decode them all. */
static PIX *read_gif(const struct media_document *d)
{
	uint64_t width;
	uint64_t height;
	size_t len = 0;
	if (!media_gif_first(d->data, d->size, &width, &height, &len))
		return NULL;
	cleanup_free uint8_t *first = malloc(len + 1);
	if (!first)
		return NULL;
	memcpy(first, d->data, len);
	first[len] = ';';
	return pixReadMemGif(first, len + 1);
}

/* Turns and mirrors by the EXIF orientation; takes `pix`. */
static PIX *orient(PIX *pix, uint32_t orientation)
{
	/* Quarter turns clockwise, then a mirror from left to right. */
	static const struct {
		int quarters;
		bool mirror;
	} ways[9] = { [2] = { 0, true },  [3] = { 2, false }, [4] = { 2, true }, [5] = { 1, true },
		      [6] = { 1, false }, [7] = { 3, true },  [8] = { 3, false } };
	if (ways[orientation].quarters != 0) {
		PIX *turned = pixRotateOrth(pix, ways[orientation].quarters);
		pixDestroy(&pix);
		pix = turned;
	}
	if (pix && ways[orientation].mirror && !pixFlipLR(pix, pix))
		pixDestroy(&pix);
	return pix;
}

static PIX *read_jpeg(const struct media_document *d)
{
	struct jpeg_info info;
	if (!media_jpeg_info(d->data, d->size, &info))
		return NULL;
	/* A page that was cut short is still worth reading as far as it goes. */
	PIX *pix = pixReadMemJpeg(d->data, d->size, 0, 1, NULL, L_JPEG_CONTINUE_WITH_BAD_DATA);
	if (pix && info.exif_dpi > 0)
		pixSetResolution(pix, (int)info.exif_dpi, (int)info.exif_dpi);
	return pix ? orient(pix, info.orientation) : NULL;
}

static PIX *read_pix(const struct media_document *d, uint32_t page, int format)
{
	if (d->tiff_offsets) {
		size_t offset = (size_t)d->tiff_offsets[page];
		return pixReadMemFromMultipageTiff(d->data, d->size, &offset);
	}
	if (format == IFF_GIF)
		return read_gif(d);
	if (format == IFF_JFIF_JPEG)
		return read_jpeg(d);
	return pixReadMem(d->data, d->size);
}

enum err_code media_image_decode(const struct media_document *d, uint32_t page, PIX **ret, struct err *err)
{
	int format;
	(void)kind_of(d->data, &format);
	enum err_code code = check_page(d, page, format, err);
	if (code != ERR_OK)
		return code;
	cleanup_pix PIX *pix = read_pix(d, page, format);
	if (!pix)
		return err_set(err, ERR_BAD_MEDIA, "the %s image is damaged or of a variant that cannot be read",
			       d->kind);
	/* What came out is what counts, should a header have lied. */
	code = media_check_size((uint64_t)pixGetWidth(pix), (uint64_t)pixGetHeight(pix), err);
	if (code == ERR_OK)
		*ret = steal_ptr(&pix);
	return code;
}

static enum err_code image_page(struct media_document *d, uint32_t page, const struct media_sink *sink,
				struct media_page *ret, struct err *err)
{
	cleanup_pix PIX *pix = NULL;
	if (media_image_decode(d, page, &pix, err) != ERR_OK || media_pix_simplify(&pix, err) != ERR_OK)
		return err->code;
	ret->kind = MEDIA_PAGE_RASTER;
	return media_pix_to_raster(pix, sink, &ret->raster, err);
}

static void image_close(struct media_document *d)
{
	(void)d;
}

static const struct media_backend image_backend = { .page = image_page,
						    .to_pdf = media_image_to_pdf,
						    .close = image_close };

enum err_code media_open_image(struct media_document *d, struct err *err)
{
	enum { MAGIC_BYTES = 12 };
	leptSetStderrHandler(be_silent);
	int format = IFF_UNKNOWN;
	d->kind = d->size > MAGIC_BYTES ? kind_of(d->data, &format) : NULL;
	if (!d->kind)
		return err_set(
			err, ERR_BAD_MEDIA,
			"the file is neither a PDF nor an image that can be read (PNG, JPEG, TIFF, WebP, BMP, GIF, "
			"PNM, JPEG 2000)");
	d->backend = &image_backend;
	d->pages = 1;
	if (L_FORMAT_IS_TIFF(format))
		return media_tiff_walk(d, err);
	return check_page(d, 0, format, err);
}
