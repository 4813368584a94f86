/*
 * tiro-jail-pages: decodes one foreign file of pages for its parent and can reach nothing else (jail/worker.h).
 */

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "jail/pages_text.h"
#include "jail/worker.h"
#include "media/document.h"

/* Messages carry no more than a page's description or an error. */
enum { FIELDS_MAX = 4096 };

struct pages_jail {
	struct jail_worker *worker;
	struct media_document *document;
	struct strbuf fields;
	struct jail_bulk bulk; /* what the sink gave out last */
};

static enum err_code allocate_bulk(void *ctx, size_t size, uint8_t **ret, struct err *err)
{
	struct pages_jail *jail = ctx;
	jail_bulk_done(&jail->bulk);
	if (size > LIMIT_BULK_BYTES)
		return err_set(err, ERR_TOO_BIG, "the result has %zu bytes, at most %zu can be handed over", size,
			       LIMIT_BULK_BYTES);
	if (jail_bulk_new(size, &jail->bulk, err) != ERR_OK)
		return err->code;
	*ret = jail->bulk.data;
	return ERR_OK;
}

static enum err_code send_raster(struct pages_jail *jail, uint32_t number, const struct media_raster *from,
				 struct err *err)
{
	struct ocr_raster raster = { .width = from->width,
				     .height = from->height,
				     .channels = from->channels,
				     .stride = from->stride,
				     .dpi = from->dpi };
	jail_pack_raster(&jail->fields, number, &raster);
	return jail_bulk_send(jail->worker, &jail->bulk, JAIL_RASTER, &jail->fields, err);
}

static enum err_code send_text(struct pages_jail *jail, uint32_t number, struct media_text *text, struct err *err)
{
	cleanup_page struct ocr_page page;
	if (pages_text_to_page(text, &page, err) != ERR_OK)
		return err->code;
	cleanup_strbuf struct strbuf packed = STRBUF_INIT(JAIL_TEXT_PAGE_BYTES);
	ocr_page_pack(&page, &packed);
	uint8_t *room = NULL;
	if (strbuf_check(&packed, "the text of a page", err) != ERR_OK ||
	    allocate_bulk(jail, packed.len, &room, err) != ERR_OK)
		return err->code;
	memcpy(room, packed.data, packed.len);
	jail_pack_page(&jail->fields, number);
	return jail_bulk_send(jail->worker, &jail->bulk, JAIL_TEXT_PAGE, &jail->fields, err);
}

static enum err_code decode_page(struct pages_jail *jail, uint32_t number, struct err *err)
{
	struct media_sink sink = { .allocate = allocate_bulk, .ctx = jail };
	struct media_page page;
	enum err_code code = media_document_page(jail->document, number, &sink, &page, err);
	if (code != ERR_OK)
		return code;
	code = page.kind == MEDIA_PAGE_TEXT ? send_text(jail, number, &page.text, err)
					    : send_raster(jail, number, &page.raster, err);
	media_text_done(&page.text);
	return code;
}

/* A page that cannot be had is told; only a message that cannot be sent ends the jail. */
static enum err_code serve_page(struct pages_jail *jail, const struct frame *frame, struct err *err)
{
	uint32_t number;
	struct err why = { 0 };
	if (jail_unpack_page(frame, &number, err) != ERR_OK)
		return err->code;
	if (decode_page(jail, number, &why) == ERR_OK)
		return ERR_OK;
	jail_bulk_done(&jail->bulk);
	strbuf_clear(&jail->fields);
	jail_worker_judge(&why);
	jail_pack_page_failed(&jail->fields, number, &why);
	return jail_worker_send(jail->worker, JAIL_PAGE_FAILED, &jail->fields, -1, err);
}

static enum err_code serve_pdf(struct pages_jail *jail, const struct frame *frame, struct err *err)
{
	if (frame->fd_count != 1)
		return err_set(err, ERR_PROTOCOL, "the node sent no text for the PDF");
	cleanup_map struct io_map overlay = { 0 };
	struct media_sink sink = { .allocate = allocate_bulk, .ctx = jail };
	if (io_map_sealed(frame->fds[0], LIMIT_BULK_BYTES, &overlay, err) != ERR_OK ||
	    media_document_compose(jail->document, overlay.data, overlay.size, &sink, err) != ERR_OK)
		return err->code;
	return jail_bulk_send(jail->worker, &jail->bulk, JAIL_PDF, NULL, err);
}

static enum err_code serve(struct pages_jail *jail, struct err *err)
{
	for (;;) {
		struct frame frame;
		if (jail_worker_next(jail->worker, &frame, err) != ERR_OK)
			return err->code;
		enum err_code code = ERR_OK;
		if (frame.type == JAIL_RENDER)
			code = serve_page(jail, &frame, err);
		else if (frame.type == JAIL_COMPOSE_PDF)
			code = serve_pdf(jail, &frame, err);
		else
			code = err_set(err, ERR_PROTOCOL, "the node asked for something that pages do not have");
		frame_close_fds(&frame);
		if (code != ERR_OK)
			return code;
	}
}

/*
 * Confines this process. A PDF needs the system's fonts; whether the file is one is seen by comparing five bytes,
 * so that images are decoded without any file at hand. Nothing of the file is parsed before.
 */
static enum err_code confine(struct jail_worker *worker, struct err *err)
{
	char start[MEDIA_SNIFF_BYTES];
	size_t len = 0;
	const struct media_input *input = jail_worker_input(worker);
	if (input->read(input->ctx, 0, start, sizeof start, &len, err) != ERR_OK)
		return err->code;
	const char *const *read_paths = media_is_pdf(start, len) ? media_prepare_pdf() : NULL;
	return jail_worker_confine(LIMIT_BULK_BYTES, read_paths, err);
}

static enum err_code open_document(struct pages_jail *jail, const struct jail_open *open, struct err *err)
{
	struct media_document_options options = { .pdf_dpi = open->pdf_dpi,
						  .ignore_text_layer = open->ignore_text_layer };
	if (media_document_open(jail_worker_input(jail->worker), &options, &jail->document, err) != ERR_OK)
		return err->code;
	struct jail_document_info info = { .pages = media_document_pages(jail->document) };
	(void)snprintf(info.kind, sizeof info.kind, "%s", media_document_kind(jail->document));
	jail_pack_document(&jail->fields, &info);
	return jail_worker_send(jail->worker, JAIL_DOCUMENT, &jail->fields, -1, err);
}

int main(void)
{
	struct pages_jail jail = { .worker = jail_worker_start(),
				   .fields = STRBUF_INIT(FIELDS_MAX),
				   .bulk = JAIL_BULK_INIT };
	struct jail_open open;
	int fd = -1;
	struct err err = { 0 };
	if (jail_worker_open(jail.worker, JAIL_KIND_PAGES, &open, &fd, &err) == ERR_OK &&
	    confine(jail.worker, &err) == ERR_OK && open_document(&jail, &open, &err) == ERR_OK)
		(void)(serve(&jail, &err) == ERR_OK);
	/* Only failures come here: a node that is done closes the channel, which ends the process. */
	jail_worker_fail(jail.worker, &err);
}
