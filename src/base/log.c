#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static const char *const level_names[] = {
	[LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"
};

static atomic_int threshold = LOG_WARNING;

void log_set_level(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

bool log_has(enum log_level level)
{
	return (int)level <= atomic_load(&threshold);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	if (!log_has(level))
		return;
	char line[1024];
	int n = snprintf(line, sizeof line, "%s: ", level_names[level]);
	va_list args;
	va_start(args, fmt);
	int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, fmt, args);
	va_end(args);
	if (m < 0)
		return;
	size_t len = (size_t)n + (size_t)m;
	if (len > sizeof line - 2)
		len = sizeof line - 2;
	/* A file's name must not start a second line or command the terminal. */
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	line[len++] = '\n';
	/* One write, so that lines of several processes do not mix; nobody can be told if it fails. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}
