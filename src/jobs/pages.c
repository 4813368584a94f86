/*
 * A document's way through the stages: the jail renders a few pages ahead, the engine reads them in any order, and
 * what is whole from the first page on is told in order. A page that fails does not stop the others.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "jobs/job_priv.h"
#include "ocr/pdf.h"

/* Pages of one document rendered beyond one per engine thread: the next is there when a thread is free. */
enum { RENDER_AHEAD = 1 };

/* The invisible text of a document while its PDF is being made. */
#define LIMIT_PDF_TEXT_LAYER ((size_t)256 * 1024 * 1024)

enum page_state { PAGE_PLANNED, PAGE_ASKED, PAGE_RENDERED, PAGE_DONE, PAGE_FAILED };

struct page {
	enum page_state state;
	int pixels_fd; /* -1 where there are none */
	struct ocr_raster raster;
	struct ocr_page result; /* PAGE_DONE */
	struct err why; /* PAGE_FAILED */
};

struct pages_job {
	struct job base;
	struct pages_request request;
	struct jail *jail;
	struct page *pages;
	uint32_t page_count;
	uint32_t next_render;
	uint32_t in_flight; /* asked for or rendered, and not done */
	uint32_t told; /* pages given to the owner */
	bool any_good;
	struct strbuf overlay;
	struct ocr_pdf *pdf; /* NULL where none was asked for */
};

static struct pages_job *self(struct job *job)
{
	return (struct pages_job *)job;
}

static void release_pixels(struct page *page)
{
	if (page->pixels_fd >= 0)
		(void)close(steal_fd(&page->pixels_fd));
}

/* -- rendering ------------------------------------------------------------------------------------------------ */

static enum err_code render_more(struct pages_job *p, struct err *err)
{
	uint32_t window = (uint32_t)job_threads(&p->base) + RENDER_AHEAD;
	while (p->next_render < p->page_count && p->in_flight < window) {
		if (jail_render(p->jail, p->next_render, err) != ERR_OK)
			return err->code;
		p->pages[p->next_render++].state = PAGE_ASKED;
		p->in_flight++;
	}
	return ERR_OK;
}

static enum err_code tell_page(struct pages_job *p, uint32_t number, struct err *err)
{
	struct page *page = &p->pages[number];
	const struct ocr_page *result = page->state == PAGE_DONE ? &page->result : NULL;
	if (p->base.events->on_page)
		p->base.events->on_page(p->base.owner, number, result, &page->why);
	if (p->base.ending || !p->pdf)
		return ERR_OK;
	struct ocr_page empty = { .width = 1, .height = 1, .dpi = 72 };
	/* The text layer has as many pages as the document, also where one could not be read. */
	return ocr_pdf_add(p->pdf, result ? result : &empty, err);
}

/* Tells the pages that are whole from the first on, and asks for more. */
static void advance(struct pages_job *p)
{
	struct err err;
	while (p->told < p->page_count && p->pages[p->told].state >= PAGE_DONE) {
		struct page *page = &p->pages[p->told];
		if (tell_page(p, p->told, &err) != ERR_OK) {
			job_fail(&p->base, &err);
			return;
		}
		if (p->base.ending)
			return;
		ocr_page_done(&page->result);
		p->told++;
	}
	if (render_more(p, &err) != ERR_OK) {
		job_fail(&p->base, &err);
		return;
	}
	job_progressed(&p->base, (double)(p->base.progress.parts_done + 1) / p->page_count);
	job_part_done(&p->base);
}

static void fail_page(struct pages_job *p, uint32_t number, const struct err *why)
{
	struct page *page = &p->pages[number];
	release_pixels(page);
	page->state = PAGE_FAILED;
	page->why = *why;
	p->in_flight--;
	if (p->base.why.code == ERR_OK) {
		p->base.why = *why;
		if (p->page_count > 1)
			(void)err_prefix(&p->base.why, "page %u", number + 1);
	}
	advance(p);
}

/* A page was read: takes over what is lent. */
static void page_done(struct pages_job *p, uint32_t number, struct ocr_page *lent)
{
	struct page *page = &p->pages[number];
	page->result = *lent;
	*lent = (struct ocr_page){ 0 };
	release_pixels(page);
	page->state = PAGE_DONE;
	p->any_good = true;
	p->in_flight--;
	advance(p);
}

/* True for a page that the jail owes us; anything else it says about pages is a lie. */
static bool is_owed(struct pages_job *p, uint32_t number)
{
	if (number < p->page_count && p->pages[number].state == PAGE_ASKED)
		return true;
	struct err err;
	(void)err_set(&err, ERR_PROTOCOL, "the decoder answered for page %u, which was not asked for", number + 1);
	job_fail(&p->base, &err);
	return false;
}

static void on_document(void *owner, const struct jail_document_info *info)
{
	struct pages_job *p = owner;
	struct err err;
	if (p->pages || info->pages == 0 || info->pages > LIMIT_PAGES) {
		(void)err_set(&err, info->pages ? ERR_TOO_BIG : ERR_BAD_MEDIA,
			      "the document has %u pages, 1 to %d can be read", info->pages, LIMIT_PAGES);
		job_fail(&p->base, &err);
		return;
	}
	p->pages = calloc(info->pages, sizeof *p->pages);
	if (!p->pages) {
		(void)err_set(&err, ERR_NO_MEMORY, "no memory for %u pages", info->pages);
		job_fail(&p->base, &err);
		return;
	}
	p->page_count = info->pages;
	for (uint32_t i = 0; i < p->page_count; i++)
		p->pages[i].pixels_fd = -1;
	p->base.progress.parts_planned = p->page_count;
	if (render_more(p, &err) != ERR_OK)
		job_fail(&p->base, &err);
	else
		job_planned(&p->base, false);
}

