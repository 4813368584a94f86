/*
 * What was said: words with times and confidences, grouped into segments.
 *
 * One type serves a part (times relative to the part's audio) and a whole recording (times relative to the
 * recording's start); asr/stitch.h turns the one into the other. Times are microseconds. The text of all words
 * lies in one pool, so that a transcript of hours is four blocks of memory.
 *
 * One thread at a time.
 */
#ifndef TIRO_ASR_TRANSCRIPT_H
#define TIRO_ASR_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

enum {
	ASR_LANGUAGE_SIZE = 8, /* ISO 639-1 (or Whisper's own three letters, "yue", "haw") and a 0 */
	ASR_NO_SPEAKER = -1
};

/* Words of one recording: 48 h at 300 words a minute. */
#define LIMIT_TRANSCRIPT_WORDS ((size_t)1024 * 1024)
/* Text of one recording, bytes. */
#define LIMIT_TRANSCRIPT_TEXT ((size_t)32 * 1024 * 1024)

struct asr_word {
	int64_t start_us;
	int64_t end_us; /* >= start_us */
	float confidence; /* 0..1: the mean probability of its tokens */
	uint32_t text; /* offset in the pool */
	uint16_t text_len; /* bytes, without surrounding space */
	bool space_before; /* false inside scripts that do not separate words, and for the first word */
	int16_t speaker; /* index from 0, or ASR_NO_SPEAKER */
};

struct asr_segment {
	int64_t start_us;
	int64_t end_us;
	uint32_t first_word;
	uint32_t word_count;
	float avg_logprob; /* mean log probability of its tokens, <= 0 */
	float no_speech_prob; /* 0..1 */
	float compression_ratio; /* bytes of text by bytes of its deflate form, as Whisper's own fallback rule */
	float temperature; /* the sampling temperature that gave it */
	char language[ASR_LANGUAGE_SIZE];
};

struct asr_transcript {
	char language[ASR_LANGUAGE_SIZE]; /* "" while unknown */
	float language_confidence; /* 0..1; 1 where the caller named it */
	int64_t duration_us; /* of the audio, silence included */
	struct strbuf text; /* the pool */
	struct asr_word *words;
	size_t word_count;
	size_t word_capacity;
	struct asr_segment *segments;
	size_t segment_count;
	size_t segment_capacity;
};

void asr_transcript_init(struct asr_transcript *t);
/* Releases everything; also for a zeroed object. */
void asr_transcript_done(struct asr_transcript *t);
#define cleanup_transcript cleanup(asr_transcript_done)

/* Appends a word; `word->text` and `text_len` are set from `text`, of at most UINT16_MAX bytes of valid UTF-8.
 * Errors: ERR_TOO_BIG at the limits above, ERR_NO_MEMORY. */
enum err_code asr_transcript_add_word(struct asr_transcript *t, const struct asr_word *word, const char *text,
				      size_t text_len, struct err *err) MUST_CHECK;

/* Appends a segment over words that are already there. */
enum err_code asr_transcript_add_segment(struct asr_transcript *t, const struct asr_segment *segment, struct err *err)
	MUST_CHECK;

/* The bytes of a word, borrowed until the next change; `text_len` long, not terminated. */
const char *asr_word_text(const struct asr_transcript *t, const struct asr_word *word);

/* Appends the words [first, first + count) as running text. */
void asr_transcript_text(const struct asr_transcript *t, size_t first, size_t count, struct strbuf *out);

/* The form in which an engine sends a transcript to a node, and a store will keep it (process/pack.h). */
void asr_transcript_pack(const struct asr_transcript *t, struct strbuf *out);
/* Reads what asr_transcript_pack wrote, as untrusted bytes: every count, order, range and UTF-8 is checked.
 * *ret is initialised by this call and empty on failure. Errors: ERR_PROTOCOL, ERR_TOO_BIG, ERR_NO_MEMORY. */
enum err_code asr_transcript_unpack(const void *bytes, size_t len, struct asr_transcript *ret, struct err *err)
	MUST_CHECK;

#endif
