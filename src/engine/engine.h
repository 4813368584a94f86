/*
 * The engine, seen from the node: one child process (tiro-engine) with one thread per core and one copy of each
 * model's weights. It recognises parts that the node hands it and knows neither files nor jobs.
 *
 * All calls and callbacks happen on the loop's thread. Results are untrusted and checked here.
 */
#ifndef TIRO_ENGINE_ENGINE_H
#define TIRO_ENGINE_ENGINE_H

#include <uv.h>

#include "asr/engine.h"
#include "base/err.h"
#include "ocr/engine.h"

struct engine;

struct engine_spec {
	int threads; /* parts recognised at the same time, >= 1 */
	bool fake; /* the fake recognisers, for tests */
	/* Speech: the model's file (opened by the caller and kept by it), or -1. */
	int speech_model_fd;
	/* Folder of OpenVINO's library; NULL: the usual places; ASR_NO_OPENVINO: speech does without. Copied. */
	const char *openvino;
	/* Pages: where the data lies, or NULL. Copied. */
	const struct ocr_model_spec *pages;
};

struct engine_events {
	/* A part came to its end. On failure `why` says so (ERR_CANCELLED after engine_abort) and the result is NULL.
	 * The results are lent for the call; the owner may take one over by copying the struct and zeroing the
	 * original. `busy_us` is the time that the recognition took. */
	void (*on_speech)(void *owner, uint32_t task, struct asr_transcript *result, int64_t busy_us,
			  const struct err *why);
	void (*on_page)(void *owner, uint32_t task, struct ocr_page *result, int64_t busy_us, const struct err *why);
	/* The models are loaded: parts run from now on (they may be sent before). */
	void (*on_ready)(void *owner);
	/* The engine died: every part in hand is lost. The last callback. */
	void (*on_exit)(void *owner, const struct err *why);
};

/* Starts the process; models load in the background. Errors: ERR_UNAVAILABLE, ERR_SYSTEM, ERR_NO_MEMORY. */
enum err_code engine_start(uv_loop_t *loop, const struct engine_spec *spec, const struct engine_events *events,
			   void *owner, struct engine **ret, struct err *err) MUST_CHECK;

/* Hands over a part: `pcm_fd` is a sealed memfd of int16 samples at AUDIO_RATE (the caller keeps its
 * descriptor). `task` is the caller's number for it, unique among the parts in hand. */
enum err_code engine_recognise(struct engine *engine, uint32_t task, int pcm_fd, const struct asr_options *options,
			       struct err *err) MUST_CHECK;

/* Hands over a page: `pixels_fd` is a sealed memfd that `raster` describes. */
enum err_code engine_read_page(struct engine *engine, uint32_t task, int pixels_fd, const struct ocr_raster *raster,
			       const struct ocr_options *options, struct err *err) MUST_CHECK;

/* Stops a part in hand; its callback follows with ERR_CANCELLED, unless it ended just before. */
void engine_abort(struct engine *engine, uint32_t task);

/* Kills and frees; no callback follows. NULL is fine. */
void engine_close(struct engine *engine);

int engine_pid(const struct engine *engine);

#endif
