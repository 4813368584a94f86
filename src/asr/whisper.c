/* The back end over whisper.cpp's C interface. What its settings rest on is measured in README.md. */
#include <whisper.h>

#include <assert.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "asr/engine.h"
#include "asr/quality.h"
#include "asr/whisper_priv.h"
#include "asr/words.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"

enum {
	ENCODER_RATE = 50, /* encoder frames per second of audio */
	CONTEXT_FULL = 1500, /* frames of 30 s */
	CONTEXT_MARGIN = 32, /* silence behind the speech: without any, the last words are lost */
	CONTEXT_BLOCK = 64, /* the flash attention's step */
	/* Time between two questions to the caller whether to stop. */
	ABORT_CHECK_US = 50000,
	TOKENS_MAX = 448, /* Whisper's text context */
	SAMPLES_MIN = AUDIO_RATE /* shorter parts are filled up with silence: the model knows nothing so short */
};

struct asr_session {
	struct asr_model *model;
	struct whisper_state *state; /* made at the first use: it takes about 100 MB */
	float *samples; /* LIMIT_PART_MAX_S seconds */
	/* The caller's wish to stop, during a call. */
	asr_abort_fn *abort;
	void *abort_ctx;
	int64_t asked_us;
	bool stopped;
};

/* Whisper's own beam for a clip that is alone; packed parts take a narrower one, whose cache is half as large. */
enum { BEAM_ALONE = 5, BEAM_PACKED = 2 };
#define TEMPERATURE_STEP 0.4F

/* One way to try a part. */
struct attempt {
	bool trimmed; /* encode the part's length instead of Whisper's 30 s */
	int beam; /* 1: greedy */
	float temperature;
};

static enum err_code session_open(struct asr_model *model, struct asr_session **ret, struct err *err)
{
	struct asr_session *session = calloc(1, sizeof *session);
	if (!session)
		return err_set(err, ERR_NO_MEMORY, "no memory for a recogniser");
	session->model = model;
	*ret = session;
	return ERR_OK;
}

static void session_close(struct asr_session *session)
{
	if (!session)
		return;
	if (session->state)
		whisper_free_state(session->state);
	free(session->samples);
	free(session);
}

/* Called by ggml between any two operations, so the caller is asked by the clock. */
static bool stop_wanted(void *data)
{
	struct asr_session *s = data;
	if (s->stopped || !s->abort)
		return s->stopped;
	int64_t now_us = clock_monotonic_us();
	if (now_us - s->asked_us >= ABORT_CHECK_US) {
		s->asked_us = now_us;
		s->stopped = s->abort(s->abort_ctx);
	}
	return s->stopped;
}

/* Samples as Whisper takes them, filled up to SAMPLES_MIN; returns how many. */
static size_t to_float(struct asr_session *s, const int16_t *samples, size_t count)
{
	for (size_t i = 0; i < count; i++)
		s->samples[i] = (float)samples[i] / 32768.0F;
	for (; count < SAMPLES_MIN; count++)
		s->samples[count] = 0.0F;
	return count;
}

static enum err_code prepare(struct asr_session *s, struct err *err)
{
	if (!s->samples)
		s->samples = malloc((size_t)LIMIT_PART_MAX_S * AUDIO_RATE * sizeof *s->samples);
	if (!s->state)
		s->state = whisper_init_state(s->model->context);
	if (!s->samples || !s->state)
		return err_set(err, ERR_NO_MEMORY, "no memory to recognise speech");
	return ERR_OK;
}

/* The encoder's frames for a part: its length and a margin, in whole blocks; 0 for Whisper's 30 s. */
static int audio_context(size_t count)
{
	int frames = (int)((count * ENCODER_RATE + AUDIO_RATE - 1) / AUDIO_RATE) + CONTEXT_MARGIN;
	frames = (frames + CONTEXT_BLOCK - 1) / CONTEXT_BLOCK * CONTEXT_BLOCK;
	return frames < CONTEXT_FULL ? frames : 0;
}

/*
 * Several threads on one part wait for each other by spinning, thousands of times a second. On a machine that is
 * busier than it has processors one thread is then many times as fast as two.
 */
