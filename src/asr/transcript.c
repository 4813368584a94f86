#include "asr/transcript.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "process/pack.h"

enum {
	PACK_VERSION = 1,
	/* Bytes that one packed word and one packed segment take at least: the strings in them may be empty. */
	PACKED_WORD_BYTES = 8 + 8 + 4 + 1 + 4 + 4,
	PACKED_SEGMENT_BYTES = 8 + 8 + 4 + 4 * 4 + 4,
	FIRST_CAPACITY = 64
};

/* Times beyond this are no times of a recording: its longest duration, twice, for start offsets. */
#define TIME_MAX_US (2 * LIMIT_AUDIO_SECONDS * 1000000)

void asr_transcript_init(struct asr_transcript *t)
{
	*t = (struct asr_transcript){ .text = STRBUF_INIT(LIMIT_TRANSCRIPT_TEXT) };
}

void asr_transcript_done(struct asr_transcript *t)
{
	strbuf_done(&t->text);
	free(t->words);
	free(t->segments);
	asr_transcript_init(t);
}

/* Makes room for one element more; the new block, or NULL where there is no memory (the old one stays). */
static void *grow(void *block, size_t *capacity, size_t count, size_t element_size)
{
	if (count < *capacity)
		return block;
	size_t next = *capacity ? *capacity * 2 : FIRST_CAPACITY;
	void *grown = realloc(block, next * element_size);
	if (grown)
		*capacity = next;
	return grown;
}

enum err_code asr_transcript_add_word(struct asr_transcript *t, const struct asr_word *word, const char *text,
				      size_t text_len, struct err *err)
{
	if (t->word_count >= LIMIT_TRANSCRIPT_WORDS || text_len > UINT16_MAX ||
	    text_len > LIMIT_TRANSCRIPT_TEXT - t->text.len)
		return err_set(err, ERR_TOO_BIG, "a transcript has more than %zu words or %zu bytes of text",
			       LIMIT_TRANSCRIPT_WORDS, LIMIT_TRANSCRIPT_TEXT);
	struct asr_word *words = grow(t->words, &t->word_capacity, t->word_count, sizeof *words);
	if (!words)
		return err_set(err, ERR_NO_MEMORY, "no memory for a transcript of %zu words", t->word_count);
	t->words = words;
	size_t offset = t->text.len;
	strbuf_add(&t->text, text, text_len);
	if (t->text.failed)
		return err_set(err, ERR_NO_MEMORY, "no memory for %zu bytes of text", offset + text_len);
	words[t->word_count] = *word;
	words[t->word_count].text = (uint32_t)offset;
	words[t->word_count].text_len = (uint16_t)text_len;
	t->word_count++;
	return ERR_OK;
}

enum err_code asr_transcript_add_segment(struct asr_transcript *t, const struct asr_segment *segment, struct err *err)
{
	/* A segment without a word says nothing, so there are never more segments than words. */
	if (t->segment_count >= LIMIT_TRANSCRIPT_WORDS)
		return err_set(err, ERR_TOO_BIG, "a transcript has more than %zu segments", LIMIT_TRANSCRIPT_WORDS);
	struct asr_segment *segments = grow(t->segments, &t->segment_capacity, t->segment_count, sizeof *segments);
	if (!segments)
		return err_set(err, ERR_NO_MEMORY, "no memory for a transcript of %zu segments", t->segment_count);
	t->segments = segments;
	segments[t->segment_count++] = *segment;
	return ERR_OK;
}

const char *asr_word_text(const struct asr_transcript *t, const struct asr_word *word)
{
	return strbuf_str(&t->text) + word->text;
}

void asr_transcript_text(const struct asr_transcript *t, size_t first, size_t count, struct strbuf *out)
{
	for (size_t i = first; i < first + count && i < t->word_count; i++) {
		const struct asr_word *word = &t->words[i];
		if (i > first && word->space_before)
			strbuf_add_char(out, ' ');
		strbuf_add(out, asr_word_text(t, word), word->text_len);
	}
}

/* -- the packed form ------------------------------------------------------------------------------- */

static void pack_word(const struct asr_transcript *t, const struct asr_word *word, struct strbuf *out)
{
	pack_i64(out, word->start_us);
	pack_i64(out, word->end_us);
	pack_f32(out, word->confidence);
	pack_u8(out, word->space_before);
	pack_u32(out, (uint32_t)word->speaker);
	pack_bytes(out, asr_word_text(t, word), word->text_len);
}

static void pack_segment(const struct asr_segment *segment, struct strbuf *out)
{
	pack_i64(out, segment->start_us);
	pack_i64(out, segment->end_us);
	/* first_word is not written: segments follow each other without gap or overlap. */
	pack_u32(out, segment->word_count);
	pack_f32(out, segment->avg_logprob);
	pack_f32(out, segment->no_speech_prob);
	pack_f32(out, segment->compression_ratio);
	pack_f32(out, segment->temperature);
	pack_str(out, segment->language);
}

