#include "base/strbuf.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

void strbuf_done(struct strbuf *sb)
{
	free(sb->data);
	sb->data = NULL;
	sb->len = sb->capacity = 0;
	sb->failed = false;
}

void strbuf_clear(struct strbuf *sb)
{
	sb->len = 0;
	sb->failed = false;
	if (sb->data)
		sb->data[0] = '\0';
}

/* Capacity counts the terminating 0; growth is geometric, the last step is exact. */
static bool grow(struct strbuf *sb, size_t more)
{
	if (sb->failed || more > sb->max || sb->len > sb->max - more) {
		sb->failed = true;
		return false;
	}
	size_t need = sb->len + more + 1;
	if (need <= sb->capacity)
		return true;
	size_t capacity = sb->capacity ? sb->capacity : FIRST_CAPACITY;
	while (capacity < need && capacity <= SIZE_MAX / 2)
		capacity *= 2;
	if (capacity > sb->max + 1)
		capacity = sb->max + 1;
	if (capacity < need)
		capacity = need;
	char *data = realloc(sb->data, capacity);
	if (!data) {
		sb->failed = true;
		return false;
	}
	sb->data = data;
	sb->data[sb->len] = '\0';
	sb->capacity = capacity;
	return true;
}

void *strbuf_reserve(struct strbuf *sb, size_t len)
{
	return grow(sb, len) ? sb->data + sb->len : NULL;
}

void strbuf_commit(struct strbuf *sb, size_t len)
{
	sb->len += len;
	sb->data[sb->len] = '\0';
}

void strbuf_add(struct strbuf *sb, const void *bytes, size_t len)
{
	if (!grow(sb, len))
		return;
	if (len > 0)
		memcpy(sb->data + sb->len, bytes, len);
	strbuf_commit(sb, len);
}

void strbuf_add_str(struct strbuf *sb, const char *str)
{
	strbuf_add(sb, str, strlen(str));
}

void strbuf_add_char(struct strbuf *sb, char c)
{
	strbuf_add(sb, &c, 1);
}

void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list args)
{
	va_list again;
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	if (n < 0)
		sb->failed = true;
	else if (grow(sb, (size_t)n)) {
		(void)vsnprintf(sb->data + sb->len, (size_t)n + 1, fmt, again);
		sb->len += (size_t)n;
	}
	va_end(again);
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	strbuf_vaddf(sb, fmt, args);
	va_end(args);
}

const char *strbuf_str(const struct strbuf *sb)
{
	return sb->data ? sb->data : "";
}

char *strbuf_steal(struct strbuf *sb)
{
	if (!grow(sb, 0))
		return NULL;
	char *data = steal_ptr(&sb->data);
	sb->len = sb->capacity = 0;
	return data;
}

enum err_code strbuf_check(const struct strbuf *sb, const char *what, struct err *err)
{
	if (!sb->failed)
		return ERR_OK;
	return err_set(err, ERR_TOO_BIG, "%s is larger than %zu bytes or memory is short", what, sb->max);
}
