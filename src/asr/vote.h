/*
 * Which language a part of a recording is in, from what a recogniser made of this part and of the others.
 *
 * One part alone is often too short to tell near languages apart; the whole recording is not. But a recording may
 * also change its language. So each part keeps its own voice, weighed with what the recording speaks elsewhere:
 * a part that is sure differs from the rest, one that is not follows it.
 *
 * A pipeline adds the scores of each part that it had detected, and asks before it has a part recognised. It may
 * leave out detection for most parts once asr_vote_is_settled. One thread at a time, no allocation.
 */
#ifndef TIRO_ASR_VOTE_H
#define TIRO_ASR_VOTE_H

#include "asr/engine.h"

enum {
	ASR_VOTE_SCORES = 5, /* the best few of a part's languages are worth asking for */
	ASR_VOTE_LANGUAGES = 128 /* more than any model knows */
};

struct asr_vote {
	struct {
		char language[ASR_LANGUAGE_SIZE];
		double seconds; /* of speech, by probability */
	} shares[ASR_VOTE_LANGUAGES];
	size_t count;
	double total_s;
	unsigned parts;
};

/* An empty vote is a zeroed one. */

/* Adds a part: its scores and how many seconds of speech it has. */
void asr_vote_add(struct asr_vote *vote, const struct asr_language_score *scores, size_t count, double speech_s);

/*
 * The language for a part with these scores (already added or not; count 0 where it was not detected): writes the code
 * and returns how sure that is, 0..1. "" and 0 where nothing is known.
 */
float asr_vote_language(const struct asr_vote *vote, const struct asr_language_score *scores, size_t count,
			char ret[ASR_LANGUAGE_SIZE]);

/* True once several parts, over a minute of speech or more, speak one language: later parts may be left undetected,
 * one in ASR_VOTE_RECHECK excepted. */
bool asr_vote_is_settled(const struct asr_vote *vote);
enum { ASR_VOTE_RECHECK = 8 };

#endif
