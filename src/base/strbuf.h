/*
 * A growing byte string with a mandatory maximum.
 *
 * Invariants: `data[len]` is 0 when data is not NULL; len <= max; an append that would pass the maximum
 * or that finds no memory sets `failed`, appends nothing, and so does every later append. Callers append
 * freely and check once at the end with strbuf_check(). The idea of the mandatory maximum is curl's dynbuf.
 *
 * Thread safety: one thread at a time.
 */
#ifndef TIRO_BASE_STRBUF_H
#define TIRO_BASE_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

struct strbuf {
	char *data; /* owned; NULL while empty */
	size_t len;
	size_t capacity;
	size_t max; /* largest len */
	bool failed;
};

/* An empty buffer that may grow to `max` bytes. */
#define STRBUF_INIT(max_bytes)                                                                                         \
	{                                                                                                              \
		.max = (max_bytes)                                                                                     \
	}

/* Releases the memory; the buffer is empty again and keeps its maximum. */
void strbuf_done(struct strbuf *sb);
#define cleanup_strbuf cleanup(strbuf_done)

/* Empties the buffer and clears `failed`, keeping the memory. */
void strbuf_clear(struct strbuf *sb);

void strbuf_add(struct strbuf *sb, const void *bytes, size_t len);
void strbuf_add_str(struct strbuf *sb, const char *str);
void strbuf_add_char(struct strbuf *sb, char c);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) PRINTF_LIKE(2, 3);
void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

/* Makes room for `len` bytes more and returns where they go, or NULL (then `failed` is set); the caller
 * fills them and calls strbuf_commit. */
void *strbuf_reserve(struct strbuf *sb, size_t len);
void strbuf_commit(struct strbuf *sb, size_t len);

/* The content as a C string, "" when empty; borrowed until the next change. */
const char *strbuf_str(const struct strbuf *sb);

/* Hands the memory to the caller, who frees it; NULL only where an append failed. Never NULL for "". */
char *strbuf_steal(struct strbuf *sb);

/* ERR_OK, or ERR_TOO_BIG where an append failed; `what` names the content for the message. */
enum err_code strbuf_check(const struct strbuf *sb, const char *what, struct err *err) MUST_CHECK;

#endif
