/*
 * A reader for tests: finds one line "page WIDTH x HEIGHT" whatever the raster shows. The language hint can make it
 * misbehave: "fake:sleep" reads until it is aborted, "fake:fail" fails, "fake:crash" ends the process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ocr/engine.h"

/* Sessions and models hold nothing; one byte gives each an address of its own. */
struct ocr_model {
	char unused;
};

struct ocr_session {
	char unused;
};

static enum err_code model_open(const struct ocr_model_spec *spec, struct ocr_model **ret, struct err *err)
{
	(void)spec;
	*ret = calloc(1, sizeof **ret);
	return *ret ? ERR_OK : err_set(err, ERR_NO_MEMORY, "no memory for a model");
}

static void model_close(struct ocr_model *model)
{
	free(model);
}

static enum err_code session_open(struct ocr_model *model, struct ocr_session **ret, struct err *err)
{
	(void)model;
	*ret = calloc(1, sizeof **ret);
	return *ret ? ERR_OK : err_set(err, ERR_NO_MEMORY, "no memory for a session");
}

static void session_close(struct ocr_session *session)
{
	free(session);
}

static enum err_code misbehave(const char *hint, ocr_abort_fn *abort_asked, void *abort_ctx, struct err *err)
{
	if (strcmp(hint, "fake:crash") == 0)
		abort();
	if (strcmp(hint, "fake:fail") == 0)
		return err_set(err, ERR_INVALID, "the fake reader was told to fail");
	const struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };
	while (strcmp(hint, "fake:sleep") == 0 && !abort_asked(abort_ctx))
		(void)nanosleep(&pause, NULL);
	if (abort_asked(abort_ctx))
		return err_set(err, ERR_CANCELLED, "the page was cancelled");
	return ERR_OK;
}

static enum err_code add_words(struct ocr_page *page, const struct ocr_raster *raster, struct err *err)
{
	char words[4][16] = { "page", "", "x", "" };
	(void)snprintf(words[1], sizeof words[1], "%u", raster->width);
	(void)snprintf(words[3], sizeof words[3], "%u", raster->height);
	int32_t width = (int32_t)raster->width;
	int32_t height = (int32_t)raster->height;
	if (ocr_page_add_block(page, OCR_BLOCK_TEXT, err) != ERR_OK ||
	    ocr_page_add_line(page, (float)height, 0, err) != ERR_OK)
		return err->code;
	for (int32_t i = 0; i < 4; i++) {
		struct ocr_word word = { .box = { i * width / 4, 0, (i + 1) * width / 4, height },
					 .confidence = 1,
					 .space_before = i > 0 };
		if (ocr_page_add_word(page, &word, words[i], strlen(words[i]), err) != ERR_OK)
			return err->code;
	}
	return ERR_OK;
}

static enum err_code read_page(struct ocr_session *session, const struct ocr_raster *raster,
			       const struct ocr_options *options, ocr_abort_fn *abort_asked, void *abort_ctx,
			       struct ocr_page *ret, struct err *err)
{
	(void)session;
	ocr_page_init(ret);
	if (misbehave(options->language, abort_asked, abort_ctx, err) != ERR_OK)
		return err->code;
	ret->width = raster->width;
	ret->height = raster->height;
	ret->dpi = raster->dpi ? raster->dpi : 300;
	(void)snprintf(ret->source, sizeof ret->source, "fake");
	/* Four words need four columns. */
	if (raster->width < 4)
		return ERR_OK;
	enum err_code code = add_words(ret, raster, err);
	if (code != ERR_OK)
		ocr_page_done(ret);
	return code;
}

const struct ocr_engine_ops ocr_fake_engine = { .name = "fake",
						.model_open = model_open,
						.model_close = model_close,
						.session_open = session_open,
						.session_close = session_close,
						.read = read_page };
