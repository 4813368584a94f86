/*
 * PP-OCR's two networks in OpenVINO, and the dictionary of the recogniser.
 *
 * struct pp_model is shared: one copy of the weights, compiled when the first session is opened. struct pp_session
 * belongs to one thread: a request for each network, with its working memory.
 */
#ifndef TIRO_OCR_PP_MODEL_H
#define TIRO_OCR_PP_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ocr/engine.h"
#include "ocr/pp_ctc.h"

struct pp_model;
struct pp_session;

enum pp_net { PP_DETECTOR, PP_RECOGNISER, PP_NET_COUNT };

/*
 * Copies the paths of the specification and loads nothing yet. Errors: ERR_NO_MEMORY. Models that are not named are
 * no error here, but in pp_session_open.
 */
enum err_code pp_model_new(const struct ocr_model_spec *spec, struct pp_model **ret, struct err *err) MUST_CHECK;
/* After its sessions; NULL is fine. */
void pp_model_free(struct pp_model *model);

/*
 * Loads OpenVINO and compiles the networks at the first call; thread-safe. Errors: ERR_UNAVAILABLE (what is missing
 * and how to get it), ERR_CORRUPT (a model file that OpenVINO refuses), ERR_NO_MEMORY.
 */
enum err_code pp_session_open(struct pp_model *model, struct pp_session **ret, struct err *err) MUST_CHECK;
void pp_session_close(struct pp_session *session);

const struct pp_dictionary *pp_session_dictionary(const struct pp_session *session);

/*
 * Makes an input of 3 planes of height x width floats for the network; the caller fills all of it and calls pp_run.
 * Borrowed until the next call for this network.
 */
enum err_code pp_input(struct pp_session *session, enum pp_net net, uint32_t height, uint32_t width, float **ret,
		       struct err *err) MUST_CHECK;

/* Floats that a network returned; rows x columns. Borrowed until the next call for this network. */
struct pp_output {
	const float *data;
	size_t rows;
	size_t columns;
};

/* Runs the network over its input; the result's shape is checked. Errors: ERR_UNAVAILABLE, ERR_NO_MEMORY. */
enum err_code pp_run(struct pp_session *session, enum pp_net net, struct pp_output *ret, struct err *err) MUST_CHECK;

#endif
