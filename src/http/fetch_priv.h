/* The note beside a partial file: which address its bytes came from, and which version of what is there. */
#ifndef TIRO_HTTP_FETCH_PRIV_H
#define TIRO_HTTP_FETCH_PRIV_H

#include "http/fetch.h"

/* ETags in the field have at most some 70 bytes. */
#define FETCH_VALIDATOR_MAX 256

/* The validator of the bytes at hand; "" where there is no note or it is about another address. */
void fetch_note_load(const struct fetch_request *request, char ret[FETCH_VALIDATOR_MAX]);

/* Notes the validator; "" removes the note. Errors: ERR_INVALID, ERR_IO, ERR_NO_SPACE, ERR_TOO_BIG. */
enum err_code fetch_note_save(const struct fetch_request *request, const char *validator, struct err *err) MUST_CHECK;

#endif
