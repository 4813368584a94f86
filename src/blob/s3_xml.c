#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "blob/s3_priv.h"

/* The place behind the first `what`, or NULL. */
static const char *behind(struct s3_span in, const char *what)
{
	size_t len = strlen(what);
	const char *found = in.len >= len ? memmem(in.text, in.len, what, len) : NULL;
	return found ? found + len : NULL;
}

static struct s3_span rest_from(struct s3_span in, const char *at)
{
	return (struct s3_span){ at, in.len - (size_t)(at - in.text) };
}

/* Moves *in behind the opening tag of `name`, attributes or none; false where there is none. */
static bool open_tag(struct s3_span *in, const char *name, bool *ret_empty)
{
	size_t len = strlen(name);
	for (;;) {
		const char *tag = behind(*in, "<");
		if (!tag)
			return false;
		*in = rest_from(*in, tag);
		const char *end = behind(*in, ">");
		if (!end)
			return false;
		bool named = in->len > len && memcmp(tag, name, len) == 0 && memchr(" />\t\r\n", tag[len], 6) != NULL;
		*in = rest_from(*in, end);
		*ret_empty = end[-2] == '/';
		if (named)
			return true;
	}
}

bool s3_xml_next(struct s3_span *rest, const char *name, struct s3_span *ret_inner)
{
	struct s3_span in = *rest;
	char closing[64];
	bool empty;
	if (!open_tag(&in, name, &empty))
		return false;
	*ret_inner = (struct s3_span){ in.text, 0 };
	if (!empty) {
		(void)snprintf(closing, sizeof closing, "</%s>", name);
		const char *end = behind(in, closing);
		if (!end)
			return false;
		ret_inner->len = (size_t)(end - in.text) - strlen(closing);
		in = rest_from(in, end);
	}
	*rest = in;
	return true;
}

/* The character that an entity stands for, 0 for one that is not known; *ret_len is its length with & and ;. */
static char entity(const char *text, size_t len, size_t *ret_len)
{
	static const struct {
		const char *name;
		char c;
	} known[] = { { "&amp;", '&' },	 { "&lt;", '<' },    { "&gt;", '>' },	{ "&quot;", '"' }, { "&apos;", '\'' },
		      { "&#34;", '"' },	 { "&#39;", '\'' },  { "&#38;", '&' },	{ "&#60;", '<' },  { "&#62;", '>' },
		      { "&#x22;", '"' }, { "&#x27;", '\'' }, { "&#x26;", '&' }, { "&#x3C;", '<' }, { "&#x3E;", '>' },
		      { "&#43;", '+' },	 { "&#x2B;", '+' },  { "&#x2F;", '/' }, { "&#x3D;", '=' }, { "&#61;", '=' } };
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		*ret_len = strlen(known[i].name);
		if (len >= *ret_len && memcmp(text, known[i].name, *ret_len) == 0)
			return known[i].c;
	}
	return 0;
}

bool s3_xml_text(struct s3_span in, const char *name, char *ret, size_t room)
{
	struct s3_span inner;
	size_t out = 0;
	if (!s3_xml_next(&in, name, &inner))
		return false;
	for (size_t i = 0; i < inner.len;) {
		size_t taken = 1;
		char c = inner.text[i];
		if (c == '&')
			c = entity(inner.text + i, inner.len - i, &taken);
		if (c < ' ' || c > '~' || out + 1 >= room)
			return false;
		ret[out++] = c;
		i += taken;
	}
	ret[out] = '\0';
	return true;
}

bool s3_time(const char *text, int64_t *ret_us)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!end || (*end != '.' && *end != 'Z'))
		return false;
	*ret_us = (int64_t)timegm(&tm) * US_PER_S;
	return true;
}
