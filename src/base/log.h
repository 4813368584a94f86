/*
 * Log lines on standard error: one line a call, `level: message`, nothing secret; control
 * characters in a message show as "?". Only programs and the code
 * that owns a request or a command log; library code returns errors. Thread-safe.
 */
#ifndef TIRO_BASE_LOG_H
#define TIRO_BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Lines above this level are dropped; LOG_WARNING at start. Set it before threads start. */
void log_set_level(enum log_level level);

/* Whether lines of that level are written, for who makes them elsewhere. */
bool log_has(enum log_level level);

void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
