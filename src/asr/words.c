#include "asr/words.h"

#include <string.h>
#include <utf8proc.h>

#include "asr/engine.h"
#include "base/utf8.h"

/* A word longer than this is a loop of the model without spaces; it is cut. */
enum { WORD_BYTES_MAX = 512 };

struct builder {
	struct asr_transcript *t;
	bool spaces; /* the language separates words by spaces */
	char text[WORD_BYTES_MAX];
	size_t len; /* 0: no word begun */
	bool space_before;
	int64_t start_us;
	int64_t end_us;
	float probability_sum;
	int tokens;
};

/* Drops what is not well-formed, and control characters; returns the new length. */
static size_t clean(char *text, size_t len)
{
	size_t out = 0;
	for (size_t in = 0; in < len;) {
		size_t n = utf8_valid_prefix(text + in, len - in);
		if (n == 0 || (n == 1 && (unsigned char)text[in] < ' ')) {
			in++;
			continue;
		}
		memmove(text + out, text + in, n);
		in += n;
		out += n;
	}
	return out;
}

static enum err_code end_word(struct builder *b, struct err *err)
{
	size_t len = clean(b->text, b->len);
	while (len > 0 && b->text[len - 1] == ' ')
		len--;
	b->len = 0;
	if (len == 0)
		return ERR_OK;
	int64_t previous_us = b->t->word_count > 0 ? b->t->words[b->t->word_count - 1].end_us : 0;
	/* The model's marks of time may overlap by a little; a word never starts before the one before it ended. */
	int64_t start_us = b->start_us < previous_us ? previous_us : b->start_us;
	struct asr_word word = {
		.start_us = start_us,
		.end_us = b->end_us < start_us ? start_us : b->end_us,
		.confidence = b->probability_sum / (float)b->tokens,
		.space_before = b->space_before && b->t->word_count > 0,
		.speaker = ASR_NO_SPEAKER,
	};
	return asr_transcript_add_word(b->t, &word, b->text, len, err);
}

static bool is_punctuation(const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t n;
		utf8proc_category_t category =
			utf8proc_category((utf8proc_int32_t)utf8_decode(text + at, len - at, &n));
		if (category < UTF8PROC_CATEGORY_PC || category > UTF8PROC_CATEGORY_PO)
			return false;
		at += n;
	}
	return true;
}

/* True where a token begins a word of its own. `text` is without its leading space. */
static bool begins_word(const struct builder *b, const char *text, size_t len, bool space)
{
	if (b->len == 0 || space)
		return true;
	if (b->spaces || !utf8_is_valid(b->text, b->len))
		return false;
	return !utf8_is_valid(text, len) || !is_punctuation(text, len);
}

static enum err_code add_token(struct builder *b, const struct asr_token *token, struct err *err)
{
	const char *text = token->text;
	bool space = text[0] == ' ';
	text += strspn(text, " ");
	size_t len = strlen(text);
	if (len == 0)
		return ERR_OK;
	if (len > sizeof b->text)
		len = sizeof b->text;
	if (begins_word(b, text, len, space) || len > sizeof b->text - b->len) {
		enum err_code code = b->len > 0 ? end_word(b, err) : ERR_OK;
		if (code)
			return code;
		b->space_before = space;
		b->start_us = token->start_us;
		b->probability_sum = 0.0F;
		b->tokens = 0;
	}
	memcpy(b->text + b->len, text, len);
	b->len += len;
	b->end_us = token->end_us;
	b->probability_sum += token->probability;
	b->tokens++;
	return ERR_OK;
}

enum err_code asr_words_add(struct asr_transcript *t, const struct asr_segment *segment, const struct asr_token *tokens,
			    size_t count, struct err *err)
{
	struct builder b = { .t = t, .spaces = asr_language_has_spaces(segment->language) };
	size_t first = t->word_count;
	for (size_t i = 0; i < count; i++) {
		enum err_code code = add_token(&b, &tokens[i], err);
		if (code)
			return code;
	}
	enum err_code code = b.len > 0 ? end_word(&b, err) : ERR_OK;
	if (code || t->word_count == first)
		return code;
	struct asr_segment whole = *segment;
	whole.first_word = (uint32_t)first;
	whole.word_count = (uint32_t)(t->word_count - first);
	whole.start_us = t->words[first].start_us;
	whole.end_us = t->words[t->word_count - 1].end_us;
	return asr_transcript_add_segment(t, &whole, err);
}
