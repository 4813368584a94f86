/*
 * Images as pages of a PDF (PDF 32000-1, 8.9): a JPEG as it is (DCTDecode), 1-bit images as CCITT group 4, the rest
 * packed without loss. The text is laid over it by media/compose.h.
 */
#include <math.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "media/image_priv.h"

/* A page's longer side, points: from a stamp to A0. Outside of that the file's resolution is not meant. */
#define SIDE_MIN_PT 70.0
#define SIDE_MAX_PT 3400.0
/* Tried where the file names none; a page beyond A3 is then fitted to A4's width or height instead. */
#define GUESSED_DPI 300.0
#define GUESSED_SIDE_MAX_PT 1200.0
#define A4_SIDE_PT 842.0

enum { OBJ_CATALOG = 1, OBJ_PAGES, OBJ_FIRST_PAGE, OBJECTS_PER_PAGE = 3 };

struct image_pdf {
	struct strbuf *out;
	size_t *offsets; /* owned; by object number */
	uint32_t pages;
};

static void begin_object(struct image_pdf *pdf, uint32_t number)
{
	pdf->offsets[number] = pdf->out->len;
	strbuf_addf(pdf->out, "%u 0 obj\n", number);
}

/* Points per pixel. */
static double scale_of(uint32_t width, uint32_t height, uint32_t dpi)
{
	double side = fmax(width, height);
	double named = dpi > 0 ? side * 72.0 / dpi : 0.0;
	if (named >= SIDE_MIN_PT && named <= SIDE_MAX_PT)
		return 72.0 / dpi;
	double guessed = side * 72.0 / GUESSED_DPI;
	return guessed <= GUESSED_SIDE_MAX_PT ? 72.0 / GUESSED_DPI : A4_SIDE_PT / side;
}

/* Places the unit square of an image on a page by the EXIF orientation of its rows and columns. */
static const char *const orientation_matrix[9] = {
	[1] = "1 0 0 1 0 0",   [2] = "-1 0 0 1 1 0", [3] = "-1 0 0 -1 1 1", [4] = "1 0 0 -1 0 1",
	[5] = "0 -1 -1 0 1 1", [6] = "0 -1 1 0 0 1", [7] = "0 1 1 0 0 0",   [8] = "0 1 -1 0 1 0",
};

/* The page object and its content; the image is the third object. Width and height are the upright page's. */
static void add_page(struct image_pdf *pdf, uint32_t index, uint32_t width, uint32_t height, uint32_t dpi,
		     uint32_t orientation)
{
	uint32_t number = OBJ_FIRST_PAGE + index * OBJECTS_PER_PAGE;
	double scale = scale_of(width, height, dpi);
	begin_object(pdf, number);
	strbuf_addf(pdf->out,
		    "<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %.3f %.3f] /Contents %u 0 R "
		    "/Resources << /XObject << /Page %u 0 R >> >> >>\nendobj\n",
		    OBJ_PAGES, width * scale, height * scale, number + 1, number + 2);
	char content[160];
	int len = snprintf(content, sizeof content, "q %.3f 0 0 %.3f 0 0 cm %s cm /Page Do Q\n", width * scale,
			   height * scale, orientation_matrix[orientation]);
	begin_object(pdf, number + 1);
	strbuf_addf(pdf->out, "<< /Length %d >>\nstream\n%sendstream\nendobj\n", len, content);
}

/* An image object; `entries` are its dictionary without type, size and length. */
static void add_image(struct image_pdf *pdf, uint32_t index, uint32_t width, uint32_t height, const char *entries,
		      const void *bytes, size_t len)
{
	begin_object(pdf, OBJ_FIRST_PAGE + index * OBJECTS_PER_PAGE + 2);
	strbuf_addf(pdf->out, "<< /Type /XObject /Subtype /Image /Width %u /Height %u /Length %zu %s >>\nstream\n",
		    width, height, len, entries);
	strbuf_add(pdf->out, bytes, len);
	strbuf_add_str(pdf->out, "\nendstream\nendobj\n");
}

/* True if the bytes can stand in a PDF as they are. */
static bool add_jpeg(struct image_pdf *pdf, const struct media_document *d, const struct jpeg_info *info, uint32_t dpi)
{
	static const char *const entries[] = {
		[1] = "/Filter /DCTDecode /BitsPerComponent 8 /ColorSpace /DeviceGray",
		[3] = "/Filter /DCTDecode /BitsPerComponent 8 /ColorSpace /DeviceRGB",
		[4] = "/Filter /DCTDecode /BitsPerComponent 8 /ColorSpace /DeviceCMYK /Decode [1 0 1 0 1 0 1 0]",
	};
	static const char plain_cmyk[] = "/Filter /DCTDecode /BitsPerComponent 8 /ColorSpace /DeviceCMYK";
	if (!info->plain || info->components >= ARRAY_LEN(entries) || !entries[info->components])
		return false;
	bool lies = info->orientation >= 5;
	add_page(pdf, 0, lies ? info->height : info->width, lies ? info->width : info->height, dpi, info->orientation);
	bool upright_cmyk = info->components == 4 && !info->adobe;
	add_image(pdf, 0, info->width, info->height, upright_cmyk ? plain_cmyk : entries[info->components], d->data,
		  d->size);
	return true;
}

