/*
 * Names and values as URLs and HTML forms write them (application/x-www-form-urlencoded, WHATWG URL standard), and
 * percent-encoding. What is not sound is refused: half a percent sequence, text that is not UTF-8, a 0 byte.
 * Thread-safe, as long as each form is used by one thread.
 */
#ifndef TIRO_HTTP_FORM_H
#define TIRO_HTTP_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

struct form_field {
	const char *name;
	const char *value;
};

struct form {
	char *text; /* owned; the fields point into it */
	struct form_field *fields; /* owned; in the order of the text, names may come again */
	size_t count;
};

/* Takes `text` apart (it is copied). Empty pairs are skipped, a name without "=" has an empty value.
 * Errors: ERR_INVALID, ERR_TOO_BIG (HTTP_FIELDS_MAX, HTTP_FORM_MAX), ERR_NO_MEMORY. */
enum err_code form_parse(const char *text, size_t len, struct form *ret, struct err *err) MUST_CHECK;
void form_done(struct form *form);
#define cleanup_form cleanup(form_done)

/* The first value of that name, borrowed; NULL where there is none. */
const char *form_get(const struct form *form, const char *name);

/* Decodes percent sequences in place, and "+" to a blank if `plus`. False: half a sequence, or a 0 byte came out. */
bool percent_decode(char *text, size_t *len, bool plus);

#endif
