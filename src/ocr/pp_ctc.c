#include "ocr/pp_ctc.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

static size_t count_lines(const char *text, size_t len)
{
	size_t n = len && text[len - 1] != '\n';
	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

enum err_code pp_dictionary_read(const char *text, size_t len, struct pp_dictionary *ret, struct err *err)
{
	size_t lines = count_lines(text, len);
	if (!lines || lines > PP_DICTIONARY_MAX)
		return err_set(err, ERR_CORRUPT, "the recogniser's dictionary has %zu characters, not 1 to %d", lines,
			       PP_DICTIONARY_MAX);
	if (!utf8_is_valid(text, len))
		return err_set(err, ERR_CORRUPT, "the recogniser's dictionary is not valid UTF-8");

	/* One more for the blank in front, the space at the end and the end of the last one. */
	cleanup_free uint32_t *start = calloc(lines + 3, sizeof(*start));
	cleanup_free char *copy = malloc(len + 1);
	if (!start || !copy)
		return err_set(err, ERR_NO_MEMORY, "no memory for the recogniser's dictionary");

	size_t used = 0, column = 1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			start[++column] = (uint32_t)used;
		else
			copy[used++] = text[i];
	}
	copy[used++] = ' ';
	start[lines + 1] = (uint32_t)used - 1;
	start[lines + 2] = (uint32_t)used;
	*ret = (struct pp_dictionary){ steal_ptr(&copy), steal_ptr(&start), lines + 2 };
	return ERR_OK;
}

void pp_dictionary_done(struct pp_dictionary *dictionary)
{
	free(dictionary->text);
	free(dictionary->start);
	*dictionary = (struct pp_dictionary){ 0 };
}

const char *pp_dictionary_text(const struct pp_dictionary *dictionary, uint32_t column, size_t *ret_len)
{
	*ret_len = dictionary->start[column + 1] - dictionary->start[column];
	return dictionary->text + dictionary->start[column];
}

bool pp_dictionary_is_space(const struct pp_dictionary *dictionary, uint32_t column)
{
	static const char ideographic[] = "\u3000";
	size_t len;
	const char *text = pp_dictionary_text(dictionary, column, &len);
	return !len || (len == 1 && *text == ' ') ||
	       (len == sizeof(ideographic) - 1 && memcmp(text, ideographic, len) == 0);
}

/* The scores of a step sum to 1, so that one above a half is the largest; blank and Latin letters come first, and
 * most steps end there. */
static uint32_t best_column(const float *scores, size_t columns)
{
	uint32_t best = 0;
	for (size_t i = 1; i < columns && scores[best] <= 0.5f; i++)
		if (scores[i] > scores[best])
			best = (uint32_t)i;
	return best;
}

size_t pp_ctc_decode(const float *scores, size_t rows, size_t columns, struct pp_char *ret)
{
	size_t n = 0, run_start = 0;
	uint32_t last = 0;

	for (size_t t = 0; t < rows; t++) {
		const float *row = scores + t * columns;
		uint32_t column = best_column(row, columns);
		if (column && column == last) {
			struct pp_char *c = &ret[n - 1];
			c->at = (float)(run_start + t) / 2;
			if (row[column] > c->confidence)
				c->confidence = row[column];
		} else if (column) {
			run_start = t;
			ret[n++] = (struct pp_char){ column, row[column], (float)t };
		}
		last = column;
	}
	return n;
}
