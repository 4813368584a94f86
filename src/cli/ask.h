/*
 * Secrets from a person or from standard input.
 */
#ifndef TIRO_CLI_ASK_H
#define TIRO_CLI_ASK_H

#include "base/secret.h"

/* The longest line, which is no password any more. */
enum { ASK_MAX = 4096 };

/*
 * A password: on a terminal it is asked for twice, without showing it; else it is the first line of standard input.
 * *ret must be empty. Errors: ERR_USAGE (two that differ, nothing, too long), ERR_IO.
 */
enum err_code ask_password(struct secret *ret, struct err *err) MUST_CHECK;

#endif
