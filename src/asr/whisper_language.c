#include <whisper.h>

#include <assert.h>
#include <math.h>
#include <string.h>

#include "asr/whisper_priv.h"
#include "base/limits.h"

static bool do_nothing(struct whisper_context *context, struct whisper_state *state, void *data)
{
	(void)context;
	(void)state;
	(void)data;
	return false;
}

/* Encodes the audio and lets whisper.cpp score the languages; probabilities by its language ids. */
static enum err_code score_languages(struct asr_session *s, size_t count, int threads, float *probabilities,
				     struct err *err)
{
	assert(whisper_lang_max_id() < ASR_WHISPER_LANGUAGES);
	/* whisper.cpp sets the encoder's length nowhere but at the start of a recognition; this one ends there. */
	struct whisper_full_params p = whisper_full_default_params(WHISPER_SAMPLING_GREEDY);
	threads = asr_whisper_threads(threads);
	p.n_threads = threads;
	p.print_progress = false;
	p.audio_ctx = asr_whisper_audio_context(count);
	p.encoder_begin_callback = do_nothing;
	int status = whisper_full_with_state(s->model->context, s->state, p, s->samples, (int)count);
	if (status == 0)
		status = whisper_lang_auto_detect_with_state(s->model->context, s->state, 0, threads, probabilities);
	return status < 0 || asr_whisper_encoder_failed(s) ? asr_whisper_failed(s, status, err) : ERR_OK;
}

/* Takes the most probable language that we have a code for out of the scores; below 0 where none is left. */
static float take_best(float *probabilities, char ret[ASR_LANGUAGE_SIZE])
{
	int best = 0;
	for (int i = 1; i <= whisper_lang_max_id(); i++)
		if (probabilities[i] > probabilities[best])
			best = i;
	float probability = fminf(probabilities[best], 1.0F);
	probabilities[best] = -1.0F;
	return probability >= 0.0F && asr_language_code(whisper_lang_str(best), ret) ? probability : -1.0F;
}

enum err_code asr_whisper_detect(struct asr_session *session, const int16_t *samples, size_t count, int threads,
				 struct asr_language_score *ret, size_t max, size_t *ret_count, struct err *err)
{
	assert(count <= (size_t)LIMIT_PART_MAX_S * AUDIO_RATE);
	enum err_code code = asr_whisper_prepare(session, err);
	if (code)
		return code;
	asr_whisper_begin(session, NULL, NULL);
	count = asr_whisper_to_float(session, samples, count);
	float probabilities[ASR_WHISPER_LANGUAGES] = { 0 };
	code = score_languages(session, count, threads, probabilities, err);
	for (*ret_count = 0; !code && *ret_count < max; ++*ret_count) {
		struct asr_language_score *score = &ret[*ret_count];
		score->probability = take_best(probabilities, score->language);
		if (score->probability < 0.0F)
			break;
	}
	return code;
}

enum err_code asr_whisper_choose_language(struct asr_session *s, size_t count, struct asr_options *options,
					  float *ret_confidence, struct err *err)
{
	*ret_confidence = 1.0F;
	if (!whisper_is_multilingual(s->model->context)) {
		if (options->language[0] && strcmp(options->language, "en") != 0)
			return err_set(err, ERR_INVALID, "the model knows only English, not \"%s\"", options->language);
		memcpy(options->language, "en", sizeof "en");
		return ERR_OK;
	}
	if (options->language[0]) {
		if (whisper_lang_id(options->language) < 0)
			return err_set(err, ERR_INVALID, "the model does not know the language \"%s\"",
				       options->language);
		return ERR_OK;
	}
	float probabilities[ASR_WHISPER_LANGUAGES] = { 0 };
	enum err_code code = score_languages(s, count, options->threads, probabilities, err);
	if (code)
		return code;
	*ret_confidence = take_best(probabilities, options->language);
	if (*ret_confidence < 0.0F)
		return err_set(err, ERR_INTERNAL, "the model knows no language");
	return ERR_OK;
}
