/*
 * For src/media's page decoders only.
 */
#ifndef TIRO_MEDIA_DOCUMENT_PRIV_H
#define TIRO_MEDIA_DOCUMENT_PRIV_H

#include "base/limits.h"
#include "media/document.h"

struct media_backend {
	enum err_code (*page)(struct media_document *d, uint32_t page, const struct media_sink *sink,
			      struct media_page *ret, struct err *err);
	/* The file as a PDF without text; *ret_bytes may point into the document. NULL: it is one. */
	enum err_code (*to_pdf)(struct media_document *d, struct strbuf *out, struct err *err);
	void (*close)(struct media_document *d);
};

struct media_document {
	const struct media_backend *backend;
	struct media_document_options options;
	uint8_t *data; /* owned; the file */
	size_t size;
	const char *kind;
	uint32_t pages;
	uint64_t *tiff_offsets; /* owned; of the directories, by page; TIFF only */
	void *pdf; /* PopplerDocument; owned; PDF only */
};

enum err_code media_open_image(struct media_document *d, struct err *err) MUST_CHECK;
enum err_code media_open_pdf(struct media_document *d, struct err *err) MUST_CHECK;

/* Refuses a page over LIMIT_PAGE_SIDE or LIMIT_PAGE_PIXELS, or of no size. */
enum err_code media_check_size(uint64_t width, uint64_t height, struct err *err) MUST_CHECK;

/* A resolution as a file names it, or 0 where it cannot be meant. */
uint32_t media_sane_dpi(double dpi);

#endif
