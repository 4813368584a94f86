/*
 * Header values with parameters: `form-data; name="a"; filename*=UTF-8''b` (RFC 9110, section 5.6.6; RFC 8187).
 * Thread-safe.
 */
#ifndef TIRO_HTTP_PARAMS_H
#define TIRO_HTTP_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

enum param_result {
	PARAM_ABSENT,
	PARAM_FOUND,
	PARAM_BAD /* malformed, too long for the buffer, not UTF-8, or with control characters */
};

/*
 * Finds a parameter of a header's value, its name without regard to case, and writes its text, unquoted and ended by 0,
 * into `buffer`. A name that ends in "*" is decoded as RFC 8187 says (UTF-8 only). In quoted text a backslash escapes
 * only a quote or another backslash, because old browsers send Windows paths with single ones.
 */
enum param_result header_param(const char *value, const char *name, char *buffer, size_t size);

/* True if the value before the first ";" is `type`, without regard to case and blanks. */
bool header_is(const char *value, const char *type);

#endif