void asr_transcript_pack(const struct asr_transcript *t, struct strbuf *out)
{
	pack_u8(out, PACK_VERSION);
	pack_str(out, t->language);
	pack_f32(out, t->language_confidence);
	pack_i64(out, t->duration_us);
	pack_u32(out, (uint32_t)t->word_count);
	for (size_t i = 0; i < t->word_count; i++)
		pack_word(t, &t->words[i], out);
	pack_u32(out, (uint32_t)t->segment_count);
	for (size_t i = 0; i < t->segment_count; i++)
		pack_segment(&t->segments[i], out);
}

static bool is_time_span(int64_t start_us, int64_t end_us)
{
	return start_us >= -TIME_MAX_US && start_us <= end_us && end_us <= TIME_MAX_US;
}

static bool is_probability(float p)
{
	return p >= 0.0F && p <= 1.0F;
}

/* A code as asr_language_code writes it, or nothing. */
static bool is_language(const char *code)
{
	return strspn(code, "abcdefghijklmnopqrstuvwxyz") == strlen(code);
}

static enum err_code unpack_word(struct unpacker *u, struct asr_transcript *t, struct err *err)
{
	struct asr_word word = { .start_us = unpack_i64(u), .end_us = unpack_i64(u), .confidence = unpack_f32(u) };
	uint8_t space = unpack_u8(u);
	int32_t speaker = (int32_t)unpack_u32(u);
	size_t len;
	const char *text = unpack_bytes(u, &len);
	word.space_before = space == 1;
	word.speaker = (int16_t)speaker;
	if (u->failed || !is_time_span(word.start_us, word.end_us) || !is_probability(word.confidence) || space > 1 ||
	    speaker < ASR_NO_SPEAKER || speaker > INT16_MAX || len == 0 || memchr(text, '\0', len) ||
	    !utf8_is_valid(text, len))
		return err_set(err, ERR_PROTOCOL, "word %zu of a transcript is malformed", t->word_count);
	if (t->word_count > 0 && word.start_us < t->words[t->word_count - 1].start_us)
		return err_set(err, ERR_PROTOCOL, "word %zu of a transcript starts before the one before it",
			       t->word_count);
	return asr_transcript_add_word(t, &word, text, len, err);
}

static enum err_code unpack_segment(struct unpacker *u, size_t first_word, struct asr_transcript *t, struct err *err)
{
	struct asr_segment segment = {
		.start_us = unpack_i64(u),
		.end_us = unpack_i64(u),
		.first_word = (uint32_t)first_word,
		.word_count = unpack_u32(u),
		.avg_logprob = unpack_f32(u),
		.no_speech_prob = unpack_f32(u),
		.compression_ratio = unpack_f32(u),
		.temperature = unpack_f32(u),
	};
	unpack_str(u, segment.language, sizeof segment.language);
	if (u->failed || !is_time_span(segment.start_us, segment.end_us) || segment.word_count == 0 ||
	    segment.word_count > t->word_count - first_word || segment.avg_logprob > 0.0F ||
	    !is_probability(segment.no_speech_prob) || segment.compression_ratio < 0.0F || segment.temperature < 0.0F ||
	    !is_language(segment.language))
		return err_set(err, ERR_PROTOCOL, "segment %zu of a transcript is malformed", t->segment_count);
	if (t->segment_count > 0 && segment.start_us < t->segments[t->segment_count - 1].start_us)
		return err_set(err, ERR_PROTOCOL, "segment %zu of a transcript starts before the one before it",
			       t->segment_count);
	return asr_transcript_add_segment(t, &segment, err);
}

static enum err_code unpack_body(struct unpacker *u, struct asr_transcript *t, struct err *err)
{
	if (unpack_u8(u) != PACK_VERSION)
		return err_set(err, ERR_PROTOCOL, "a transcript is of a version that is not known here");
	unpack_str(u, t->language, sizeof t->language);
	t->language_confidence = unpack_f32(u);
	t->duration_us = unpack_i64(u);
	if (u->failed || !is_language(t->language) || !is_probability(t->language_confidence) || t->duration_us < 0 ||
	    t->duration_us > TIME_MAX_US)
		return err_set(err, ERR_PROTOCOL, "the head of a transcript is malformed");
	uint32_t words = unpack_count(u, PACKED_WORD_BYTES);
	for (uint32_t i = 0; i < words; i++) {
		enum err_code code = unpack_word(u, t, err);
		if (code)
			return code;
	}
	uint32_t segments = unpack_count(u, PACKED_SEGMENT_BYTES);
	size_t first_word = 0;
	for (uint32_t i = 0; i < segments; i++) {
		enum err_code code = unpack_segment(u, first_word, t, err);
		if (code)
			return code;
		first_word += t->segments[i].word_count;
	}
	if (!u->failed && first_word != t->word_count)
		return err_set(err, ERR_PROTOCOL, "the segments of a transcript do not cover its words");
	return unpack_finish(u, "transcript", err);
}

enum err_code asr_transcript_unpack(const void *bytes, size_t len, struct asr_transcript *ret, struct err *err)
{
	asr_transcript_init(ret);
	struct unpacker u = unpack_start(bytes, len);
	enum err_code code = unpack_body(&u, ret, err);
	if (code)
		asr_transcript_done(ret);
	return code;
}
