/*
 * Messages between a node and its engine (process/channel.h carries them, process/pack.h lays out their fields).
 * Both sides treat the other's bytes as untrusted: every unpack function checks ranges.
 */
#ifndef TIRO_ENGINE_PROTO_H
#define TIRO_ENGINE_PROTO_H

#include "asr/engine.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "ocr/engine.h"

/* Most threads that an engine may be asked for. */
#define LIMIT_ENGINE_THREADS 256
/* Parts that may wait in an engine, beyond those in work; a node hands out no more than it has threads. */
#define LIMIT_ENGINE_TASKS 1024
/* A path in a message. */
enum { ENGINE_PATH_SIZE = 4096 };

enum engine_message {
	/* node to engine; the frame's tag is the task */
	ENGINE_OPEN = 1, /* engine_open; descriptor: the speech model, if any */
	ENGINE_RECOGNISE, /* asr_options; descriptor: samples */
	ENGINE_READ_PAGE, /* engine_page_task; descriptor: pixels */
	ENGINE_ABORT, /* no fields */
	/* engine to node */
	ENGINE_READY, /* no fields */
	ENGINE_SPEECH, /* engine_outcome; an asr_transcript, inline or in a descriptor */
	ENGINE_PAGE, /* engine_outcome; an ocr_page, inline or in a descriptor */
	ENGINE_SPEECH_FAILED, /* engine_outcome */
	ENGINE_PAGE_FAILED, /* engine_outcome */
	ENGINE_BROKEN /* engine_outcome: the models could not be opened; the engine ends */
};

struct engine_open {
	bool fake;
	uint32_t threads;
	bool has_pages;
	/* "" where ocr_model_spec has NULL */
	char tessdata[ENGINE_PATH_SIZE];
	char detector[ENGINE_PATH_SIZE];
	char recogniser[ENGINE_PATH_SIZE];
	char openvino[ENGINE_PATH_SIZE];
};

struct engine_page_task {
	struct ocr_raster raster; /* without pixels */
	struct ocr_options options;
};

/* How a task ended: code ERR_OK and the result's bytes, or why not. */
struct engine_outcome {
	int64_t busy_us;
	struct err why;
	const void *result; /* borrowed; NULL where it is in a descriptor */
	size_t result_len;
};

void engine_open_pack(const struct engine_open *open, struct strbuf *out);
enum err_code engine_open_unpack(const void *bytes, size_t len, struct engine_open *ret, struct err *err) MUST_CHECK;

void engine_options_pack(const struct asr_options *options, struct strbuf *out);
enum err_code engine_options_unpack(const void *bytes, size_t len, struct asr_options *ret, struct err *err) MUST_CHECK;

void engine_page_task_pack(const struct engine_page_task *task, struct strbuf *out);
enum err_code engine_page_task_unpack(const void *bytes, size_t len, struct engine_page_task *ret, struct err *err)
	MUST_CHECK;

void engine_outcome_pack(const struct engine_outcome *outcome, struct strbuf *out);
/* ret->result points into `bytes`. */
enum err_code engine_outcome_unpack(const void *bytes, size_t len, struct engine_outcome *ret, struct err *err)
	MUST_CHECK;

#endif
