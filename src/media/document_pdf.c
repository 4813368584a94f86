#include <math.h>
#include <string.h>

#include <cairo.h>
#include <fontconfig/fontconfig.h>

#include "base/cleanup.h"
#include "media/pdf_priv.h"

/* A lower resolution is not worth rendering, a higher one has no use. */
enum { RENDER_DPI_MIN = 20, RENDER_DPI_MAX = 1200, POINTS_PER_INCH = 72 };

/* Differences of channels up to this come from rounding. */
enum { GREY_SPREAD = 3 };

static void unref(GObject **object)
{
	if (*object)
		g_object_unref(*object);
}
#define cleanup_gobject cleanup(unref)

static void surface_done(cairo_surface_t **surface)
{
	if (*surface)
		cairo_surface_destroy(*surface);
}

const char *const *media_prepare_pdf(void)
{
	/* Fonts that a PDF names without bringing them, encodings of CJK fonts, and fontconfig's lists of the former.
	 */
	static const char *const paths[] = { "/usr/share/fonts",
					     "/usr/local/share/fonts",
					     "/usr/share/poppler",
					     "/usr/share/fontconfig",
					     "/etc/fonts",
					     "/var/cache/fontconfig",
					     "/usr/share/ghostscript/fonts",
					     "/usr/share/texmf/fonts",
					     NULL };
	/* Without fonts pages still render, with gaps: no reason to refuse the file. */
	(void)FcInit();
	return paths;
}

static enum err_code pdf_error(const GError *error, struct err *err)
{
	if (g_error_matches(error, POPPLER_ERROR, POPPLER_ERROR_ENCRYPTED))
		return err_set(err, ERR_BAD_MEDIA, "the PDF is encrypted and needs a password: remove it first");
	return err_set(err, ERR_BAD_MEDIA, "the PDF is damaged: %s", error->message);
}

/* A page's size in points as a reader shows it. */
static enum err_code page_size(PopplerPage *page, double *ret_width, double *ret_height, struct err *err)
{
	poppler_page_get_size(page, ret_width, ret_height);
	if (!isfinite(*ret_width) || !isfinite(*ret_height) || *ret_width < 1.0 || *ret_height < 1.0)
		return err_set(err, ERR_BAD_MEDIA, "the page has no sane size");
	return ERR_OK;
}

/* The resolution wanted, lowered until the page fits the limits. */
static enum err_code choose_dpi(const struct media_document *d, double width_pt, double height_pt, uint32_t *ret,
				struct err *err)
{
	double dpi = d->options.pdf_dpi > 0 ? d->options.pdf_dpi : MEDIA_PDF_DPI;
	double area_in = width_pt * height_pt / POINTS_PER_INCH / POINTS_PER_INCH;
	double side_in = fmax(width_pt, height_pt) / POINTS_PER_INCH;
	dpi = fmin(fmax(dpi, RENDER_DPI_MIN), RENDER_DPI_MAX);
	dpi = fmin(dpi, sqrt((double)MEDIA_PDF_PIXELS / area_in));
	dpi = fmin(dpi, (LIMIT_PAGE_SIDE - 1) / side_in);
	if (dpi < RENDER_DPI_MIN)
		return err_set(err, ERR_TOO_BIG, "the page is %.0f x %.0f points, too large to render", width_pt,
			       height_pt);
	*ret = (uint32_t)dpi;
	return ERR_OK;
}

static bool is_grey(const uint32_t *pixels, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		int r = pixels[i] >> 16 & 0xFF;
		int g = pixels[i] >> 8 & 0xFF;
		int b = pixels[i] & 0xFF;
		if (abs(r - g) > GREY_SPREAD || abs(g - b) > GREY_SPREAD || abs(r - b) > GREY_SPREAD)
			return false;
	}
	return true;
}

static void copy_row(const uint32_t *pixels, uint32_t width, uint32_t channels, uint8_t *out)
{
	if (channels == 1) {
		for (uint32_t x = 0; x < width; x++)
			out[x] = (uint8_t)(pixels[x] >> 8);
		return;
	}
	for (uint32_t x = 0; x < width; x++, out += 3) {
		out[0] = (uint8_t)(pixels[x] >> 16);
		out[1] = (uint8_t)(pixels[x] >> 8);
		out[2] = (uint8_t)pixels[x];
	}
}

