#include "ocr/engine.h"

#include <stdlib.h>
#include <string.h>

#include "ocr/finish.h"
#include "ocr/language.h"
#include "ocr/sheet.h"
#include "ocr/tess.h"

struct ocr_model {
	struct ocr_installed *installed;
};

struct ocr_session {
	struct ocr_model *model;
	struct ocr_tess *tess;
};

static enum err_code model_open(const struct ocr_model_spec *spec, struct ocr_model **ret, struct err *err)
{
	struct ocr_model *model = calloc(1, sizeof(*model));

	if (!model)
		return err_set(err, ERR_NO_MEMORY, "not enough memory for a reader of pages");
	enum err_code code = ocr_installed_scan(spec->tessdata, &model->installed, err);

	if (code) {
		free(model);
		return code;
	}
	ocr_tess_setup();
	*ret = model;
	return ERR_OK;
}

static void model_close(struct ocr_model *model)
{
	if (!model)
		return;
	ocr_installed_free(model->installed);
	free(model);
}

static void session_close(struct ocr_session *session)
{
	if (!session)
		return;
	ocr_tess_free(session->tess);
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

static enum err_code read_page(struct ocr_session *session, const struct ocr_run *run, struct ocr_page *ret,
			       struct err *err)
{
	cleanup_sheet struct ocr_sheet plain = { 0 };
	cleanup_sheet struct ocr_sheet sheet = { 0 };
	struct ocr_choice choice = { 0 };
	enum err_code code = ERR_OK;

	code = ocr_choice_by_hint(session->model->installed, run->options->language[0] ? run->options->language : "en",
				  &choice, err);
	if (!code)
		code = ocr_sheet_plain(run->raster, &plain, err);
	if (!code)
		code = ocr_sheet_prepare(&plain, !run->options->keep_orientation, &sheet, err);
	if (code)
		return code;
	struct ocr_tess_job job = { .run = run, .sheet = &sheet, .data = choice.data };
	struct ocr_reading reading;
	code = ocr_tess_read(session->tess, &job, &reading, err);
	if (!code)
		code = ocr_finish(&reading, &sheet, &choice, ret, err);
	ocr_reading_done(&reading);
	return code;
}

static enum err_code reader_read(struct ocr_session *session, const struct ocr_raster *raster,
				 const struct ocr_options *options, ocr_abort_fn *abort, void *abort_ctx,
				 struct ocr_page *ret, struct err *err)
{
	struct ocr_run run = { raster, options, abort, abort_ctx };

	ocr_page_init(ret);
	return read_page(session, &run, ret, err);
}

const struct ocr_engine_ops ocr_reader_engine = {
	.name = "reader",
	.model_open = model_open,
	.model_close = model_close,
	.session_open = session_open,
	.session_close = session_close,
	.read = reader_read,
};
