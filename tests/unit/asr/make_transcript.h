/*
 * Transcripts for the tests of formats and cues: of a sentence, or random ones with every kind of word.
 */
#ifndef TEST_MAKE_TRANSCRIPT_H
#define TEST_MAKE_TRANSCRIPT_H

#include <assert.h>
#include <string.h>

#include "asr/transcript.h"
#include "base/clock.h"

/* Appends a word; text that starts with '~' has no space before it. Times in milliseconds. */
static inline void add_word(struct asr_transcript *t, const char *text, int64_t start_ms, int64_t end_ms)
{
	bool space = *text != '~' && t->word_count > 0;
	text += *text == '~';
	struct asr_word word = { .start_us = start_ms * US_PER_MS,
				 .end_us = end_ms * US_PER_MS,
				 .confidence = 0.9F,
				 .space_before = space,
				 .speaker = ASR_NO_SPEAKER };
	enum err_code code = asr_transcript_add_word(t, &word, text, strlen(text), NULL);
	assert(code == ERR_OK);
}

/* Makes a segment of the words that are in none yet. */
static inline void end_segment(struct asr_transcript *t)
{
	struct asr_segment segment = { .avg_logprob = -0.25F, .compression_ratio = 1.5F };
	const struct asr_segment *before = t->segment_count ? &t->segments[t->segment_count - 1] : NULL;
	segment.first_word = before ? before->first_word + before->word_count : 0;
	segment.word_count = (uint32_t)t->word_count - segment.first_word;
	if (segment.word_count == 0)
		return;
	segment.start_us = t->words[segment.first_word].start_us;
	segment.end_us = t->words[t->word_count - 1].end_us;
	memcpy(segment.language, "en", 3);
	enum err_code code = asr_transcript_add_segment(t, &segment, NULL);
	assert(code == ERR_OK);
	t->duration_us = segment.end_us;
}

/* Appends the words of `text` (split at spaces) as one segment, each `word_ms` long, from `start_ms` on. */
static inline void add_sentence(struct asr_transcript *t, const char *text, int64_t start_ms, int64_t word_ms)
{
	char copy[1024];
	assert(strlen(text) < sizeof copy);
	memcpy(copy, text, strlen(text) + 1);
	char *rest = NULL;
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		add_word(t, word, start_ms, start_ms + word_ms);
		start_ms += word_ms;
	}
	end_segment(t);
}

/* A generator that gives the same numbers everywhere (Numerical Recipes' LCG, upper bits). */
static inline uint32_t next_random(uint32_t *state, uint32_t below)
{
	*state = *state * 1664525U + 1013904223U;
	return (uint32_t)(((uint64_t)(*state >> 8) * below) >> 24);
}

/* Appends `count` words of many scripts, lengths, speeds and pauses, in segments of random size. */
static inline void add_random(struct asr_transcript *t, uint32_t *state, size_t count)
{
	static const char *const words[] = {
		"a",
		"the",
		"I",
		"no",
		"house",
		"Yes.",
		"and,",
		"remarkable",
		"it;",
		"Dr.",
		"\"Why?\"",
		"end.",
		"3.",
		"Donaudampfschifffahrtsgesellschaftskapit\u00e4nsm\u00fctzenabzeichenhersteller",
		"caf\u00e9",
		"<b>",
		"R&D",
		"a-->b",
		"~-like",
		"~'s",
		"\u0645\u0631\u062d\u0628\u0627",
		"\u0633\u0644\u0627\u0645\u061f",
		"~\u3053\u308c\u306f",
		"~\u672c\u3067\u3059\u3002",
		"~\u300c",
		"~\u4f60\u597d\uff0c",
		"~東京特許許可局東京特許許可局東京特許許可局東京特許許可局",
		"~\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
		"\ud55c\uad6d\uc5b4",
		"e\u0301\u0301te\u0301",
		"tab\tbed",
		"\u2028"
	};
	int64_t now_ms = t->word_count ? t->words[t->word_count - 1].end_us / US_PER_MS : 0;
	for (size_t i = 0; i < count; i++) {
		if (next_random(state, 6) == 0)
			now_ms += next_random(state, 4000);
		int64_t length_ms = next_random(state, 20) == 0 ? 0 : 60 + next_random(state, 500);
		add_word(t, words[next_random(state, sizeof words / sizeof words[0])], now_ms, now_ms + length_ms);
		now_ms += length_ms;
		if (next_random(state, 8) == 0)
			end_segment(t);
	}
	end_segment(t);
}

#endif