static int useful_threads(int wanted)
{
	struct sysinfo info;
	cpu_set_t cpus;
	if (wanted <= 1 || sysinfo(&info) != 0 || sched_getaffinity(0, sizeof cpus, &cpus) != 0)
		return wanted;
	double load = (double)info.loads[0] / (1 << SI_LOAD_SHIFT);
	return load > 1.5 * CPU_COUNT(&cpus) ? 1 : wanted;
}

static struct whisper_full_params parameters(struct asr_session *s, const struct asr_options *options,
					     const struct attempt *attempt, size_t count)
{
	struct whisper_full_params p =
		whisper_full_default_params(attempt->beam > 1 ? WHISPER_SAMPLING_BEAM_SEARCH : WHISPER_SAMPLING_GREEDY);
	p.n_threads = useful_threads(options->threads);
	p.translate = options->translate;
	p.no_context = true;
	p.print_progress = false;
	p.print_timestamps = false;
	p.token_timestamps = true;
	p.suppress_nst = true; /* music notes, brackets: what Whisper writes over noise */
	p.language = options->language;
	p.initial_prompt = options->prompt[0] ? options->prompt : NULL;
	p.audio_ctx = attempt->trimmed ? audio_context(count) : 0;
	p.beam_search.beam_size = attempt->beam;
	p.greedy.best_of = 1; /* more would make the cache larger by as much */
	p.temperature = attempt->temperature;
	/* Higher temperatures are attempts of our own: each is judged by more than Whisper's two measures. */
	p.temperature_inc = 0.0F;
	p.abort_callback = stop_wanted;
	p.abort_callback_user_data = s;
	return p;
}

static enum err_code cancelled(struct err *err)
{
	return err_set(err, ERR_CANCELLED, "recognition was stopped");
}

static enum err_code failed(struct asr_session *s, int status, struct err *err)
{
	/* whisper.cpp has freed the state itself where its cache found no memory (-7). */
	if (status == -7)
		s->state = NULL;
	if (s->stopped)
		return cancelled(err);
	return status == -7 ? err_set(err, ERR_NO_MEMORY, "no memory to recognise speech")
			    : err_set(err, ERR_INTERNAL, "the recogniser failed with status %d", status);
}

/* -- results --------------------------------------------------------------------------------------- */

/* Token times lie on a grid of 10 ms and may reach over the part's end. */
static int64_t to_us(int64_t centiseconds, int64_t duration_us)
{
	int64_t us = centiseconds * 10 * US_PER_MS;
	return us < 0 ? 0 : us > duration_us ? duration_us : us;
}

/* The segment's text tokens; special ones (times, end of text) are left out. Returns their number. */
static size_t take_tokens(struct asr_session *s, int segment, int64_t duration_us, struct asr_token *tokens,
			  float *ret_avg_logprob)
{
	struct whisper_context *context = s->model->context;
	size_t count = 0;
	double logprob = 0.0;
	int n = whisper_full_n_tokens_from_state(s->state, segment);
	for (int i = 0; i < n && count < TOKENS_MAX; i++) {
		whisper_token_data data = whisper_full_get_token_data_from_state(s->state, segment, i);
		if (data.id >= whisper_token_eot(context))
			continue;
		logprob += data.plog;
		tokens[count++] = (struct asr_token){
			.text = whisper_token_to_str(context, data.id),
			.probability = fminf(fmaxf(data.p, 0.0F), 1.0F),
			.start_us = to_us(data.t0, duration_us),
			.end_us = to_us(data.t1, duration_us),
		};
	}
	*ret_avg_logprob = count > 0 ? fminf((float)(logprob / (double)count), 0.0F) : 0.0F;
	return count;
}

