/*
 * What differs between the databases' SQL, in one place. A statement is written in the common dialect: parameters are
 * $1, $2 ..., and a word in braces, {word} or {word argument}, stands for what the table in dialect.c says. All else is
 * the same text for both. Thread-safe.
 */
#ifndef TIRO_STORE_DIALECT_H
#define TIRO_STORE_DIALECT_H

#include "base/err.h"
#include "base/strbuf.h"

enum dialect { DIALECT_SQLITE, DIALECT_POSTGRES, DIALECTS };

/* Bytes of one statement in a database's own words. */
#define DIALECT_SQL_MAX ((size_t)16 * 1024)

/* Appends `sql` in the words of `dialect`. Errors: ERR_INTERNAL (an unknown word), ERR_TOO_BIG. */
enum err_code dialect_expand(enum dialect dialect, const char *sql, struct strbuf *out, struct err *err) MUST_CHECK;

#endif
