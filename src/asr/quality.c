#include "asr/quality.h"

#include <string.h>
#include <zlib.h>

#include "base/clock.h"

/* Texts beyond this compress well whatever they say; a part never has as much. */
enum { RATIO_BYTES_MAX = 8192, FEW_WORDS = 4 };

/* Whisper's own bounds for a second try. */
#define RATIO_MAX 2.4F
#define LOGPROB_MIN (-1.0F)
/* For telling noise from speech that the detector let through; measured over hiss, hum, tones and music. whisper.cpp's
 * own probability of no speech is of no use: it reads the scores of the wrong token. */
#define STOCK_LOGPROB_MIN (-0.5F)
#define FEW_LOGPROB_MIN (-1.3F)
/* For what lies behind the words of a part: most of it is noise. */
#define TAIL_LOGPROB_MIN (-0.5F)
#define SPARSE_LOGPROB_MIN (-0.8F)
#define SPARSE_WORDS_PER_SECOND 0.5F
#define SPARSE_US (3 * US_PER_S)
/* Measured (README.md): a clip that is alone is held to what the slow way would do no better; in a packed part, which
 * has more context, the slow way finds two points more of the errors for half as much time again, and that is not worth
 * it. */
#define SURE_ALONE (-0.25F)
#define SURE_PACKED (-0.45F)
/* A sentence said twice is below it, a loop above. */
#define SURE_RATIO_MAX 2.0F
/* Fast speech has five words a second; a model that invents has more. */
#define WORDS_PER_SECOND_MAX 6.5F
/* A segment of a few words that comes at four times that is not said at all. Twelve syllables a second is the most that
 * is heard of, and a script without spaces has a word for each. */
#define UNSAID_WORDS_PER_SECOND 25

float asr_compression_ratio(const char *text, size_t len)
{
	Bytef out[RATIO_BYTES_MAX + RATIO_BYTES_MAX / 1000 + 64];
	if (len > RATIO_BYTES_MAX)
		len = RATIO_BYTES_MAX;
	uLongf out_len = sizeof out;
	if (len == 0 || compress(out, &out_len, (const Bytef *)text, (uLong)len) != Z_OK)
		return 1.0F;
	return (float)len / (float)out_len;
}

static bool same_word(const struct asr_transcript *t, size_t a, size_t b)
{
	const struct asr_word *x = &t->words[a];
	const struct asr_word *y = &t->words[b];
	return x->text_len == y->text_len && memcmp(asr_word_text(t, x), asr_word_text(t, y), x->text_len) == 0;
}

/* Words [at, at + period) come again `times` times in a row. */
static bool repeats(const struct asr_transcript *t, size_t at, size_t period, size_t times)
{
	for (size_t i = 0; i < period * (times - 1); i++)
		if (!same_word(t, at + i, at + i + period))
			return false;
	return true;
}

/* A phrase of up to twelve words that comes three times in a row (single words: five times) is a loop. */
static bool has_loop(const struct asr_transcript *t)
{
	for (size_t period = 1; period <= 12; period++) {
		size_t times = period == 1 ? 5 : 3;
		for (size_t at = 0; at + period * times <= t->word_count; at++)
			if (repeats(t, at, period, times))
				return true;
	}
	return false;
}

void asr_quality_measure(const struct asr_transcript *t, struct asr_quality *ret)
{
	*ret = (struct asr_quality){ 0 };
	float weight = 0.0F;
	for (size_t i = 0; i < t->segment_count; i++) {
		const struct asr_segment *s = &t->segments[i];
		ret->avg_logprob += s->avg_logprob * (float)s->word_count;
		weight += (float)s->word_count;
	}
	ret->avg_logprob /= weight > 0.0F ? weight : 1.0F;
	ret->compression_ratio = asr_compression_ratio(strbuf_str(&t->text), t->text.len);
	float seconds = (float)t->duration_us / (float)US_PER_S;
	ret->words_per_second = seconds > 0.0F ? (float)t->word_count / seconds : 0.0F;
	ret->loops = has_loop(t);
}

