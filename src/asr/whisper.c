/* The back end over whisper.cpp's C interface. What its settings rest on is measured in README.md. */
#include <whisper.h>

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "asr/engine.h"
#include "asr/quality.h"
#include "asr/stitch.h"
#include "asr/whisper_priv.h"
#include "asr/words.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"

enum {
	/* More audio than this behind the last word has words in it: padding and hesitation are shorter. */
	UNCOVERED_MAX = 3 * AUDIO_RATE / 2,
	SOUND_MIN = AUDIO_RATE / 10,
	SILENT_LEVEL = 8, /* of 32767: -72 dB */
	PIECES_MAX = 5 /* of one part; each but the last has a word */
};

/* Audio to recognise at once: a part, or what of it still lacks words. */
struct piece {
	const float *samples;
	size_t count;
	const struct asr_options *options; /* with the language */
	bool tail; /* what lies behind the words of the part */
};

/* Whisper's own beam for a clip that is alone. In packed parts a beam finds no more than greedy search does. */
enum { BEAM_ALONE = 5 };
#define TEMPERATURE_STEP 0.4F

/* One way to try a part. */
struct attempt {
	bool trimmed; /* encode the part's length instead of Whisper's 30 s */
	int beam; /* 1: greedy */
	float temperature;
};

static struct whisper_full_params parameters(struct asr_session *s, const struct piece *piece,
					     const struct attempt *attempt)
{
	const struct asr_options *options = piece->options;
	struct whisper_full_params p =
		whisper_full_default_params(attempt->beam > 1 ? WHISPER_SAMPLING_BEAM_SEARCH : WHISPER_SAMPLING_GREEDY);
	p.n_threads = asr_whisper_threads(options->threads);
	p.translate = options->translate;
	p.no_context = true;
	p.print_progress = false;
	p.print_timestamps = false;
	p.token_timestamps = true;
	p.suppress_nst = true; /* music notes, brackets: what Whisper writes over noise */
	p.language = options->language;
	p.initial_prompt = options->prompt[0] ? options->prompt : NULL;
	p.audio_ctx = attempt->trimmed ? asr_whisper_audio_context(piece->count) : 0;
	p.beam_search.beam_size = attempt->beam;
	p.greedy.best_of = 1; /* more would make the cache larger by as much */
	p.temperature = attempt->temperature;
	/* Higher temperatures are attempts of our own: each is judged by more than Whisper's two measures. */
	p.temperature_inc = 0.0F;
	p.abort_callback = asr_whisper_stop_wanted;
	p.abort_callback_user_data = s;
	return p;
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
	for (int i = 0; i < n && count < ASR_WHISPER_TEXT_CONTEXT; i++) {
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

/* `text_len`: of the text before it. */
static void drop_last_segment(struct asr_transcript *t, size_t text_len)
{
	t->word_count = t->segments[--t->segment_count].first_word;
	t->text.len = text_len;
	t->text.data[text_len] = '\0';
}

static enum err_code take_segments(struct asr_session *s, const struct asr_options *options, float temperature,
				   struct asr_transcript *t, struct err *err)
{
	struct asr_token tokens[ASR_WHISPER_TEXT_CONTEXT];
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
		if (t->text.len == first)
			continue;
		struct asr_segment *added = &t->segments[t->segment_count - 1];
		added->compression_ratio = asr_compression_ratio(t->text.data + first, t->text.len - first);
		if (asr_quality_is_unsaid(t, added))
			drop_last_segment(t, first);
	}
	return ERR_OK;
}

/* -- recognition ----------------------------------------------------------------------------------- */

static enum err_code try_once(struct asr_session *s, const struct piece *piece, const struct attempt *attempt,
			      struct asr_transcript *t, struct err *err)
{
	struct whisper_full_params p = parameters(s, piece, attempt);
	int status = whisper_full_with_state(s->model->context, s->state, p, piece->samples, (int)piece->count);
	if (status != 0 || s->stopped || asr_whisper_encoder_failed(s))
		return asr_whisper_failed(s, status, err);
	return take_segments(s, piece->options, attempt->temperature, t, err);
}

/* The text is noise that reads like speech, or a mark: no words stay. */
static void drop_no_speech(struct asr_transcript *t, bool tail)
{
	struct asr_quality quality;
	asr_quality_measure(t, &quality);
	if (!asr_quality_is_no_speech(t, &quality) && !(tail && asr_quality_is_echo(t, &quality)))
		return;
	strbuf_clear(&t->text);
	t->word_count = t->segment_count = 0;
}

/*
 * The quick way, over the part's own length: most parts of clean speech end here, in a fourth of the time of the
 * slow way. The model was trained on 30 s, so its text is taken only where it is sure. *ret_sure says so.
 */
static enum err_code try_quickly(struct asr_session *s, const struct piece *piece, struct asr_transcript *ret,
				 bool *ret_sure, struct err *err)
{
	static const struct attempt quick = { .trimmed = true, .beam = 1 };
	struct asr_quality quality;
	enum err_code code = try_once(s, piece, &quick, ret, err);
	if (code)
		return code;
	asr_quality_measure(ret, &quality);
	*ret_sure = asr_quality_is_sure(&quality, piece->options->alone);
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
static enum err_code try_thoroughly(struct asr_session *s, const struct piece *piece, struct asr_transcript *ret,
				    struct err *err)
{
	const struct asr_options *options = piece->options;
	struct attempt attempt = {
		.beam = options->alone && options->temperature <= 0.0F ? BEAM_ALONE : 1,
		.temperature = options->temperature,
	};
	float best = -INFINITY;
	for (;;) {
		struct asr_quality quality;
		cleanup_transcript struct asr_transcript t;
		asr_transcript_init(&t);
		t.duration_us = ret->duration_us;
		enum err_code code = try_once(s, piece, &attempt, &t, err);
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

static enum err_code try_all(struct asr_session *s, const struct piece *piece, struct asr_transcript *ret,
			     struct err *err)
{
	bool sure = false;
	enum err_code code = ERR_OK;
	if (piece->options->temperature <= 0.0F)
		code = try_quickly(s, piece, ret, &sure, err);
	if (!code && !sure)
		code = try_thoroughly(s, piece, ret, err);
	if (!code)
		drop_no_speech(ret, piece->tail);
	return code;
}

/*
 * Recognises a part. A model may end its text in the middle, as if nobody spoke afterwards. But parts are made of
 * speech to their end, so what lies behind the last word is recognised on its own.
 */
static enum err_code recognise_all(struct asr_session *s, size_t count, const struct asr_options *options,
				   struct asr_transcript *ret, struct err *err)
{
	size_t offset = 0;
	for (int pieces = 0; pieces < PIECES_MAX; pieces++) {
		struct asr_span span = { .source = (int64_t)offset, .length = (uint32_t)(count - offset) };
		struct piece piece = { .samples = s->samples + offset, .options = options, .tail = offset > 0 };
		piece.count = span.length < ASR_WHISPER_SAMPLES_MIN ? ASR_WHISPER_SAMPLES_MIN : span.length;
		cleanup_transcript struct asr_transcript t;
		asr_transcript_init(&t);
		t.duration_us = (int64_t)(span.length * US_PER_S / AUDIO_RATE);
		enum err_code code = try_all(s, &piece, &t, err);
		if (!code)
			code = asr_stitch(ret, &t, &span, 1, 0, err);
		if (code || t.word_count == 0)
			return code;
		size_t covered = (size_t)(t.words[t.word_count - 1].end_us * AUDIO_RATE / US_PER_S);
		if (covered == 0 || covered + UNCOVERED_MAX > span.length)
			return ERR_OK;
		offset += covered;
	}
	return ERR_OK;
}

/* Digital silence, and what is too short for any word: a model would invent one. */
static bool is_silent(const int16_t *samples, size_t count)
{
	if (count < SOUND_MIN)
		return true;
	for (size_t i = 0; i < count; i++)
		if (abs(samples[i]) > SILENT_LEVEL)
			return false;
	return true;
}

static enum err_code recognise(struct asr_session *session, const int16_t *samples, size_t count,
			       const struct asr_options *options, asr_abort_fn *abort_fn, void *abort_ctx,
			       struct asr_transcript *ret, struct err *err)
{
	assert(count <= (size_t)LIMIT_PART_MAX_S * AUDIO_RATE);
	asr_transcript_init(ret);
	enum err_code code = asr_whisper_prepare(session, err);
	if (code)
		return code;
	asr_whisper_begin(session, abort_fn, abort_ctx);
	ret->duration_us = (int64_t)(count * US_PER_S / AUDIO_RATE);
	size_t filled = asr_whisper_to_float(session, samples, count);
	struct asr_options with_language = *options;
	code = asr_whisper_choose_language(session, filled, &with_language, &ret->language_confidence, err);
	memcpy(ret->language, with_language.language, sizeof ret->language);
	if (!code && !is_silent(samples, count))
		code = recognise_all(session, count, &with_language, ret, err);
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
	.session_open = asr_whisper_session_open,
	.session_close = asr_whisper_session_close,
	.recognise = recognise,
	.detect = asr_whisper_detect,
};
