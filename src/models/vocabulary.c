#include "models/vocabulary.h"

#include <jansson.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/utf8.h"

enum {
	/* Words: large-v3 has 51,866. */
	WORDS_MAX = 200000,
	CODE_POINTS = 0x100 + 68
};

static const char end_word[] = "<|endoftext|>";

/* byte_of[c] is the byte that character c stands for, or -1. */
static void make_byte_map(int byte_of[CODE_POINTS])
{
	int next = 0x100;
	for (int c = 0; c < CODE_POINTS; c++)
		byte_of[c] = -1;
	for (int byte = 0; byte < 0x100; byte++) {
		bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
		byte_of[printable ? byte : next++] = byte;
	}
}

struct words {
	struct strbuf out; /* u32 length and bytes, of every word so far */
	uint32_t count;
	int byte_of[CODE_POINTS];
};

static bool add_word(struct words *words, const char *word, size_t len)
{
	char bytes[1024];
	uint32_t used = 0;
	for (size_t i = 0; i < len;) {
		size_t step;
		uint32_t c = utf8_decode(word + i, len - i, &step);
		if (c >= CODE_POINTS || words->byte_of[c] < 0 || used == sizeof bytes)
			return false;
		bytes[used++] = (char)words->byte_of[c];
		i += step;
	}
	unsigned char head[4] = { (unsigned char)used, (unsigned char)(used >> 8), 0, 0 };
	strbuf_add(&words->out, head, sizeof head);
	strbuf_add(&words->out, bytes, used);
	words->count++;
	return words->count <= WORDS_MAX;
}

/* Both readers: true where the end word was met and every word before it was good. */
static bool read_lines(struct words *words, const char *text, size_t size)
{
	if (!utf8_is_valid(text, size))
		return false;
	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		size_t len = end ? (size_t)(end - text) : size;
		if (len == strlen(end_word) && memcmp(text, end_word, len) == 0)
			return true;
		if (!end || !add_word(words, text, len))
			return false;
		text += len + 1;
		size -= len + 1;
	}
	return false;
}

static bool read_json(struct words *words, const char *text, size_t size)
{
	json_t *array = json_loadb(text, size, 0, NULL);
	bool ended = false;
	bool good = json_is_array(array);
	for (size_t i = 0; good && !ended && i < json_array_size(array); i++) {
		const json_t *word = json_array_get(array, i);
		good = json_is_string(word);
		ended = good && strcmp(json_string_value(word), end_word) == 0;
		if (good && !ended)
			good = add_word(words, json_string_value(word), json_string_length(word));
	}
	json_decref(array);
	return good && ended;
}

void vocabulary_put(struct sink *sink, const void *bytes, size_t size)
{
	struct words words = { .out = STRBUF_INIT(VOCABULARY_FILE_MAX) };
	make_byte_map(words.byte_of);
	/* A line file begins with the word "!", a JSON file with a bracket; "[" alone is a word, but not the first. */
	bool is_json = size > 0 && *(const char *)bytes == '[';
	bool good = size <= VOCABULARY_FILE_MAX &&
		    (is_json ? read_json(&words, bytes, size) : read_lines(&words, bytes, size));
	if (!good || words.out.failed) {
		(void)sink_fail(sink, ERR_CORRUPT, "the vocabulary is malformed");
	} else {
		sink_u32(sink, words.count);
		sink_write(sink, strbuf_str(&words.out), words.out.len);
	}
	strbuf_done(&words.out);
}
