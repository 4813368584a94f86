#include "ocr/engine.h"

#include <stdlib.h>
#include <string.h>

#include "ocr/accurate.h"
#include "ocr/fast.h"
#include "ocr/language.h"
#include "ocr/tess.h"

struct ocr_model {
	struct ocr_installed *installed;
	struct pp_model *pp;
};

struct ocr_session {
	struct ocr_model *model;
	struct ocr_tess *tess;
	struct pp_session *pp; /* NULL until a page asks for high accuracy */
};

static void model_close(struct ocr_model *model)
{
	if (!model)
		return;
	ocr_installed_free(model->installed);
	pp_model_free(model->pp);
	free(model);
}

static enum err_code model_open(const struct ocr_model_spec *spec, struct ocr_model **ret, struct err *err)
{
	struct ocr_model *model = calloc(1, sizeof(*model));

	if (!model)
		return err_set(err, ERR_NO_MEMORY, "not enough memory for a reader of pages");
	enum err_code code = ocr_installed_scan(spec->tessdata, &model->installed, err);

	if (!code)
		code = pp_model_new(spec, &model->pp, err);
	if (code) {
		model_close(model);
		return code;
	}
	ocr_tess_setup();
	*ret = model;
	return ERR_OK;
}

static void session_close(struct ocr_session *session)
{
	if (!session)
		return;
	ocr_tess_free(session->tess);
	pp_session_close(session->pp);
	free(session);
}

static enum err_code session_open(struct ocr_model *model, struct ocr_session **ret, struct err *err)
{
	struct ocr_session *session = calloc(1, sizeof(*session));

	if (!session)
		return err_set(err, ERR_NO_MEMORY, "not enough memory for a reader of pages");
	session->model = model;
	enum err_code code = ocr_tess_new(ocr_installed_folder(model->installed), &session->tess, err);

	if (code) {
		session_close(session);
		return code;
	}
	*ret = session;
	return ERR_OK;
}

/* *ret_read false: the page is not for PP-OCR. */
static enum err_code read_accurately(struct ocr_session *session, const struct ocr_run *run, struct ocr_page *ret,
				     bool *ret_read, struct err *err)
{
	struct ocr_choice choice;
	bool hinted = run->options->language[0] != '\0';
	enum err_code code = ERR_OK;

	if (hinted)
		code = ocr_choice_by_hint(session->model->installed, run->options->language, &choice, err);
	if (!code && !session->pp && !(hinted && !choice.ppocr))
		code = pp_session_open(session->model->pp, &session->pp, err);
	if (code)
		return code;
	const struct ocr_accurate with = { session->pp, session->tess, session->model->installed };
	return ocr_accurate_read(&with, run, hinted ? &choice : NULL, ret, ret_read, err);
}

static enum err_code reader_read(struct ocr_session *session, const struct ocr_raster *raster,
				 const struct ocr_options *options, ocr_abort_fn *abort, void *abort_ctx,
				 struct ocr_page *ret, struct err *err)
{
	struct ocr_run run = { raster, options, abort, abort_ctx };

	ocr_page_init(ret);
	bool done = false;
	enum err_code code = ERR_OK;

	if (options->mode == OCR_HIGH_ACCURACY)
		code = read_accurately(session, &run, ret, &done, err);
	const struct ocr_fast with = { session->tess, session->model->installed };

	return code || done ? code : ocr_fast_read(&with, &run, ret, err);
}

const struct ocr_engine_ops ocr_reader_engine = {
	.name = "reader",
	.model_open = model_open,
	.model_close = model_close,
	.session_open = session_open,
	.session_close = session_close,
	.read = reader_read,
};
