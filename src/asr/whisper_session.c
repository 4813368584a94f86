#include <whisper.h>

#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "asr/whisper_encoder.h"
#include "asr/whisper_priv.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/processor.h"

enum {
	ENCODER_RATE = 50, /* encoder frames per second of audio */
	CONTEXT_MARGIN = 32, /* silence behind the speech: without any, the last words are lost */
	CONTEXT_BLOCK = 64, /* the flash attention's step */
	/* Time between two questions to the caller whether to stop. */
	ABORT_CHECK_US = 50000
};

enum err_code asr_whisper_session_open(struct asr_model *model, struct asr_session **ret, struct err *err)
{
	struct asr_session *session = calloc(1, sizeof *session);
	if (!session)
		return err_set(err, ERR_NO_MEMORY, "no memory for a recogniser");
	session->model = model;
	*ret = session;
	return ERR_OK;
}

void asr_whisper_session_close(struct asr_session *session)
{
	if (!session)
		return;
	if (session->state)
		whisper_free_state(session->state);
	free(session->samples);
	free(session);
}

bool asr_whisper_encoder_failed(const struct asr_session *s)
{
	return s->encoder && asr_encoder_why(s->encoder)->code != ERR_OK;
}

/* Called by ggml between any two operations, so the caller is asked by the clock. */
bool asr_whisper_stop_wanted(void *data)
{
	struct asr_session *s = data;
	if (asr_whisper_encoder_failed(s))
		return true;
	if (s->stopped || !s->abort)
		return s->stopped;
	int64_t now_us = clock_monotonic_us();
	if (now_us - s->asked_us >= ABORT_CHECK_US) {
		s->asked_us = now_us;
		s->stopped = s->abort(s->abort_ctx);
	}
	return s->stopped;
}

/* Samples as Whisper takes them, filled up to ASR_WHISPER_SAMPLES_MIN; returns how many. */
size_t asr_whisper_to_float(struct asr_session *s, const int16_t *samples, size_t count)
{
	for (size_t i = 0; i < count; i++)
		s->samples[i] = (float)samples[i] / 32768.0F;
	for (; count < ASR_WHISPER_SAMPLES_MIN; count++)
		s->samples[count] = 0.0F;
	return count;
}

enum err_code asr_whisper_prepare(struct asr_session *s, struct err *err)
{
	if (!s->samples)
		s->samples = malloc((size_t)LIMIT_PART_MAX_S * AUDIO_RATE * sizeof *s->samples);
	if (!s->state)
		s->state = whisper_init_state(s->model->context);
	if (!s->samples || !s->state)
		return err_set(err, ERR_NO_MEMORY, "no memory to recognise speech");
	if (s->model->encoder && !s->encoder)
		return asr_encoder_attach(s->model->encoder, s->model->context, s->state, &s->encoder, err);
	return ERR_OK;
}

/* The encoder's frames for a part: its length and a margin, in whole blocks; 0 for Whisper's 30 s. */
int asr_whisper_audio_context(size_t count)
{
	int frames = (int)((count * ENCODER_RATE + AUDIO_RATE - 1) / AUDIO_RATE) + CONTEXT_MARGIN;
	frames = (frames + CONTEXT_BLOCK - 1) / CONTEXT_BLOCK * CONTEXT_BLOCK;
	return frames < ASR_WHISPER_CONTEXT ? frames : 0;
}

/*
 * Several threads on one part wait for each other by spinning, thousands of times a second. On a machine that is
 * busier than it has processors one thread is then many times as fast as two.
 */
int asr_whisper_threads(int wanted)
{
	struct sysinfo info;
	if (wanted <= 1 || sysinfo(&info) != 0)
		return wanted;
	double load = (double)info.loads[0] / (1 << SI_LOAD_SHIFT);
	return load > 1.5 * processor_count() ? 1 : wanted;
}

void asr_whisper_begin(struct asr_session *s, asr_abort_fn *abort_fn, void *abort_ctx)
{
	s->abort = abort_fn;
	s->abort_ctx = abort_ctx;
	s->asked_us = 0;
	s->stopped = false;
}

static enum err_code cancelled(struct err *err)
{
	return err_set(err, ERR_CANCELLED, "recognition was stopped");
}

enum err_code asr_whisper_failed(struct asr_session *s, int status, struct err *err)
{
	/* whisper.cpp has freed the state itself where its cache found no memory (-7). */
	if (status == -7) {
		s->state = NULL;
		s->encoder = NULL;
	}
	if (asr_whisper_encoder_failed(s)) {
		*err = *asr_encoder_why(s->encoder);
		return err->code;
	}
	if (s->stopped)
		return cancelled(err);
	return status == -7 ? err_set(err, ERR_NO_MEMORY, "no memory to recognise speech")
			    : err_set(err, ERR_INTERNAL, "the recogniser failed with status %d", status);
}
