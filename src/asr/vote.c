#include "asr/vote.h"

#include <string.h>

/* What another language than the recording's is given before a part is heard. */
#define OTHER_LANGUAGE 0.05
/* Seconds of speech that a recording must have spoken before its habit counts in full. */
#define HABIT_S 10.0
#define SETTLED_S 60.0
#define SETTLED_SHARE 0.9
enum { SETTLED_PARTS = 3 };

void asr_vote_add(struct asr_vote *vote, const struct asr_language_score *scores, size_t count, double speech_s)
{
	vote->total_s += speech_s;
	vote->parts++;
	for (size_t i = 0; i < count; i++) {
		size_t at = 0;
		while (at < vote->count && strcmp(vote->shares[at].language, scores[i].language) != 0)
			at++;
		if (at == ASR_VOTE_LANGUAGES)
			continue;
		if (at == vote->count) {
			memcpy(vote->shares[at].language, scores[i].language, ASR_LANGUAGE_SIZE);
			vote->shares[vote->count++].seconds = 0.0;
		}
		vote->shares[at].seconds += (double)scores[i].probability * speech_s;
	}
}

/* How much of the recording speaks a language, 0..1; little while little was heard. */
static double habit(const struct asr_vote *vote, const char *language)
{
	double most = vote->total_s > HABIT_S ? vote->total_s : HABIT_S;
	for (size_t i = 0; i < vote->count; i++)
		if (strcmp(vote->shares[i].language, language) == 0)
			return vote->shares[i].seconds / most;
	return 0.0;
}

static float most_spoken(const struct asr_vote *vote, char ret[ASR_LANGUAGE_SIZE])
{
	size_t best = 0;
	ret[0] = '\0';
	if (vote->count == 0 || vote->total_s <= 0.0)
		return 0.0F;
	for (size_t i = 1; i < vote->count; i++)
		if (vote->shares[i].seconds > vote->shares[best].seconds)
			best = i;
	memcpy(ret, vote->shares[best].language, ASR_LANGUAGE_SIZE);
	return (float)(vote->shares[best].seconds / vote->total_s);
}

float asr_vote_language(const struct asr_vote *vote, const struct asr_language_score *scores, size_t count,
			char ret[ASR_LANGUAGE_SIZE])
{
	if (count == 0)
		return most_spoken(vote, ret);
	/* Bayes: the part's own probabilities, times what the recording makes us expect. */
	double best = -1.0;
	double sum = 0.0;
	for (size_t i = 0; i < count; i++) {
		double p = (double)scores[i].probability * (OTHER_LANGUAGE + habit(vote, scores[i].language));
		sum += p;
		if (p > best) {
			best = p;
			memcpy(ret, scores[i].language, ASR_LANGUAGE_SIZE);
		}
	}
	return sum > 0.0 ? (float)(best / sum) : 0.0F;
}

bool asr_vote_is_settled(const struct asr_vote *vote)
{
	char language[ASR_LANGUAGE_SIZE];
	return vote->parts >= SETTLED_PARTS && vote->total_s >= SETTLED_S &&
	       most_spoken(vote, language) >= (float)SETTLED_SHARE;
}