static enum err_code take_segments(struct asr_session *s, const struct asr_options *options, float temperature,
				   struct asr_transcript *t, struct err *err)
{
	struct asr_token tokens[TOKENS_MAX];
	int n = whisper_full_n_segments_from_state(s->state);
	for (int i = 0; i < n; i++) {
		struct asr_segment segment = {
			.no_speech_prob = whisper_full_get_segment_no_speech_prob_from_state(s->state, i),
			.temperature = temperature,
		};
		memcpy(segment.language, options->language, sizeof segment.language);
		size_t count = take_tokens(s, i, t->duration_us, tokens, &segment.avg_logprob);
		size_t first = t->text.len;
		enum err_code code = asr_words_add(t, &segment, tokens, count, err);
		if (code)
			return code;
		if (t->text.len > first)
			t->segments[t->segment_count - 1].compression_ratio =
				asr_compression_ratio(t->text.data + first, t->text.len - first);
	}
	return ERR_OK;
}

/* -- recognition ----------------------------------------------------------------------------------- */

static enum err_code try_once(struct asr_session *s, size_t count, const struct asr_options *options,
			      const struct attempt *attempt, struct asr_transcript *t, struct err *err)
{
	struct whisper_full_params p = parameters(s, options, attempt, count);
	int status = whisper_full_with_state(s->model->context, s->state, p, s->samples, (int)count);
	if (status != 0 || s->stopped)
		return failed(s, status, err);
	return take_segments(s, options, attempt->temperature, t, err);
}

/* The text is noise that reads like speech, or a mark: no words stay. */
static void drop_no_speech(struct asr_transcript *t)
{
	struct asr_quality quality;
	asr_quality_measure(t, &quality);
	if (!asr_quality_is_no_speech(t, &quality))
		return;
	strbuf_clear(&t->text);
	t->word_count = t->segment_count = 0;
}

/*
 * The quick way, over the part's own length: most parts of clean speech end here, in a fourth of the time of the
 * slow way. The model was trained on 30 s, so its text is taken only where it is sure. *ret_sure says so.
 */
static enum err_code try_quickly(struct asr_session *s, size_t count, const struct asr_options *options,
				 struct asr_transcript *ret, bool *ret_sure, struct err *err)
{
	static const struct attempt quick = { .trimmed = true, .beam = 1 };
	struct asr_quality quality;
	enum err_code code = try_once(s, count, options, &quick, ret, err);
	if (code)
		return code;
	asr_quality_measure(ret, &quality);
	*ret_sure = asr_quality_is_sure(&quality, options->alone);
	return ERR_OK;
}

/* Exchanges words and segments; what is known of the whole part stays. */
static void take_text(struct asr_transcript *to, struct asr_transcript *from)
{
	struct asr_transcript old = *to;
	*to = *from;
	memcpy(to->language, old.language, sizeof to->language);
	to->language_confidence = old.language_confidence;
	*from = old;
}

/* The slow way: over 30 s, with rising temperature until a text is good; else the best of them stays. */
static enum err_code try_thoroughly(struct asr_session *s, size_t count, const struct asr_options *options,
				    struct asr_transcript *ret, struct err *err)
{
	struct attempt attempt = {
		.beam = options->temperature > 0.0F ? 1
			: options->alone	    ? BEAM_ALONE
						    : BEAM_PACKED,
		.temperature = options->temperature,
	};
	float best = -INFINITY;
	for (;;) {
		struct asr_quality quality;
		cleanup_transcript struct asr_transcript t;
		asr_transcript_init(&t);
		t.duration_us = ret->duration_us;
		enum err_code code = try_once(s, count, options, &attempt, &t, err);
		if (code)
			return code;
		asr_quality_measure(&t, &quality);
		if (asr_quality_score(&quality) > best) {
			best = asr_quality_score(&quality);
			take_text(ret, &t);
		}
		attempt.beam = 1;
		attempt.temperature += TEMPERATURE_STEP;
		if (asr_quality_is_good(&quality) || attempt.temperature > 1.0F)
			return ERR_OK;
	}
}

static enum err_code try_all(struct asr_session *s, size_t count, const struct asr_options *options,
			     struct asr_transcript *ret, struct err *err)
{
	bool sure = false;
	enum err_code code = ERR_OK;
	if (options->temperature <= 0.0F)
		code = try_quickly(s, count, options, ret, &sure, err);
	if (!code && !sure)
		code = try_thoroughly(s, count, options, ret, err);
	if (!code)
		drop_no_speech(ret);
	return code;
}

