/*
 * Cues: the words of a transcript shaped into subtitles for reading.
 *
 * The rules, and where they come from:
 * - at most two lines of 42 columns, lines broken at punctuation and between phrases, the second line rather the
 *   longer one; shown for 5/6 s at least and 7 s at most; two frames between cues, and a pause of less than half
 *   a second closed to that: Netflix, "Timed Text Style Guide: General Requirements" and "English (USA)";
 * - at most 20 columns a second where the pauses allow it (Netflix, same guides, adult programmes), by keeping a
 *   cue through the silence after it;
 * - a sentence is a cue or several, a speaker never shares one with another, and no cue runs over a long pause: BBC,
 *   "Subtitle Guidelines", line breaks and timing.
 * A wide East Asian character is two columns, so that Chinese and Japanese lines have at most 21 characters.
 * Cues come from words, not from segments: what the recogniser calls a segment has no length fit for reading.
 *
 * Cues are told as soon as they can no longer change, at most a sentence after their words. How the words were
 * spread over calls of asr_cues_update makes no difference. One thread at a time.
 */
#ifndef TIRO_ASR_CUES_H
#define TIRO_ASR_CUES_H

#include "asr/transcript.h"

enum {
	CUE_LINES = 2,
	CUE_COLUMNS = 42, /* of a line */
	CUE_COLUMNS_PER_S = 20
};
#define CUE_MIN_US ((int64_t)833000) /* 5/6 s; shorter only where the next words leave no room */
#define CUE_FLOOR_US ((int64_t)400000) /* never shorter, whatever the words' times say */
#define CUE_MAX_US ((int64_t)7000000)
#define CUE_GAP_US ((int64_t)80000) /* two frames at 25 a second */
#define CUE_CHAIN_US ((int64_t)500000) /* a pause below this is closed to the gap */
#define CUE_PAUSE_US ((int64_t)1500000) /* a pause from this on ends a cue */

struct asr_cue {
	int64_t start_us; /* whole milliseconds; at least CUE_GAP_US after the end of the cue before */
	int64_t end_us; /* > start_us */
	int16_t speaker; /* or ASR_NO_SPEAKER */
	int line_count; /* 1..CUE_LINES */
	const char *lines[CUE_LINES]; /* borrowed during the call, not terminated, without control characters */
	size_t line_len[CUE_LINES]; /* bytes, > 0 */
};

/* Called for each finished cue, in the order of time. */
typedef void asr_cue_fn(void *ctx, const struct asr_cue *cue);

struct asr_cues;

/* `t` is borrowed for the object's life. Errors: ERR_NO_MEMORY. */
enum err_code asr_cues_new(const struct asr_transcript *t, asr_cue_fn *on_cue, void *ctx, struct asr_cues **ret,
			   struct err *err) MUST_CHECK;
void asr_cues_free(struct asr_cues *cues);

/* Segments were appended to the transcript. */
void asr_cues_update(struct asr_cues *cues);

/* The transcript is whole: tells the rest. */
void asr_cues_end(struct asr_cues *cues);

/* False where memory failed; then cues are missing. */
bool asr_cues_ok(const struct asr_cues *cues);

#endif
