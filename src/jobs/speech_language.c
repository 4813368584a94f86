#include "jobs/speech_language.h"

#include <string.h>

void speech_language_init(struct speech_language *l, const char *named)
{
	*l = (struct speech_language){ .is_auto = named[0] == '\0' };
}

void speech_language_next(struct speech_language *l, char ret[ASR_LANGUAGE_SIZE])
{
	ret[0] = '\0';
	if (!asr_vote_is_settled(&l->vote) || ++l->unchecked >= ASR_VOTE_RECHECK) {
		l->unchecked = 0;
		return;
	}
	(void)asr_vote_language(&l->vote, NULL, 0, ret);
}

void speech_language_heard(struct speech_language *l, const struct asr_transcript *part, double seconds)
{
	struct asr_language_score score = { .probability = part->language_confidence };
	memcpy(score.language, part->language, sizeof score.language);
	if (score.language[0])
		asr_vote_add(&l->vote, &score, 1, seconds);
}

bool speech_language_is_known(const struct speech_language *l)
{
	return !l->is_auto || l->vote.parts >= SPEECH_LANGUAGE_PARTS || asr_vote_is_settled(&l->vote);
}

bool speech_language_differs(const struct speech_language *l, const struct asr_transcript *part,
			     char ret[ASR_LANGUAGE_SIZE])
{
	/* What the part did not give to its own language might all be the recording's. */
	struct asr_language_score scores[2] = { { .probability = part->language_confidence },
						{ .probability = 1 - part->language_confidence } };
	memcpy(scores[0].language, part->language, sizeof scores[0].language);
	(void)asr_vote_language(&l->vote, NULL, 0, scores[1].language);
	if (!scores[0].language[0] || !scores[1].language[0] || strcmp(scores[0].language, scores[1].language) == 0)
		return false;
	(void)asr_vote_language(&l->vote, scores, 2, ret);
	return strcmp(ret, part->language) != 0;
}

void speech_language_of_all(const struct speech_language *l, struct asr_transcript *transcript)
{
	if (l->is_auto && l->vote.count > 0)
		transcript->language_confidence = asr_vote_language(&l->vote, NULL, 0, transcript->language);
}
