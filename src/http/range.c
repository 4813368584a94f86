#include "http/range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Digits at *text, which is moved behind them. A number too large for 64 bits is the largest one: it means the same. */
static bool take_number(const char **text, uint64_t *ret)
{
	if (**text < '0' || **text > '9')
		return false;
	char *end;
	*ret = strtoull(*text, &end, 10);
	*text = end;
	return true;
}

static bool at_end(const char *text)
{
	return text[strspn(text, " \t")] == '\0';
}

static enum range_result suffix(uint64_t wanted, uint64_t size, uint64_t *ret_first, uint64_t *ret_len)
{
	if (wanted == 0 || size == 0)
		return RANGE_UNSATISFIABLE;
	*ret_len = wanted < size ? wanted : size;
	*ret_first = size - *ret_len;
	return RANGE_ONE;
}

enum range_result range_parse(const char *value, uint64_t size, uint64_t *ret_first, uint64_t *ret_len)
{
	uint64_t first, last = UINT64_MAX;
	if (!value || strncasecmp(value, "bytes=", 6) != 0)
		return RANGE_ALL;
	value += 6;
	value += strspn(value, " \t");
	if (*value == '-') {
		value++;
		if (!take_number(&value, &last) || !at_end(value))
			return RANGE_ALL;
		return suffix(last, size, ret_first, ret_len);
	}
	if (!take_number(&value, &first) || *value++ != '-')
		return RANGE_ALL;
	if (!at_end(value) && (!take_number(&value, &last) || !at_end(value) || last < first))
		return RANGE_ALL;
	if (first >= size)
		return RANGE_UNSATISFIABLE;
	if (last >= size)
		last = size - 1;
	*ret_first = first;
	*ret_len = last - first + 1;
	return RANGE_ONE;
}

static const char *opaque_tag(const char *tag)
{
	return strncmp(tag, "W/", 2) == 0 ? tag + 2 : tag;
}

bool etag_listed(const char *value, const char *etag)
{
	const char *wanted = opaque_tag(etag);
	size_t len = strlen(wanted);
	value += strspn(value, " \t");
	if (*value == '*')
		return true;
	while (*value) {
		const char *tag = opaque_tag(value);
		if (strncmp(tag, wanted, len) == 0 && strchr(", \t", tag[len]))
			return true;
		/* A tag may hold commas: go on behind its closing quote. */
		const char *open = strchr(value, '"');
		const char *close = open ? strchr(open + 1, '"') : NULL;
		if (!close)
			return false;
		value = close + 1 + strspn(close + 1, ", \t");
	}
	return false;
}
