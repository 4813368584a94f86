/*
 * A speech recogniser: one model, one copy of its weights, and sessions that use it.
 *
 * Back ends: whisper.cpp (asr/whisper.c) and a fake for tests (asr/fake.c). Nothing of a back end shows here.
 * A model is thread-safe; a session belongs to one thread at a time, and several sessions run side by side.
 * Callers never ask which back end they have: what differs is in `capabilities`.
 */
#ifndef TIRO_ASR_ENGINE_H
#define TIRO_ASR_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "asr/transcript.h"
#include "base/err.h"

/* Longest initial prompt or keyword list, bytes. */
enum { ASR_PROMPT_SIZE = 1024 };

enum asr_capability {
	ASR_CAN_TRANSLATE = 1 << 0, /* into English */
	ASR_CAN_DETECT_LANGUAGE = 1 << 1,
	ASR_CAN_PROMPT = 1 << 2
};

struct asr_options {
	char language[ASR_LANGUAGE_SIZE]; /* "" detects it */
	bool translate;
	int threads; /* for this call, >= 1: 1 where several sessions run, more for a lone part */
	bool alone; /* the part is a whole short recording: search harder (beam) where a packed part would not */
	float temperature; /* where sampling starts; 0 by default */
	char prompt[ASR_PROMPT_SIZE]; /* words and names to expect; "" for none */
};

/* Asked several times a second from the recognising thread; true ends the call with ERR_CANCELLED. */
typedef bool asr_abort_fn(void *ctx);

struct asr_language_score {
	char language[ASR_LANGUAGE_SIZE];
	float probability;
};

struct asr_model;
struct asr_session;

struct asr_model_spec {
	int fd; /* the model's file, which stays the caller's; reading starts at offset 0 */
	int sessions; /* that will recognise at the same time, >= 1 */
	/* Folder of OpenVINO's library, for an engine that is faster with it; NULL: the usual places; ASR_NO_OPENVINO:
	 * do without. An engine that does not find it does without. */
	const char *openvino;
};

#define ASR_NO_OPENVINO "none"

struct asr_engine_ops {
	const char *name;
	/*
	 * Loads a model. `spec` is borrowed for the call.
	 * Errors: ERR_BAD_MEDIA (not a model of this engine), ERR_CORRUPT, ERR_NO_MEMORY, ERR_IO, ERR_SYSTEM.
	 */
	enum err_code (*model_open)(const struct asr_model_spec *spec, struct asr_model **ret, struct err *err);
	void (*model_close)(struct asr_model *model); /* after its sessions; NULL is fine */
	unsigned (*capabilities)(const struct asr_model *model);
	enum err_code (*session_open)(struct asr_model *model, struct asr_session **ret, struct err *err);
	void (*session_close)(struct asr_session *session); /* NULL is fine */
	/*
	 * Recognises one part: `count` samples, mono, AUDIO_RATE Hz, at most LIMIT_PART_MAX_S seconds. Fills *ret
	 * (initialised by this call, the caller releases it; empty on failure) with times relative to the
	 * part. No speech is no error: no words.
	 * Errors: ERR_CANCELLED (abort said so), ERR_INVALID (a language the model does not have), ERR_NO_MEMORY.
	 */
	enum err_code (*recognise)(struct asr_session *session, const int16_t *samples, size_t count,
				   const struct asr_options *options, asr_abort_fn *abort, void *abort_ctx,
				   struct asr_transcript *ret, struct err *err);
	/* The `max` most probable languages of a part, best first; *ret_count of them. */
	enum err_code (*detect)(struct asr_session *session, const int16_t *samples, size_t count, int threads,
				struct asr_language_score *ret, size_t max, size_t *ret_count, struct err *err);
};

extern const struct asr_engine_ops asr_whisper_engine;
extern const struct asr_engine_ops asr_fake_engine;

/* True for a code ("fa", "fa-IR") or English name that Whisper models know; writes the code. Case is ignored. */
bool asr_language_code(const char *code_or_name, char ret[ASR_LANGUAGE_SIZE]);

/* The English name of a code in any case, as Whisper's authors write it ("fa": "persian"); NULL for any other text. */
const char *asr_language_name(const char *code);

/* False for languages that are written without spaces between words. */
bool asr_language_has_spaces(const char *code);

#endif