bool asr_quality_is_unsaid(const struct asr_transcript *t, const struct asr_segment *segment)
{
	if (segment->word_count < FEW_WORDS)
		return false;
	const struct asr_word *first = &t->words[segment->first_word];
	const struct asr_word *last = first + segment->word_count - 1;
	return (int64_t)segment->word_count * US_PER_S > UNSAID_WORDS_PER_SECOND * (last->end_us - first->start_us);
}

bool asr_quality_is_sure(const struct asr_quality *q, bool alone)
{
	return asr_quality_is_good(q) && q->avg_logprob >= (alone ? SURE_ALONE : SURE_PACKED) &&
	       q->compression_ratio <= SURE_RATIO_MAX;
}

bool asr_quality_is_good(const struct asr_quality *q)
{
	return !q->loops && q->compression_ratio <= RATIO_MAX && q->avg_logprob >= LOGPROB_MIN &&
	       q->words_per_second <= WORDS_PER_SECOND_MAX;
}

float asr_quality_score(const struct asr_quality *q)
{
	float score = q->avg_logprob;
	/* A loop is always worse than a text that the model is unsure of. */
	if (q->loops || q->compression_ratio > RATIO_MAX)
		score -= 2.0F;
	if (q->words_per_second > WORDS_PER_SECOND_MAX)
		score -= 1.0F;
	return score;
}

/* True for "[music]", "(applause)", "♪ ♪" and the like: nothing outside brackets but signs. */
static bool only_marks(const char *text, size_t len)
{
	int depth = 0;
	for (size_t i = 0; i < len; i++) {
		if (strchr("[(*", text[i]) && depth == 0)
			depth = 1;
		else if (strchr("])*", text[i]))
			depth = 0;
		else if (depth == 0 && !strchr(" .,!?-", text[i]) && strncmp(text + i, "\xe2\x99", 2) != 0)
			return false;
		else if (depth == 0 && strncmp(text + i, "\xe2\x99", 2) == 0)
			i += 2; /* the notes, U+2669 to U+266F, have three bytes */
	}
	return true;
}

/* What Whisper writes when nobody speaks: the ends of the videos that it was trained on. Lower case, letters only. */
static bool is_stock_phrase(const struct asr_transcript *t)
{
	static const char *const phrases[] = { "you",
					       "bye",
					       "thankyou",
					       "thankyouverymuch",
					       "thanksforwatching",
					       "thankyouforwatching",
					       "vielendank",
					       "untertitelungdeszdf",
					       "sous-titrage",
					       "gracias",
					       "obrigado",
					       "продолжениеследует",
					       "субтитрысделалdimatorzok",
					       "ご視聴ありがとうございました",
					       "谢谢观看" };
	char text[128];
	size_t len = 0;
	const char *from = strbuf_str(&t->text);
	for (size_t i = 0; i < t->text.len && len + 1 < sizeof text; i++)
		if (!strchr(" .,!?", from[i]))
			text[len++] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] - 'A' + 'a') : from[i];
	text[len] = '\0';
	for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
		if (strcmp(text, phrases[i]) == 0)
			return true;
	return false;
}

bool asr_quality_is_echo(const struct asr_transcript *t, const struct asr_quality *q)
{
	return is_stock_phrase(t) || (t->word_count <= FEW_WORDS && q->avg_logprob < TAIL_LOGPROB_MIN);
}

bool asr_quality_is_no_speech(const struct asr_transcript *t, const struct asr_quality *q)
{
	if (t->word_count == 0 || only_marks(strbuf_str(&t->text), t->text.len))
		return true;
	if (is_stock_phrase(t) && q->avg_logprob < STOCK_LOGPROB_MIN)
		return true;
	/* A few words that the model does not believe itself, or hardly any over a long part. */
	bool few = t->word_count <= FEW_WORDS && q->avg_logprob < FEW_LOGPROB_MIN;
	bool sparse = t->duration_us > SPARSE_US && q->words_per_second < SPARSE_WORDS_PER_SECOND &&
		      q->avg_logprob < SPARSE_LOGPROB_MIN;
	return few || sparse;
}