static void on_raster(void *owner, uint32_t number, const struct ocr_raster *raster, int *fd)
{
	struct pages_job *p = owner;
	if (!is_owed(p, number))
		return;
	struct page *page = &p->pages[number];
	page->raster = *raster;
	page->pixels_fd = steal_fd(fd);
	page->state = PAGE_RENDERED;
	struct err err;
	if (job_publish(&p->base, number, 1, &err) != ERR_OK)
		job_fail(&p->base, &err);
}

static void on_text_page(void *owner, uint32_t number, struct ocr_page *text)
{
	struct pages_job *p = owner;
	if (!is_owed(p, number))
		return;
	page_done(p, number, text);
}

static void on_page_failed(void *owner, uint32_t number, const struct err *why)
{
	struct pages_job *p = owner;
	if (is_owed(p, number))
		fail_page(p, number, why);
}

static void on_pdf(void *owner, int *fd, uint64_t size)
{
	struct pages_job *p = owner;
	if (p->base.events->on_pdf)
		p->base.events->on_pdf(p->base.owner, *fd, size);
	job_finished(&p->base);
}

static void on_jail_end(void *owner, int64_t duration_us, const struct err *why)
{
	(void)duration_us;
	struct pages_job *p = owner;
	jail_close(steal_ptr(&p->jail));
	job_fail(&p->base, why);
}

static const struct jail_events jail_callbacks = { .on_document = on_document,
						   .on_raster = on_raster,
						   .on_text_page = on_text_page,
						   .on_page_failed = on_page_failed,
						   .on_pdf = on_pdf,
						   .on_end = on_jail_end };

static enum err_code plan(struct job *job, struct err *err)
{
	struct pages_job *p = self(job);
	return jail_open_pages(job_loop(job), &p->request.source, &p->request.jail, &jail_callbacks, p, &p->jail, err);
}

/* -- reading ---------------------------------------------------------------------------------------------------- */

static enum err_code recognise(struct job *job, uint32_t index, uint32_t task, bool lone, struct err *err)
{
	(void)lone;
	struct pages_job *p = self(job);
	struct page *page = &p->pages[index];
	return engine_read_page(job_engine(job), task, page->pixels_fd, &page->raster, &p->request.options, err);
}

/* Reasons that hold for every page of the document. */
static bool is_for_all(enum err_code code)
{
	return code == ERR_INVALID || code == ERR_UNAVAILABLE || code == ERR_CANCELLED;
}

static void recognised(struct job *job, uint32_t index, struct asr_transcript *speech, struct ocr_page *result,
		       const struct err *why)
{
	(void)speech;
	struct pages_job *p = self(job);
	if (!result && is_for_all(why->code)) {
		job_fail(job, why);
		return;
	}
	if (!result) {
		fail_page(p, index, why);
		return;
	}
	page_done(p, index, result);
}

/* -- finish ------------------------------------------------------------------------------------------------------- */

static enum err_code compose(struct pages_job *p, struct err *err)
{
	if (ocr_pdf_end(p->pdf, err) != ERR_OK || strbuf_check(&p->overlay, "the text layer", err) != ERR_OK)
		return err->code;
	cleanup_close int fd = -1;
	if (io_memfd("overlay", &fd, err) != ERR_OK ||
	    io_write_all(fd, p->overlay.data, p->overlay.len, err) != ERR_OK || io_memfd_seal(fd, err) != ERR_OK)
		return err->code;
	strbuf_done(&p->overlay);
	return jail_compose_pdf(p->jail, fd, err);
}

static void finish(struct job *job)
{
	struct pages_job *p = self(job);
	if (!p->pdf || !p->any_good) {
		job_finished(job);
		return;
	}
	struct err err;
	if (compose(p, &err) != ERR_OK)
		job_fail(job, &err);
}

static void stop(struct job *job)
{
	jail_close(steal_ptr(&self(job)->jail));
}

static void free_pages(struct job *job)
{
	struct pages_job *p = self(job);
	for (uint32_t i = 0; i < p->page_count; i++) {
		release_pixels(&p->pages[i]);
		ocr_page_done(&p->pages[i].result);
	}
	free(p->pages);
	ocr_pdf_free(p->pdf);
	strbuf_done(&p->overlay);
	free(p);
}

static const struct job_ops pages_ops = { .plan = plan,
					  .recognise = recognise,
					  .recognised = recognised,
					  .finish = finish,
					  .stop = stop,
					  .free = free_pages };

enum err_code node_add_pages(struct node *node, const struct pages_request *request, const struct job_events *events,
			     void *owner, struct job **ret, struct err *err)
{
	struct pages_job *p = calloc(1, sizeof *p);
	if (!p)
		return err_set(err, ERR_NO_MEMORY, "no memory for a job");
	p->base.ops = &pages_ops;
	p->base.events = events;
	p->base.owner = owner;
	p->request = *request;
	p->overlay.max = LIMIT_PDF_TEXT_LAYER;
	if (request->want_pdf && ocr_pdf_new(&p->overlay, &p->pdf, err) != ERR_OK) {
		free_pages((struct job *)p);
		return err->code;
	}
	enum err_code code = job_start(node, &p->base, request->weight, request->priority, err);
	if (code == ERR_OK)
		*ret = (struct job *)p;
	return code;
}
