#include "asr/stitch.h"

#include <string.h>

#include "asr/engine.h"
#include "base/clock.h"
#include "base/limits.h"

/* Silence that was cut out and is longer than this ends a segment: what follows is another thought. */
#define SEGMENT_GAP_US US_PER_S

struct mapping {
	const struct asr_span *spans;
	size_t count;
	int64_t offset_us;
	int64_t floor_us; /* nothing starts before: the end of what came before */
};

static int64_t samples_to_us(int64_t samples)
{
	return samples * US_PER_S / AUDIO_RATE;
}

static int64_t span_part_start_us(const struct asr_span *span)
{
	return samples_to_us(span->part);
}

static int64_t span_part_end_us(const struct asr_span *span)
{
	return samples_to_us((int64_t)span->part + span->length);
}

/* How much of [start, end) lies in a span. */
static int64_t overlap_us(const struct asr_span *span, int64_t start_us, int64_t end_us)
{
	int64_t from = span_part_start_us(span) > start_us ? span_part_start_us(span) : start_us;
	int64_t to = span_part_end_us(span) < end_us ? span_part_end_us(span) : end_us;
	return to - from;
}

/* The span that holds most of a word. Where none holds any of it (overlaps are negative then), the nearest. */
static size_t span_of(const struct mapping *m, const struct asr_word *word)
{
	size_t best = 0;
	for (size_t i = 1; i < m->count; i++)
		if (overlap_us(&m->spans[i], word->start_us, word->end_us) >
		    overlap_us(&m->spans[best], word->start_us, word->end_us))
			best = i;
	return best;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* Maps a word's times into the recording, held to one span and behind what came before. */
static void map_word(struct mapping *m, const struct asr_span *span, struct asr_word *word)
{
	int64_t shift_us = samples_to_us(span->source) - span_part_start_us(span) + m->offset_us;
	int64_t start_us = clamp(word->start_us, span_part_start_us(span), span_part_end_us(span));
	int64_t end_us = clamp(word->end_us, start_us, span_part_end_us(span));
	word->start_us = start_us + shift_us > m->floor_us ? start_us + shift_us : m->floor_us;
	word->end_us = end_us + shift_us > word->start_us ? end_us + shift_us : word->start_us;
	m->floor_us = word->end_us;
}

static bool jumps(const struct mapping *m, size_t from, size_t to)
{
	const struct asr_span *a = &m->spans[from];
	const struct asr_span *b = &m->spans[to];
	return from != to && samples_to_us(b->source - (a->source + a->length)) > SEGMENT_GAP_US;
}

/* Ends the piece of `segment` that began at word `first` of the recording. */
static enum err_code add_piece(struct asr_transcript *recording, const struct asr_segment *segment, size_t first,
			       struct err *err)
{
	if (recording->word_count == first)
		return ERR_OK;
	struct asr_segment piece = *segment;
	piece.first_word = (uint32_t)first;
	piece.word_count = (uint32_t)(recording->word_count - first);
	piece.start_us = recording->words[first].start_us;
	piece.end_us = recording->words[recording->word_count - 1].end_us;
	return asr_transcript_add_segment(recording, &piece, err);
}

static enum err_code add_segment(struct asr_transcript *recording, const struct asr_transcript *part,
				 const struct asr_segment *segment, struct mapping *m, struct err *err)
{
	size_t piece = recording->word_count;
	size_t last_span = 0;
	for (uint32_t i = 0; i < segment->word_count; i++) {
		const struct asr_word *from = &part->words[segment->first_word + i];
		struct asr_word word = *from;
		size_t span = span_of(m, from);
		/* Mapping keeps the order even where an engine's times step back. */
		span = i > 0 && span < last_span ? last_span : span;
		if (i > 0 && jumps(m, last_span, span)) {
			enum err_code code = add_piece(recording, segment, piece, err);
			if (code)
				return code;
			piece = recording->word_count;
		}
		last_span = span;
		map_word(m, &m->spans[span], &word);
		if (segment->first_word + i == 0)
			word.space_before = recording->word_count > 0 && asr_language_has_spaces(segment->language);
		enum err_code code =
			asr_transcript_add_word(recording, &word, asr_word_text(part, from), from->text_len, err);
		if (code)
			return code;
	}
	return add_piece(recording, segment, piece, err);
}

enum err_code asr_stitch(struct asr_transcript *recording, const struct asr_transcript *part,
			 const struct asr_span *spans, size_t span_count, int64_t offset_us, struct err *err)
{
	if (span_count == 0)
		return part->word_count == 0
			       ? ERR_OK
			       : err_set(err, ERR_INVALID, "a part with words has no place in the recording");
	struct mapping m = { .spans = spans, .count = span_count, .offset_us = offset_us, .floor_us = INT64_MIN };
	if (recording->word_count > 0)
		m.floor_us = recording->words[recording->word_count - 1].end_us;
	if (recording->language[0] == '\0') {
		memcpy(recording->language, part->language, sizeof recording->language);
		recording->language_confidence = part->language_confidence;
	}
	for (size_t i = 0; i < part->segment_count; i++) {
		enum err_code code = add_segment(recording, part, &part->segments[i], &m, err);
		if (code)
			return code;
	}
	return ERR_OK;
}
