/*
 * Whether a recogniser's text for a part can be trusted: models fall into loops, stop early, or write what nobody
 * said. Pure functions; README.md says how the bounds were found.
 */
#ifndef TIRO_ASR_QUALITY_H
#define TIRO_ASR_QUALITY_H

#include "asr/transcript.h"

struct asr_quality {
	float avg_logprob; /* over all tokens of the part */
	float compression_ratio;
	float words_per_second;
	bool loops; /* the same few words several times over */
};

/* Judges a part's transcript; `duration_us` must be set. */
void asr_quality_measure(const struct asr_transcript *t, struct asr_quality *ret);

/*
 * True where the text of a quick try needs no slow one. `alone`: the part is a whole recording; a packed part has more
 * context and is held to less.
 */
bool asr_quality_is_sure(const struct asr_quality *q, bool alone);

/* True where nothing speaks for one more try. */
bool asr_quality_is_good(const struct asr_quality *q);

/* For choosing between tries: the larger, the better. */
float asr_quality_score(const struct asr_quality *q);

/* True where the text is no speech: nothing, marks like "[music]", or what models write over noise. */
bool asr_quality_is_no_speech(const struct asr_transcript *t, const struct asr_quality *q);

/*
 * True where the text of what lies behind a part's last word is none: a model that is given the noise after speech
 * alone writes "you" or "Thank you." with more belief than over noise elsewhere.
 */
bool asr_quality_is_echo(const struct asr_transcript *t, const struct asr_quality *q);

/*
 * True where no mouth can have said a segment in the time that its words have: a model that goes on behind the end of
 * the audio puts all of that at one place, most often the sentence before once more.
 */
bool asr_quality_is_unsaid(const struct asr_transcript *t, const struct asr_segment *segment);

/* Bytes of text by bytes of its deflate form; 1 for nothing. Whisper's own measure of loops. */
float asr_compression_ratio(const char *text, size_t len);

#endif