static void begin_call(struct asr_session *s, asr_abort_fn *abort_fn, void *abort_ctx)
{
	s->abort = abort_fn;
	s->abort_ctx = abort_ctx;
	s->asked_us = 0;
	s->stopped = false;
}

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
	p.n_threads = useful_threads(threads);
	p.print_progress = false;
	p.audio_ctx = audio_context(count);
	p.encoder_begin_callback = do_nothing;
	int status = whisper_full_with_state(s->model->context, s->state, p, s->samples, (int)count);
	if (status == 0)
		status = whisper_lang_auto_detect_with_state(s->model->context, s->state, 0, threads, probabilities);
	return status < 0 ? failed(s, status, err) : ERR_OK;
}

static enum err_code detect(struct asr_session *session, const int16_t *samples, size_t count, int threads,
			    struct asr_language_score *ret, size_t max, size_t *ret_count, struct err *err)
{
	assert(count <= (size_t)LIMIT_PART_MAX_S * AUDIO_RATE);
	enum err_code code = prepare(session, err);
	if (code)
		return code;
	begin_call(session, NULL, NULL);
	count = to_float(session, samples, count);
	float probabilities[ASR_WHISPER_LANGUAGES];
	code = score_languages(session, count, threads, probabilities, err);
	if (code)
		return code;
	int languages = whisper_lang_max_id() + 1;
	for (*ret_count = 0; *ret_count < max && *ret_count < (size_t)languages; ++*ret_count) {
		int best = 0;
		for (int i = 1; i < languages; i++)
			if (probabilities[i] > probabilities[best])
				best = i;
		struct asr_language_score *score = &ret[*ret_count];
		if (!asr_language_code(whisper_lang_str(best), score->language))
			break;
		score->probability = probabilities[best];
		probabilities[best] = -1.0F;
	}
	return ERR_OK;
}

/* Writes the language to recognise in: the caller's, or the most probable one. */
static enum err_code choose_language(struct asr_session *s, size_t count, struct asr_options *options,
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
	float probabilities[ASR_WHISPER_LANGUAGES];
	enum err_code code = score_languages(s, count, options->threads, probabilities, err);
	if (code)
		return code;
	int best = 0;
	for (int i = 1; i <= whisper_lang_max_id(); i++)
		if (probabilities[i] > probabilities[best])
			best = i;
	*ret_confidence = fminf(probabilities[best], 1.0F);
	if (!asr_language_code(whisper_lang_str(best), options->language))
		return err_set(err, ERR_INTERNAL, "the model named an unknown language");
	return ERR_OK;
}

static enum err_code recognise(struct asr_session *session, const int16_t *samples, size_t count,
			       const struct asr_options *options, asr_abort_fn *abort_fn, void *abort_ctx,
			       struct asr_transcript *ret, struct err *err)
{
	assert(count <= (size_t)LIMIT_PART_MAX_S * AUDIO_RATE);
	asr_transcript_init(ret);
	enum err_code code = prepare(session, err);
	if (code)
		return code;
	begin_call(session, abort_fn, abort_ctx);
	ret->duration_us = (int64_t)(count * US_PER_S / AUDIO_RATE);
	count = to_float(session, samples, count);
	struct asr_options with_language = *options;
	code = choose_language(session, count, &with_language, &ret->language_confidence, err);
	memcpy(ret->language, with_language.language, sizeof ret->language);
	if (!code)
		code = try_all(session, count, &with_language, ret, err);
	if (code)
		asr_transcript_done(ret);
	return code;
}

static unsigned capabilities(const struct asr_model *model)
{
	unsigned many = whisper_is_multilingual(model->context) ? ASR_CAN_TRANSLATE | ASR_CAN_DETECT_LANGUAGE : 0;
	return many | ASR_CAN_PROMPT;
}

const struct asr_engine_ops asr_whisper_engine = {
	.name = "whisper",
	.model_open = asr_whisper_model_open,
	.model_close = asr_whisper_model_close,
	.capabilities = capabilities,
	.session_open = session_open,
	.session_close = session_close,
	.recognise = recognise,
	.detect = detect,
};
