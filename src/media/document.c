#include "media/document.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "media/compose.h"
#include "media/document_priv.h"

/* Resolutions that a scanner, a camera or a program can mean. */
#define DPI_MIN 30.0
#define DPI_MAX 4800.0

uint32_t media_sane_dpi(double dpi)
{
	return dpi >= DPI_MIN && dpi <= DPI_MAX ? (uint32_t)(dpi + 0.5) : 0;
}

enum err_code media_check_size(uint64_t width, uint64_t height, struct err *err)
{
	if (width == 0 || height == 0)
		return err_set(err, ERR_BAD_MEDIA, "the image has no size");
	if (width > LIMIT_PAGE_SIDE || height > LIMIT_PAGE_SIDE || width * height > LIMIT_PAGE_PIXELS)
		return err_set(err, ERR_TOO_BIG,
			       "the image has %llu x %llu pixels, at most %d on a side and %llu in all are read",
			       (unsigned long long)width, (unsigned long long)height, LIMIT_PAGE_SIDE,
			       (unsigned long long)LIMIT_PAGE_PIXELS);
	return ERR_OK;
}

bool media_is_pdf(const void *start, size_t len)
{
	return len >= 5 && memmem(start, len < MEDIA_SNIFF_BYTES ? len : MEDIA_SNIFF_BYTES, "%PDF-", 5) != NULL;
}

void media_text_done(struct media_text *text)
{
	free(text->glyphs);
	*text = (struct media_text){ 0 };
}

static enum err_code load(const struct media_input *input, struct media_document *d, struct err *err)
{
	if (input->size == 0)
		return err_set(err, ERR_BAD_MEDIA, "the file is empty");
	if (input->size > MEDIA_DOCUMENT_BYTES)
		return err_set(err, ERR_TOO_BIG, "the file has %llu bytes, at most %llu are read",
			       (unsigned long long)input->size, (unsigned long long)MEDIA_DOCUMENT_BYTES);
	d->data = malloc((size_t)input->size);
	if (!d->data)
		return err_set(err, ERR_NO_MEMORY, "no memory for a file of %llu bytes",
			       (unsigned long long)input->size);
	while (d->size < input->size) {
		size_t n = 0;
		if (input->read(input->ctx, d->size, d->data + d->size, (size_t)input->size - d->size, &n, err) !=
		    ERR_OK)
			return err->code;
		if (n == 0)
			return err_set(err, ERR_IO, "the file ended after %zu of %llu bytes", d->size,
				       (unsigned long long)input->size);
		d->size += n;
	}
	return ERR_OK;
}

enum err_code media_document_open(const struct media_input *input, const struct media_document_options *options,
				  struct media_document **ret, struct err *err)
{
	cleanup_document struct media_document *d = calloc(1, sizeof *d);
	if (!d)
		return err_set(err, ERR_NO_MEMORY, "no memory for a document");
	d->options = *options;
	enum err_code code = load(input, d, err);
	if (code == ERR_OK)
		code = media_is_pdf(d->data, d->size) ? media_open_pdf(d, err) : media_open_image(d, err);
	if (code == ERR_OK)
		*ret = steal_ptr(&d);
	return code;
}

void media_document_close(struct media_document *d)
{
	if (!d)
		return;
	if (d->backend)
		d->backend->close(d);
	free(d->tiff_offsets);
	free(d->data);
	free(d);
}

void media_document_close_ptr(struct media_document **document)
{
	media_document_close(*document);
}

uint32_t media_document_pages(const struct media_document *d)
{
	return d->pages;
}

const char *media_document_kind(const struct media_document *d)
{
	return d->kind;
}

enum err_code media_document_page(struct media_document *d, uint32_t page, const struct media_sink *sink,
				  struct media_page *ret, struct err *err)
{
	if (page >= d->pages)
		return err_set(err, ERR_INVALID, "there is no page %u, the file has %u", page + 1, d->pages);
	*ret = (struct media_page){ 0 };
	return d->backend->page(d, page, sink, ret, err);
}

enum err_code media_document_compose(struct media_document *d, const void *overlay, size_t overlay_len,
				     const struct media_sink *sink, struct err *err)
{
	/* Images without loss can grow; qpdf then holds the file once more. */
	cleanup_strbuf struct strbuf made = STRBUF_INIT((size_t)MEDIA_DOCUMENT_BYTES);
	struct compose_job job = {
		.base = d->data, .base_len = d->size, .overlay = overlay, .overlay_len = overlay_len
	};
	if (d->backend->to_pdf) {
		if (d->backend->to_pdf(d, &made, err) != ERR_OK)
			return err->code;
		job.base = made.data;
		job.base_len = made.len;
	}
	job.sink = sink;
	return media_compose(&job, err);
}
