/*
 * What the files of the whisper.cpp back end share: whisper_model.c (the file), whisper_session.c (a session's memory
 * and its wish to stop), whisper_encoder.c (a faster encoder), whisper_language.c (which language), whisper.c
 * (recognition).
 */
#ifndef TIRO_ASR_WHISPER_PRIV_H
#define TIRO_ASR_WHISPER_PRIV_H

#include "asr/engine.h"
#include "base/limits.h"

enum {
	/* At least as many languages as whisper.cpp knows. */
	ASR_WHISPER_LANGUAGES = 128,
	ASR_WHISPER_CONTEXT = 1500, /* the encoder's frames of 30 s */
	ASR_WHISPER_TEXT_CONTEXT = 448, /* tokens of a text and its prompt */
	/* Shorter parts are filled up with silence: the model knows nothing so short. */
	ASR_WHISPER_SAMPLES_MIN = AUDIO_RATE
};

struct asr_model {
	struct whisper_context *context;
	struct asr_encoder *encoder; /* NULL: whisper.cpp's own */
};

struct asr_session {
	struct asr_model *model;
	struct whisper_state *state; /* made at the first use: it takes about 100 MB */
	struct whisper_openvino_context *encoder; /* the state's, NULL with the model's */
	float *samples; /* LIMIT_PART_MAX_S seconds */
	/* The caller's wish to stop, during a call. */
	asr_abort_fn *abort;
	void *abort_ctx;
	int64_t asked_us;
	bool stopped;
};

enum err_code asr_whisper_model_open(const struct asr_model_spec *spec, struct asr_model **ret, struct err *err)
	MUST_CHECK;
void asr_whisper_model_close(struct asr_model *model);

enum err_code asr_whisper_session_open(struct asr_model *model, struct asr_session **ret, struct err *err) MUST_CHECK;
void asr_whisper_session_close(struct asr_session *session);

/* Makes the session's memory, unless it is there. */
enum err_code asr_whisper_prepare(struct asr_session *s, struct err *err) MUST_CHECK;

/* Starts a call that the caller may stop. `abort_fn` may be NULL. */
void asr_whisper_begin(struct asr_session *s, asr_abort_fn *abort_fn, void *abort_ctx);

/* True where the last encoding failed. whisper.cpp does not notice: it goes on with what the one before has left. */
bool asr_whisper_encoder_failed(const struct asr_session *s);

/* For whisper.cpp's abort callback; `data` is the session. */
bool asr_whisper_stop_wanted(void *data);

/* Fills the session's samples, up to ASR_WHISPER_SAMPLES_MIN with silence; returns how many. */
size_t asr_whisper_to_float(struct asr_session *s, const int16_t *samples, size_t count);

/* The encoder's frames for so many samples and a margin; 0 for Whisper's own 30 s. */
int asr_whisper_audio_context(size_t count);

/* How many of the wanted threads make a call faster now. */
int asr_whisper_threads(int wanted);

/* The error for a status of whisper.cpp: ERR_CANCELLED, ERR_NO_MEMORY, ERR_INTERNAL, or why the encoder failed. */
enum err_code asr_whisper_failed(struct asr_session *s, int status, struct err *err);

/* asr_engine_ops.detect */
enum err_code asr_whisper_detect(struct asr_session *session, const int16_t *samples, size_t count, int threads,
				 struct asr_language_score *ret, size_t max, size_t *ret_count, struct err *err)
	MUST_CHECK;

/* Fills options->language where it is empty: the most probable one for the session's `count` samples. Errors:
 * ERR_INVALID where the model does not have the caller's. */
enum err_code asr_whisper_choose_language(struct asr_session *s, size_t count, struct asr_options *options,
					  float *ret_confidence, struct err *err) MUST_CHECK;

#endif
