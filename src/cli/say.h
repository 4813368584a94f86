/*
 * What a command says on a terminal beside its results: errors, and names that came from outside.
 */
#ifndef TIRO_CLI_SAY_H
#define TIRO_CLI_SAY_H

#include "base/err.h"
#include "base/strbuf.h"

/*
 * Appends a text that may hold anything so that it stays in its line and moves no cursor: control characters, what
 * turns the direction of writing, and bytes that are no UTF-8 are written as \n, \x1b or \u202e. Thread-safe.
 */
void say_plain(struct strbuf *out, const char *text);

/* Prints "tiro: FILE: message" (or without the file where it is NULL) as one line on standard error. */
void cli_error(const char *file, const struct err *err);

#endif
