/*
 * A recogniser for tests: it hears a word in each half second that is not silent. What it hears follows from the
 * samples alone. Prompts make it misbehave: "fake:sleep=MS" takes that long, "fake:first=MS" takes so long over the
 * first part that the process gets, "fake:fail" fails, "fake:crash" kills the process.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "asr/engine.h"
#include "base/limits.h"

enum {
	WORD_SAMPLES = AUDIO_RATE / 2,
	SEGMENT_WORDS = 8,
	SILENCE = 64, /* mean absolute value below which a half second is silent */
	NAP_MS = 10 /* between two questions to the caller whether to stop */
};

/* Neither holds anything: what is heard follows from the call alone. */
struct asr_model {
	char unused;
};

struct asr_session {
	char unused;
};

static enum err_code model_open(const struct asr_model_spec *spec, struct asr_model **ret, struct err *err)
{
	(void)spec;
	struct asr_model *model = calloc(1, sizeof *model);
	if (!model)
		return err_set(err, ERR_NO_MEMORY, "no memory for a model");
	*ret = model;
	return ERR_OK;
}

static void model_close(struct asr_model *model)
{
	free(model);
}

static unsigned capabilities(const struct asr_model *model)
{
	(void)model;
	return ASR_CAN_TRANSLATE | ASR_CAN_DETECT_LANGUAGE | ASR_CAN_PROMPT;
}

static enum err_code session_open(struct asr_model *model, struct asr_session **ret, struct err *err)
{
	(void)model;
	struct asr_session *session = calloc(1, sizeof *session);
	if (!session)
		return err_set(err, ERR_NO_MEMORY, "no memory for a session");
	*ret = session;
	return ERR_OK;
}

static void session_close(struct asr_session *session)
{
	free(session);
}

static bool stop_wanted(asr_abort_fn *abort_fn, void *abort_ctx)
{
	return abort_fn && abort_fn(abort_ctx);
}

static enum err_code cancelled(struct err *err)
{
	return err_set(err, ERR_CANCELLED, "recognition was stopped");
}

/* Does what a prompt of the form "fake:..." asks for. */
static enum err_code misbehave(const char *prompt, asr_abort_fn *abort_fn, void *abort_ctx, struct err *err)
{
	static atomic_flag had_one = ATOMIC_FLAG_INIT;
	long sleep_ms = 0;
	if (strcmp(prompt, "fake:crash") == 0)
		abort();
	if (strcmp(prompt, "fake:fail") == 0)
		return err_set(err, ERR_INTERNAL, "the fake recogniser was told to fail");
	if (strncmp(prompt, "fake:sleep=", 11) == 0)
		sleep_ms = strtol(prompt + 11, NULL, 10);
	if (strncmp(prompt, "fake:first=", 11) == 0 && !atomic_flag_test_and_set(&had_one))
		sleep_ms = strtol(prompt + 11, NULL, 10);
	for (; sleep_ms > 0; sleep_ms -= NAP_MS) {
		if (stop_wanted(abort_fn, abort_ctx))
			return cancelled(err);
		nanosleep(&(struct timespec){ .tv_nsec = NAP_MS * 1000000L }, NULL);
	}
	return ERR_OK;
}

/* The word in a piece of audio; NULL for silence. */
static const char *hear(const int16_t *samples, size_t count)
{
	static const char *const words[] = {
		"alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel",
		"india", "julia", "kilo",    "lima",  "mike", "oscar",	 "papa", "quebec"
	};
	uint32_t hash = 2166136261U;
	uint64_t sum = 0;
	for (size_t i = 0; i < count; i++) {
		hash = (hash ^ (uint16_t)samples[i]) * 16777619U;
		sum += (uint64_t)abs(samples[i]);
	}
	return count == 0 || sum / count < SILENCE ? NULL : words[(hash >> 16) % (sizeof words / sizeof *words)];
}

static enum err_code add_word(struct asr_transcript *t, size_t at, size_t length, const char *text, struct err *err)
{
	struct asr_word word = {
		.start_us = (int64_t)(at * 1000000 / AUDIO_RATE),
		.end_us = (int64_t)((at + length) * 1000000 / AUDIO_RATE),
		.confidence = 0.9F,
		.space_before = t->word_count > 0,
		.speaker = ASR_NO_SPEAKER,
	};
	return asr_transcript_add_word(t, &word, text, strlen(text), err);
}

static enum err_code add_segments(struct asr_transcript *t, struct err *err)
{
	for (size_t first = 0; first < t->word_count; first += SEGMENT_WORDS) {
		size_t count = t->word_count - first < SEGMENT_WORDS ? t->word_count - first : SEGMENT_WORDS;
		struct asr_segment segment = {
			.start_us = t->words[first].start_us,
			.end_us = t->words[first + count - 1].end_us,
			.first_word = (uint32_t)first,
			.word_count = (uint32_t)count,
			.avg_logprob = -0.1F,
			.compression_ratio = 1.0F,
		};
		memcpy(segment.language, t->language, sizeof segment.language);
		enum err_code code = asr_transcript_add_segment(t, &segment, err);
		if (code)
			return code;
	}
	return ERR_OK;
}

static enum err_code hear_all(const int16_t *samples, size_t count, asr_abort_fn *abort_fn, void *abort_ctx,
			      struct asr_transcript *t, struct err *err)
{
	for (size_t at = 0; at < count; at += WORD_SAMPLES) {
		if (stop_wanted(abort_fn, abort_ctx))
			return cancelled(err);
		size_t length = count - at < WORD_SAMPLES ? count - at : WORD_SAMPLES;
		const char *text = hear(samples + at, length);
		enum err_code code = text ? add_word(t, at, length, text, err) : ERR_OK;
		if (code)
			return code;
	}
	return add_segments(t, err);
}

static enum err_code recognise(struct asr_session *session, const int16_t *samples, size_t count,
			       const struct asr_options *options, asr_abort_fn *abort_fn, void *abort_ctx,
			       struct asr_transcript *ret, struct err *err)
{
	(void)session;
	asr_transcript_init(ret);
	if (options->language[0] && !asr_language_code(options->language, ret->language))
		return err_set(err, ERR_INVALID, "the model does not know the language \"%s\"", options->language);
	ret->language_confidence = options->language[0] ? 1.0F : 0.9F;
	if (!options->language[0])
		memcpy(ret->language, "en", sizeof "en");
	ret->duration_us = (int64_t)(count * 1000000 / AUDIO_RATE);
	enum err_code code = misbehave(options->prompt, abort_fn, abort_ctx, err);
	if (!code)
		code = hear_all(samples, count, abort_fn, abort_ctx, ret, err);
	if (code)
		asr_transcript_done(ret);
	return code;
}

static enum err_code detect(struct asr_session *session, const int16_t *samples, size_t count, int threads,
			    struct asr_language_score *ret, size_t max, size_t *ret_count, struct err *err)
{
	static const struct asr_language_score scores[] = { { "en", 0.9F }, { "de", 0.06F }, { "fa", 0.04F } };
	(void)session;
	(void)samples;
	(void)count;
	(void)threads;
	(void)err;
	*ret_count = max < sizeof scores / sizeof *scores ? max : sizeof scores / sizeof *scores;
	memcpy(ret, scores, *ret_count * sizeof *ret);
	return ERR_OK;
}

const struct asr_engine_ops asr_fake_engine = {
	.name = "fake",
	.model_open = model_open,
	.model_close = model_close,
	.capabilities = capabilities,
	.session_open = session_open,
	.session_close = session_close,
	.recognise = recognise,
	.detect = detect,
};
