#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ocr/format.h"
#include "pages_visit.h"

static void on_read(void *ctx, struct jail_read *read)
{
	struct visit *v = ctx;
	size_t left = read->offset < v->file.len ? v->file.len - (size_t)read->offset : 0;
	jail_read_done(read, left > 0 ? v->file.data + read->offset : "", left < read->len ? left : read->len, NULL);
}

static void finish(struct visit *v)
{
	jail_close(v->jail);
	v->jail = NULL;
}

static void answered(struct visit *v)
{
	struct err err;
	if (++v->answered < v->ask)
		return;
	if (v->overlay_fd >= 0)
		assert_int_equal(jail_compose_pdf(v->jail, v->overlay_fd, &err), ERR_OK);
	else
		finish(v);
}

static void on_document(void *owner, const struct jail_document_info *info)
{
	struct visit *v = owner;
	struct err err;
	v->document = *info;
	v->ask = info->pages < v->ask ? info->pages : v->ask;
	for (uint32_t i = 0; i < v->ask; i++)
		assert_int_equal(jail_render(v->jail, i, &err), ERR_OK);
}

static void on_raster(void *owner, uint32_t page, const struct ocr_raster *raster, int *fd)
{
	struct visit *v = owner;
	struct err err;
	v->rasters[page] = *raster;
	assert_int_equal(io_map_sealed(*fd, LIMIT_BULK_BYTES, &v->pixels[page], &err), ERR_OK);
	assert_int_equal(v->pixels[page].size, (size_t)raster->stride * raster->height);
	answered(v);
}

static void on_text_page(void *owner, uint32_t page, struct ocr_page *text)
{
	struct visit *v = owner;
	(void)page;
	v->text_pages++;
	assert_string_equal(text->source, "text-layer");
	ocr_page_paragraph_text(text, &v->text);
	answered(v);
}

static void on_page_failed(void *owner, uint32_t page, const struct err *why)
{
	struct visit *v = owner;
	(void)page;
	v->page_error = *why;
	answered(v);
}

static void on_pdf(void *owner, int *fd, uint64_t size)
{
	struct visit *v = owner;
	struct err err;
	assert_int_equal(io_map_sealed(*fd, LIMIT_BULK_BYTES, &v->pdf, &err), ERR_OK);
	assert_int_equal(v->pdf.size, size);
	finish(v);
}

static void on_end(void *owner, int64_t duration_us, const struct err *why)
{
	struct visit *v = owner;
	(void)duration_us;
	v->end = *why;
	finish(v);
}

static const struct jail_events events = {
	.on_document = on_document,
	.on_raster = on_raster,
	.on_text_page = on_text_page,
	.on_page_failed = on_page_failed,
	.on_pdf = on_pdf,
	.on_end = on_end,
};

void visit_run(struct visit *v, bool ignore_text_layer)
{
	struct err err;
	struct jail_source source = { .size = v->file.len, .read = on_read, .ctx = v };
	struct jail_pages_options options = { .ignore_text_layer = ignore_text_layer };
	v->ask = PAGES_MAX;
	assert_int_equal(uv_loop_init(&v->loop), 0);
	assert_int_equal(jail_open_pages(&v->loop, &source, &options, &events, v, &v->jail, &err), ERR_OK);
	assert_int_equal(uv_run(&v->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&v->loop), 0);
}

void visit_init(struct visit *v)
{
	*v = (struct visit){ .file = STRBUF_INIT((size_t)64 << 20),
			     .text = STRBUF_INIT((size_t)1 << 20),
			     .overlay_fd = -1 };
}

void visit_done(struct visit *v)
{
	strbuf_done(&v->file);
	strbuf_done(&v->text);
	for (size_t i = 0; i < PAGES_MAX; i++)
		io_unmap(&v->pixels[i]);
	io_unmap(&v->pdf);
	if (v->overlay_fd >= 0)
		(void)close(v->overlay_fd);
}

bool visit_load(struct strbuf *out, const char *name)
{
	struct err err;
	char path[1024];
	(void)snprintf(path, sizeof path, "%s/%s", getenv("TIRO_PAGES"), name);
	enum err_code code = io_read_file(path, out, &err);
	if (code != ERR_NOT_FOUND)
		assert_int_equal(code, ERR_OK);
	return code == ERR_OK;
}
