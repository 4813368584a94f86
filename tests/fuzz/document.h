/* For the fuzz targets of page decoders: opens the bytes as a document, decodes some pages and makes a PDF of it. */
#ifndef TIRO_TESTS_FUZZ_DOCUMENT_H
#define TIRO_TESTS_FUZZ_DOCUMENT_H

#include <stdlib.h>
#include <string.h>

#include "media/document.h"

enum { FUZZ_PAGES = 3 };

struct fuzz_document {
	const uint8_t *data;
	size_t size;
	uint8_t *result;
};

static enum err_code fuzz_read(void *ctx, uint64_t offset, void *buffer, size_t len, size_t *ret_len, struct err *err)
{
	const struct fuzz_document *f = ctx;
	(void)err;
	size_t left = offset < f->size ? f->size - (size_t)offset : 0;
	*ret_len = left < len ? left : len;
	memcpy(buffer, f->data + offset, *ret_len);
	return ERR_OK;
}

static enum err_code fuzz_allocate(void *ctx, size_t size, uint8_t **ret, struct err *err)
{
	struct fuzz_document *f = ctx;
	free(f->result);
	f->result = calloc(1, size);
	*ret = f->result;
	return f->result ? ERR_OK : err_set(err, ERR_NO_MEMORY, "no memory");
}

static void fuzz_document(const uint8_t *data, size_t size)
{
	struct err err;
	struct fuzz_document f = { .data = data, .size = size };
	struct media_input input = { .size = size, .read = fuzz_read, .ctx = &f };
	struct media_document_options options = { .pdf_dpi = 40 };
	struct media_sink sink = { .allocate = fuzz_allocate, .ctx = &f };
	struct media_document *document;
	if (media_document_open(&input, &options, &document, &err) != ERR_OK)
		return;
	for (uint32_t i = 0; i < media_document_pages(document) && i < FUZZ_PAGES; i++) {
		struct media_page page;
		if (media_document_page(document, i, &sink, &page, &err) == ERR_OK)
			media_text_done(&page.text);
	}
	/* The file over itself: both sides of the composer see foreign bytes. */
	if (media_document_pages(document) <= FUZZ_PAGES)
		(void)(media_document_compose(document, data, size, &sink, &err) == ERR_OK);
	media_document_close(document);
	free(f.result);
}

#endif