/* Copies a rendered page out of cairo's 32-bit pixels, as grey where nothing is coloured. */
static enum err_code take_surface(cairo_surface_t *surface, uint32_t dpi, const struct media_sink *sink,
				  struct media_raster *ret, struct err *err)
{
	struct media_raster raster = { .width = (uint32_t)cairo_image_surface_get_width(surface),
				       .height = (uint32_t)cairo_image_surface_get_height(surface),
				       .channels = 1,
				       .dpi = dpi };
	const uint8_t *data = cairo_image_surface_get_data(surface);
	size_t stride = (size_t)cairo_image_surface_get_stride(surface);
	for (uint32_t y = 0; y < raster.height && raster.channels == 1; y++) {
		if (!is_grey((const void *)(data + y * stride), raster.width))
			raster.channels = 3;
	}
	raster.stride = raster.width * raster.channels;
	uint8_t *pixels = NULL;
	if (sink->allocate(sink->ctx, (size_t)raster.stride * raster.height, &pixels, err) != ERR_OK)
		return err->code;
	for (uint32_t y = 0; y < raster.height; y++)
		copy_row((const void *)(data + y * stride), raster.width, raster.channels,
			 pixels + (size_t)y * raster.stride);
	*ret = raster;
	return ERR_OK;
}

static enum err_code render(PopplerPage *page, double width_pt, double height_pt, uint32_t dpi,
			    const struct media_sink *sink, struct media_raster *ret, struct err *err)
{
	double scale = (double)dpi / POINTS_PER_INCH;
	int width = (int)fmax(round(width_pt * scale), 1.0);
	int height = (int)fmax(round(height_pt * scale), 1.0);
	cleanup(surface_done) cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
	cairo_t *cairo = cairo_create(surface);
	cairo_set_source_rgb(cairo, 1.0, 1.0, 1.0);
	cairo_paint(cairo);
	cairo_scale(cairo, scale, scale);
	poppler_page_render(page, cairo);
	cairo_status_t status = cairo_status(cairo);
	cairo_destroy(cairo);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_status(surface);
	if (status == CAIRO_STATUS_NO_MEMORY)
		return err_set(err, ERR_NO_MEMORY, "no memory to render the page");
	if (status != CAIRO_STATUS_SUCCESS)
		return err_set(err, ERR_BAD_MEDIA, "the page cannot be rendered: %s", cairo_status_to_string(status));
	cairo_surface_flush(surface);
	return take_surface(surface, dpi, sink, ret, err);
}

static enum err_code pdf_page(struct media_document *d, uint32_t number, const struct media_sink *sink,
			      struct media_page *ret, struct err *err)
{
	cleanup_gobject GObject *object = (GObject *)poppler_document_get_page(d->pdf, (int)number);
	PopplerPage *page = (PopplerPage *)object;
	if (!page)
		return err_set(err, ERR_BAD_MEDIA, "the page is missing or damaged");
	double width = 0.0;
	double height = 0.0;
	uint32_t dpi = 0;
	if (page_size(page, &width, &height, err) != ERR_OK || choose_dpi(d, width, height, &dpi, err) != ERR_OK)
		return err->code;
	bool real = false;
	if (!d->options.ignore_text_layer && media_pdf_text(page, dpi, &ret->text, &real, err) != ERR_OK)
		return err->code;
	ret->kind = real ? MEDIA_PAGE_TEXT : MEDIA_PAGE_RASTER;
	return real ? ERR_OK : render(page, width, height, dpi, sink, &ret->raster, err);
}

static void pdf_close(struct media_document *d)
{
	if (d->pdf)
		g_object_unref(d->pdf);
}

static const struct media_backend pdf_backend = { .page = pdf_page, .close = pdf_close };

enum err_code media_open_pdf(struct media_document *d, struct err *err)
{
	d->kind = "pdf";
	d->backend = &pdf_backend;
	GError *error = NULL;
	GBytes *bytes = g_bytes_new_static(d->data, d->size);
	d->pdf = poppler_document_new_from_bytes(bytes, NULL, &error);
	g_bytes_unref(bytes);
	if (!d->pdf) {
		enum err_code code = pdf_error(error, err);
		g_error_free(error);
		return code;
	}
	int pages = poppler_document_get_n_pages(d->pdf);
	if (pages <= 0)
		return err_set(err, ERR_BAD_MEDIA, "the PDF has no pages");
	if (pages > LIMIT_PAGES)
		return err_set(err, ERR_TOO_BIG, "the PDF has %d pages, at most %d are read", pages, LIMIT_PAGES);
	d->pages = (uint32_t)pages;
	return ERR_OK;
}
