/*
 * Words from a recogniser's tokens. A token is a piece of bytes: it may hold part of a word or even part of a
 * character.
 */
#ifndef TIRO_ASR_WORDS_H
#define TIRO_ASR_WORDS_H

#include "asr/transcript.h"

struct asr_token {
	const char *text; /* bytes as the model gave them; borrowed */
	float probability;
	int64_t start_us;
	int64_t end_us;
};

/*
 * Appends the tokens' words to the transcript and, where there is at least one, a segment over them: `segment` with
 * first_word and word_count filled, its times held to its words'. In a language that writes spaces a word starts at
 * a space; in the others at each token that starts a character. Punctuation stays with the word before it. Bytes
 * that are no UTF-8 are left out. Errors: ERR_TOO_BIG, ERR_NO_MEMORY.
 */
enum err_code asr_words_add(struct asr_transcript *t, const struct asr_segment *segment, const struct asr_token *tokens,
			    size_t count, struct err *err) MUST_CHECK;

#endif
