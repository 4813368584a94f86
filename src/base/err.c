#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Not the macros that stand for them in an analysis. */
#undef err_set
#undef err_set_errno

struct code_row {
	const char *name;
	int exit_status;
};

static const struct code_row code_rows[ERR_CODE_COUNT] = {
#define X(symbol, name, exit_code, meaning) [symbol] = { name, exit_code },
	ERR_TABLE(X)
#undef X
};

enum err_code err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	if (!err)
		return code;
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(err->message, sizeof err->message, fmt, args);
	va_end(args);
	err->code = code;
	err->sys_errno = 0;
	return code;
}

static enum err_code code_of_errno(int sys_errno, enum err_code fallback)
{
	switch (sys_errno) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_DENIED;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ERR_NO_SPACE;
	case ENOMEM:
		return ERR_NO_MEMORY;
	default:
		return fallback;
	}
}

enum err_code err_set_errno(struct err *err, enum err_code fallback, int sys_errno, const char *fmt, ...)
{
	enum err_code code = code_of_errno(sys_errno, fallback);
	if (!err)
		return code;
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(err->message, sizeof err->message, fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof err->message) {
		char buffer[128];
		/* The GNU strerror_r: thread-safe, returns the text, which need not be in the buffer. */
		const char *text = strerror_r(sys_errno, buffer, sizeof buffer);
		(void)snprintf(err->message + n, sizeof err->message - (size_t)n, ": %s", text);
	}
	err->code = code;
	err->sys_errno = sys_errno;
	return code;
}

enum err_code err_prefix(struct err *err, const char *fmt, ...)
{
	if (!err)
		return ERR_INTERNAL;
	char prefixed[ERR_MESSAGE_MAX];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(prefixed, sizeof prefixed, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof prefixed)
		return err->code;
	(void)snprintf(prefixed + n, sizeof prefixed - (size_t)n, ": %.*s", (int)(sizeof prefixed - (size_t)n - 3),
		       err->message);
	memcpy(err->message, prefixed, sizeof prefixed);
	return err->code;
}

const char *err_name(enum err_code code)
{
	if ((unsigned)code >= ERR_CODE_COUNT)
		return code_rows[ERR_INTERNAL].name;
	return code_rows[code].name;
}

enum err_code err_from_name(const char *name)
{
	for (unsigned code = 0; code < ERR_CODE_COUNT; code++) {
		if (strcmp(code_rows[code].name, name) == 0)
			return (enum err_code)code;
	}
	return ERR_INTERNAL;
}

int err_exit_status(enum err_code code)
{
	if ((unsigned)code >= ERR_CODE_COUNT)
		return EX_SOFTWARE;
	return code_rows[code].exit_status;
}
