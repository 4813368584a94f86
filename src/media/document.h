/*
 * A foreign file of pages (an image, a multi-page TIFF, a PDF), decoded page by page. This is code for a jail: it hands
 * foreign bytes to leptonica, poppler, cairo and qpdf. Sizes and counts are read from headers and held against the
 * limits of base/limits.h before anything is decoded.
 *
 * The file is held in memory as a whole, one decoded page at a time besides.
 * One thread at a time.
 */
#ifndef TIRO_MEDIA_DOCUMENT_H
#define TIRO_MEDIA_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "media/input.h"

/* Largest file of pages: a thousand colour scans, or one uncompressed page of LIMIT_PAGE_PIXELS; a quarter of
 * LIMIT_JAIL_MEMORY, which has to hold decoded pages beside it. */
#define MEDIA_DOCUMENT_BYTES ((uint64_t)512 * 1024 * 1024)
/* Bytes at the start of a file that name its kind; a PDF may have so much in front of it (PDF 32000-1, annex H.3.4.1).
 */
#define MEDIA_SNIFF_BYTES ((size_t)1024)

struct media_document_options {
	uint32_t pdf_dpi; /* of rendered PDF pages; 0: MEDIA_PDF_DPI */
	bool ignore_text_layer; /* render pages that have real text too */
};

/* Resolution of rendered PDF pages where nobody asks for another: what recognition works best with. */
#define MEDIA_PDF_DPI 300
/* Pixels of a rendered PDF page; a larger one is rendered at a lower resolution. A2 at 300 dpi is 35 million. */
#define MEDIA_PDF_PIXELS ((uint64_t)50 * 1000 * 1000)

/* Where decoded bytes go: the caller gives zeroed memory of that size and keeps it. Called once per page. */
struct media_sink {
	enum err_code (*allocate)(void *ctx, size_t size, uint8_t **ret, struct err *err);
	void *ctx;
};

struct media_raster {
	uint32_t width, height;
	uint32_t channels; /* 1 grey, 3 RGB; 8 bits each */
	uint32_t stride; /* bytes from row to row */
	uint32_t dpi; /* what the file says, 0 where it says nothing sane */
};

/* One character of a text layer; pixels of a page of the named size, y down. */
struct media_glyph {
	uint32_t character; /* Unicode; '\n' ends a line, ' ' a word */
	float x0, y0, x1, y1;
};

struct media_text {
	uint32_t width, height, dpi;
	struct media_glyph *glyphs; /* owned; in reading order */
	size_t count;
};

void media_text_done(struct media_text *text);
#define cleanup_media_text cleanup(media_text_done)

struct media_document;

/* True where the bytes at the start of a file are those of a PDF. Compares only: safe outside of a sandbox too. */
bool media_is_pdf(const void *start, size_t len);

/*
 * Loads what poppler reads from the system (font configuration) while files may still be opened, and names what it
 * reads later: NULL-terminated, static. Only needed for PDFs.
 */
const char *const *media_prepare_pdf(void);

/*
 * Reads the file and finds out its kind and pages. Errors: ERR_BAD_MEDIA, ERR_TOO_BIG, ERR_NO_MEMORY and those of the
 * input; messages are for the user and do not name the file.
 */
enum err_code media_document_open(const struct media_input *input, const struct media_document_options *options,
				  struct media_document **ret, struct err *err) MUST_CHECK;
void media_document_close(struct media_document *document);
#define cleanup_document cleanup(media_document_close_ptr)
void media_document_close_ptr(struct media_document **document);

uint32_t media_document_pages(const struct media_document *document);
/* "png", "jpeg", "tiff", "pdf", ... */
const char *media_document_kind(const struct media_document *document);

enum media_page_kind { MEDIA_PAGE_RASTER, MEDIA_PAGE_TEXT };

struct media_page {
	enum media_page_kind kind;
	struct media_raster raster; /* its pixels are where the sink put them */
	struct media_text text; /* owned by the caller: media_text_done */
};

/*
 * Decodes one page (from 0): upright where the file says how it was held, alpha on white, as a raster into `sink`; or
 * the text of a PDF page that has real text. Errors as above; a page that fails leaves the others usable.
 */
enum err_code media_document_page(struct media_document *document, uint32_t page, const struct media_sink *sink,
				  struct media_page *ret, struct err *err) MUST_CHECK;

/*
 * The file as a PDF with our invisible text (`overlay`: a PDF with one page for each page of the file, see ocr/pdf.h)
 * over it. Pages of a PDF stay as they are, JPEG images keep their bytes; other images are packed without loss.
 */
enum err_code media_document_compose(struct media_document *document, const void *overlay, size_t overlay_len,
				     const struct media_sink *sink, struct err *err) MUST_CHECK;

#endif
