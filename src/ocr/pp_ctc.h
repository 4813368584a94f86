/*
 * From the recogniser's table of scores (time steps x characters) to text: greedy CTC decoding (Graves et al. 2006).
 * Thread-safe.
 */
#ifndef TIRO_OCR_PP_CTC_H
#define TIRO_OCR_PP_CTC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Characters of a dictionary; PP-OCRv6 has 18,708. */
#define PP_DICTIONARY_MAX 65536

/*
 * The network's columns: 0 is CTC's blank, then the dictionary's characters, last the space.
 */
struct pp_dictionary {
	char *text; /* owned */
	uint32_t *start; /* owned; count + 1 offsets into text */
	size_t count; /* of columns, with blank and space */
};

/*
 * Reads characters one per line (a line may hold several code points). The bytes are untrusted.
 * Errors: ERR_CORRUPT (empty, not UTF-8, too many), ERR_NO_MEMORY. *ret is untouched then.
 */
enum err_code pp_dictionary_read(const char *text, size_t len, struct pp_dictionary *ret, struct err *err) MUST_CHECK;
void pp_dictionary_done(struct pp_dictionary *dictionary);

/* The text of a column, "" for blank; borrowed, `*ret_len` bytes. */
const char *pp_dictionary_text(const struct pp_dictionary *dictionary, uint32_t column, size_t *ret_len);

/* True for columns that leave no mark: the space, also the ideographic one, and entries without text. */
bool pp_dictionary_is_space(const struct pp_dictionary *dictionary, uint32_t column);

/* One decoded character. */
struct pp_char {
	uint32_t column; /* in the dictionary */
	float confidence; /* 0..1 */
	float at; /* middle of its run of time steps */
};

/*
 * Decodes `rows` time steps of `columns` scores each (probabilities). `ret` has room for `rows` characters.
 * Returns how many there are.
 */
size_t pp_ctc_decode(const float *scores, size_t rows, size_t columns, struct pp_char *ret);

#endif
