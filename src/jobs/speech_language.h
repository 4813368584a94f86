/*
 * The language of a recording's parts where nobody named it: the first parts are detected, all of them vote
 * (asr/vote.h), a part that was unsure and heard another language than the vote gives is recognised once more in that
 * one. Once the vote is settled parts are recognised in its language, and one in ASR_VOTE_RECHECK is still detected, so
 * that a change is noticed. One thread.
 */
#ifndef TIRO_JOBS_SPEECH_LANGUAGE_H
#define TIRO_JOBS_SPEECH_LANGUAGE_H

#include <stdbool.h>

#include "asr/transcript.h"
#include "asr/vote.h"

/* Parts that are heard before the first words are told: over a minute of speech, two seconds of work. */
enum { SPEECH_LANGUAGE_PARTS = 4 };

struct speech_language {
	bool is_auto;
	struct asr_vote vote;
	unsigned unchecked; /* parts recognised without detection since the last one with it */
};

/* `named` is the caller's language, or "" to find it. */
void speech_language_init(struct speech_language *l, const char *named);

/* The language in which the next part is to be recognised; "" to detect it. Not called for a named language. */
void speech_language_next(struct speech_language *l, char ret[ASR_LANGUAGE_SIZE]);

/* A part was detected and recognised. */
void speech_language_heard(struct speech_language *l, const struct asr_transcript *part, double seconds);

/* True where enough was heard to tell the first words. */
bool speech_language_is_known(const struct speech_language *l);

/* True where the vote gives a part another language than it was recognised in; writes that one. */
bool speech_language_differs(const struct speech_language *l, const struct asr_transcript *part,
			     char ret[ASR_LANGUAGE_SIZE]);

/* The language that most of the recording is in, for the transcript's head. */
void speech_language_of_all(const struct speech_language *l, struct asr_transcript *transcript);

#endif