static uint32_t tiff_value(const uint8_t *data, size_t size, size_t at)
{
	uint32_t value;
	if (at > size || size - at < sizeof value)
		return 0;
	memcpy(&value, data + at, sizeof value);
	return value;
}

/* The one strip of a TIFF that leptonica wrote (in this machine's byte order): where it lies in `data`. */
static bool find_strip(const uint8_t *data, size_t size, size_t *ret_at, size_t *ret_len)
{
	enum { TAG_OFFSETS = 273, TAG_COUNTS = 279, TYPE_SHORT = 3, ENTRY = 12 };
	size_t directory = tiff_value(data, size, 4);
	uint32_t entries = tiff_value(data, size, directory) & 0xFFFF;
	*ret_at = *ret_len = 0;
	for (uint32_t i = 0; i < entries; i++) {
		size_t at = directory + 2 + (size_t)i * ENTRY;
		uint32_t head = tiff_value(data, size, at);
		uint32_t value = tiff_value(data, size, at + 8);
		if (tiff_value(data, size, at + 4) != 1)
			continue;
		if (head >> 16 == TYPE_SHORT)
			value &= 0xFFFF;
		if ((head & 0xFFFF) == TAG_OFFSETS)
			*ret_at = value;
		else if ((head & 0xFFFF) == TAG_COUNTS)
			*ret_len = value;
	}
	return *ret_len > 0 && *ret_at <= size && size - *ret_at >= *ret_len;
}

static enum err_code add_bilevel(struct image_pdf *pdf, uint32_t index, PIX *pix, struct err *err)
{
	uint32_t width = (uint32_t)pixGetWidth(pix);
	uint32_t height = (uint32_t)pixGetHeight(pix);
	cleanup_free uint8_t *tiff = NULL;
	size_t size = 0;
	size_t at;
	size_t len;
	if (pixWriteMemTiff(&tiff, &size, pix, IFF_TIFF_G4) != 0 || !find_strip(tiff, size, &at, &len))
		return err_set(err, ERR_NO_MEMORY, "no memory to pack a page");
	char entries[160];
	(void)snprintf(entries, sizeof entries,
		       "/BitsPerComponent 1 /ColorSpace /DeviceGray /Filter /CCITTFaxDecode "
		       "/DecodeParms << /K -1 /Columns %u /Rows %u >>",
		       width, height);
	add_page(pdf, index, width, height, media_sane_dpi(pixGetXRes(pix)), 1);
	add_image(pdf, index, width, height, entries, tiff + at, len);
	return ERR_OK;
}

/* Packs rows with PNG's filter "up", which suits scans. False without memory or room. */
static bool deflate_rows(PIX *pix, uint32_t channels, struct strbuf *out)
{
	size_t row_len = (size_t)pixGetWidth(pix) * channels;
	cleanup_free uint8_t *rows = calloc(2, row_len);
	cleanup_free uint8_t *filtered = malloc(row_len + 1);
	z_stream z = { 0 };
	if (!rows || !filtered || deflateInit(&z, 6) != Z_OK)
		return false;
	uint32_t height = (uint32_t)pixGetHeight(pix);
	int status = Z_OK;
	for (uint32_t y = 0; y < height && status == Z_OK; y++) {
		uint8_t *row = rows + (y % 2) * row_len;
		const uint8_t *above = rows + (1 - y % 2) * row_len;
		media_pix_row(pix, y, row);
		filtered[0] = 2;
		for (size_t i = 0; i < row_len; i++)
			filtered[i + 1] = (uint8_t)(row[i] - above[i]);
		z.next_in = filtered;
		z.avail_in = (uInt)row_len + 1;
		bool last = y + 1 == height;
		do {
			z.avail_out = 65536;
			z.next_out = strbuf_reserve(out, z.avail_out);
			status = z.next_out ? deflate(&z, last ? Z_FINISH : Z_NO_FLUSH) : Z_MEM_ERROR;
			strbuf_commit(out, status >= 0 ? 65536 - z.avail_out : 0);
		} while ((status == Z_OK && (z.avail_in > 0 || last)));
	}
	(void)deflateEnd(&z);
	return status == Z_STREAM_END;
}

