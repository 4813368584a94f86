#include "jail/client_priv.h"

#include <stdlib.h>

#include "base/cleanup.h"

/* -- the queue of pages that were asked for -------------------------------------------------------- */

static enum err_code push_page(struct page_queue *queue, uint32_t page, struct err *err)
{
	if (queue->count >= LIMIT_PAGES)
		return err_set(err, ERR_TOO_BIG, "%d pages are waiting already", LIMIT_PAGES);
	if (!queue->pages) {
		queue->pages = malloc(LIMIT_PAGES * sizeof *queue->pages);
		if (!queue->pages)
			return err_set(err, ERR_NO_MEMORY, "no memory for the pages that wait");
	}
	queue->pages[(queue->first + queue->count) % LIMIT_PAGES] = page;
	queue->count++;
	return ERR_OK;
}

/* Asks for waiting pages, as many as may be ahead. */
static enum err_code send_renders(struct jail *jail, struct err *err)
{
	struct page_queue *queue = &jail->queue;
	while (jail->page_count > 0 && queue->sent < queue->count && queue->sent < JAIL_RENDERS_AHEAD) {
		cleanup_strbuf struct strbuf fields = STRBUF_INIT(16);
		jail_pack_page(&fields, queue->pages[(queue->first + queue->sent) % LIMIT_PAGES]);
		if (jail_send(jail, JAIL_RENDER, &fields, -1, err) != ERR_OK)
			return err->code;
		queue->sent++;
	}
	return ERR_OK;
}

/* An answer must be about the page that was asked for first. */
static enum err_code pop_page(struct jail *jail, uint32_t page, struct err *err)
{
	struct page_queue *queue = &jail->queue;
	if (queue->sent == 0 || queue->pages[queue->first] != page)
		return err_set(err, ERR_PROTOCOL, "page %u comes without being asked for", page);
	queue->first = (queue->first + 1) % LIMIT_PAGES;
	queue->count--;
	queue->sent--;
	return send_renders(jail, err);
}

/* -- answers --------------------------------------------------------------------------------------- */

static enum err_code take_document(struct jail *jail, const struct frame *frame, struct err *err)
{
	struct jail_document_info info;
	if (jail_unpack_document(frame, &info, err) != ERR_OK)
		return err->code;
	if (jail->page_count > 0)
		return err_set(err, ERR_PROTOCOL, "a document is described twice");
	jail->page_count = info.pages;
	if (send_renders(jail, err) != ERR_OK)
		return err->code;
	jail->events->on_document(jail->owner, &info);
	return ERR_OK;
}

static enum err_code take_raster(struct jail *jail, struct frame *frame, struct err *err)
{
	uint32_t page;
	struct ocr_raster raster;
	if (jail_unpack_raster(frame, &page, &raster, err) != ERR_OK ||
	    jail_check_bulk(frame, (uint64_t)raster.height * raster.stride, err) != ERR_OK ||
	    pop_page(jail, page, err) != ERR_OK)
		return err->code;
	jail->events->on_raster(jail->owner, page, &raster, &frame->fds[0]);
	return ERR_OK;
}

static enum err_code take_text(struct jail *jail, const struct frame *frame, struct err *err)
{
	uint32_t page;
	cleanup_map struct io_map map = { 0 };
	if (jail_unpack_page(frame, &page, err) != ERR_OK)
		return err->code;
	if (frame->fd_count != 1)
		return err_set(err, ERR_PROTOCOL, "a page of text brings %d bulk objects", frame->fd_count);
	if (io_map_sealed(frame->fds[0], JAIL_TEXT_PAGE_BYTES, &map, err) != ERR_OK)
		return err->code;
	cleanup_page struct ocr_page text;
	if (ocr_page_unpack(map.data, map.size, &text, err) != ERR_OK || pop_page(jail, page, err) != ERR_OK)
		return err->code;
	jail->events->on_text_page(jail->owner, page, &text);
	return ERR_OK;
}

static enum err_code take_failed_page(struct jail *jail, const struct frame *frame, struct err *err)
{
	uint32_t page;
	struct err why;
	if (jail_unpack_page_failed(frame, &page, &why, err) != ERR_OK || pop_page(jail, page, err) != ERR_OK)
		return err->code;
	jail->events->on_page_failed(jail->owner, page, &why);
	return ERR_OK;
}

static enum err_code take_pdf(struct jail *jail, struct frame *frame, struct err *err)
{
	uint64_t size;
	if (!jail->composing || frame->len > 0 || frame->fd_count != 1)
		return err_set(err, ERR_PROTOCOL, "a PDF comes without being asked for");
	if (io_check_sealed(frame->fds[0], LIMIT_BULK_BYTES, &size, err) != ERR_OK)
		return err->code;
	jail->composing = false;
	jail->events->on_pdf(jail->owner, &frame->fds[0], size);
	return ERR_OK;
}

static enum err_code take(struct jail *jail, struct frame *frame, struct err *err)
{
	switch (frame->type) {
	case JAIL_DOCUMENT:
		return take_document(jail, frame, err);
	case JAIL_RASTER:
		return take_raster(jail, frame, err);
	case JAIL_TEXT_PAGE:
		return take_text(jail, frame, err);
	case JAIL_PAGE_FAILED:
		return take_failed_page(jail, frame, err);
	case JAIL_PDF:
		return take_pdf(jail, frame, err);
	default:
		return err_set(err, ERR_PROTOCOL, "message %u is none about pages", frame->type);
	}
}

static bool is_busy(const struct jail *jail)
{
	return jail->page_count == 0 || jail->queue.sent > 0 || jail->composing;
}

static const struct jail_kind_ops ops = { .program = "tiro-jail-pages", .take = take, .is_busy = is_busy };

/* -- calls ----------------------------------------------------------------------------------------- */

enum err_code jail_open_pages(uv_loop_t *loop, const struct jail_source *source,
			      const struct jail_pages_options *options, const struct jail_events *events, void *owner,
			      struct jail **ret, struct err *err)
{
	struct jail_open open = {
		.kind = JAIL_KIND_PAGES,
		.size = source->size,
		.pdf_dpi = options->pdf_dpi,
		.ignore_text_layer = options->ignore_text_layer,
	};
	struct jail *jail = jail_new(&ops, source, events, owner);
	if (!jail)
		return err_set(err, ERR_NO_MEMORY, "no memory for a jail");
	if (jail_start(jail, loop, &open, -1, err) != ERR_OK)
		return err->code;
	*ret = jail;
	return ERR_OK;
}

enum err_code jail_render(struct jail *jail, uint32_t page, struct err *err)
{
	if (jail->page_count > 0 && page >= jail->page_count)
		return err_set(err, ERR_INVALID, "the document has %u pages, there is no page %u", jail->page_count,
			       page + 1);
	if (jail->ended)
		return err_set(err, ERR_CRASHED, "the decoder is gone");
	jail_enter(jail);
	enum err_code code = push_page(&jail->queue, page, err);
	if (code == ERR_OK)
		code = send_renders(jail, err);
	jail_leave(jail);
	return code;
}

enum err_code jail_compose_pdf(struct jail *jail, int overlay_fd, struct err *err)
{
	if (jail->composing)
		return err_set(err, ERR_INVALID, "a PDF is being composed already");
	jail_enter(jail);
	enum err_code code = jail_send(jail, JAIL_COMPOSE_PDF, NULL, overlay_fd, err);
	jail->composing = code == ERR_OK;
	jail_leave(jail);
	return code;
}
