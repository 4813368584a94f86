/*
 * The access log: a line for each request on standard error, at LOG_INFO. A write for each would be a tenth of a small
 * request's time, so the lines of one turn of the loop are written together at its end. A server that crashes loses the
 * lines of that turn.
 *
 * All functions: the loop's thread.
 */
#ifndef TIRO_API_ACCESS_LOG_H
#define TIRO_API_ACCESS_LOG_H

#include "base/err.h"
#include "http/server.h"

struct access_log;

/* The loop outlives it. Errors: ERR_NO_MEMORY. */
enum err_code access_log_new(struct uv_loop_s *loop, struct access_log **ret, struct err *err) MUST_CHECK;

/* Writes what is left. The memory goes when the loop has run once more. NULL is fine. */
void access_log_free(struct access_log *log);

/* `from` is the client's address. */
void access_log_add(struct access_log *log, const struct http_access *access, const char *from);

#endif