static enum err_code add_lossless(struct image_pdf *pdf, uint32_t index, PIX *pix, struct err *err)
{
	uint32_t channels = pixGetDepth(pix) == 32 ? 3 : 1;
	uint32_t width = (uint32_t)pixGetWidth(pix);
	uint32_t height = (uint32_t)pixGetHeight(pix);
	cleanup_strbuf struct strbuf packed = STRBUF_INIT(pdf->out->max);
	if (!deflate_rows(pix, channels, &packed))
		return err_set(err, ERR_NO_MEMORY, "no memory to pack a page");
	char entries[200];
	(void)snprintf(entries, sizeof entries,
		       "/BitsPerComponent 8 /ColorSpace /Device%s /Filter /FlateDecode "
		       "/DecodeParms << /Predictor 15 /Colors %u /BitsPerComponent 8 /Columns %u >>",
		       channels == 3 ? "RGB" : "Gray", channels, width);
	add_page(pdf, index, width, height, media_sane_dpi(pixGetXRes(pix)), 1);
	add_image(pdf, index, width, height, entries, packed.data, packed.len);
	return ERR_OK;
}

static enum err_code add_document_page(struct image_pdf *pdf, struct media_document *d, uint32_t index, struct err *err)
{
	cleanup_pix PIX *pix = NULL;
	enum err_code code = media_image_decode(d, index, &pix, err);
	if (code != ERR_OK)
		return code;
	struct jpeg_info info;
	if (strcmp(d->kind, "jpeg") == 0 && media_jpeg_info(d->data, d->size, &info) &&
	    add_jpeg(pdf, d, &info, media_sane_dpi(pixGetXRes(pix))))
		return ERR_OK;
	code = media_pix_simplify(&pix, err);
	if (code != ERR_OK)
		return code;
	return pixGetDepth(pix) == 1 ? add_bilevel(pdf, index, pix, err) : add_lossless(pdf, index, pix, err);
}

static void write_end(struct image_pdf *pdf)
{
	struct strbuf *out = pdf->out;
	uint32_t objects = OBJ_FIRST_PAGE + pdf->pages * OBJECTS_PER_PAGE;
	begin_object(pdf, OBJ_PAGES);
	strbuf_addf(out, "<< /Type /Pages /Count %u /Kids [", pdf->pages);
	for (uint32_t i = 0; i < pdf->pages; i++)
		strbuf_addf(out, "%u 0 R\n", OBJ_FIRST_PAGE + i * OBJECTS_PER_PAGE);
	strbuf_add_str(out, "] >>\nendobj\n");
	begin_object(pdf, OBJ_CATALOG);
	strbuf_addf(out, "<< /Type /Catalog /Pages %d 0 R >>\nendobj\n", OBJ_PAGES);
	size_t table_at = out->len;
	strbuf_addf(out, "xref\n0 %u\n0000000000 65535 f \n", objects);
	for (uint32_t i = 1; i < objects; i++)
		strbuf_addf(out, "%010zu 00000 n \n", pdf->offsets[i]);
	strbuf_addf(out, "trailer\n<< /Size %u /Root %d 0 R >>\nstartxref\n%zu\n%%%%EOF\n", objects, OBJ_CATALOG,
		    table_at);
}

/* A page that cannot be decoded keeps its place: the text's pages must still match. */
static void add_empty(struct image_pdf *pdf, uint32_t index)
{
	static const uint8_t white = 255;
	add_page(pdf, index, 1, 1, 0, 1);
	add_image(pdf, index, 1, 1, "/BitsPerComponent 8 /ColorSpace /DeviceGray", &white, 1);
}

enum err_code media_image_to_pdf(struct media_document *d, struct strbuf *out, struct err *err)
{
	struct image_pdf pdf = { .out = out, .pages = d->pages };
	cleanup_free size_t *offsets = calloc(OBJ_FIRST_PAGE + (size_t)d->pages * OBJECTS_PER_PAGE, sizeof *offsets);
	if (!offsets)
		return err_set(err, ERR_NO_MEMORY, "no memory for a PDF");
	pdf.offsets = offsets;
	strbuf_add_str(out, "%PDF-1.5\n%\xE2\xE3\xCF\xD3\n");
	for (uint32_t i = 0; i < d->pages; i++) {
		enum err_code code = add_document_page(&pdf, d, i, err);
		if (code == ERR_NO_MEMORY)
			return code;
		if (code != ERR_OK)
			add_empty(&pdf, i);
	}
	write_end(&pdf);
	return strbuf_check(out, "the PDF", err);
}
