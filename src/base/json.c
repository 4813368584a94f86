#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static void before_value(struct json *j)
{
	if (j->after_key) {
		j->after_key = false;
		return;
	}
	if (j->comma[j->depth])
		strbuf_add_char(j->out, ',');
	j->comma[j->depth] = true;
}

static void open_level(struct json *j, char bracket)
{
	before_value(j);
	assert(j->depth + 1 < JSON_DEPTH_MAX);
	j->comma[++j->depth] = false;
	strbuf_add_char(j->out, bracket);
}

static void close_level(struct json *j, char bracket)
{
	assert(j->depth > 0 && !j->after_key);
	j->depth--;
	strbuf_add_char(j->out, bracket);
}

void json_object(struct json *j)
{
	open_level(j, '{');
}

void json_object_end(struct json *j)
{
	close_level(j, '}');
}

void json_array(struct json *j)
{
	open_level(j, '[');
}

void json_array_end(struct json *j)
{
	close_level(j, ']');
}

void json_key(struct json *j, const char *key)
{
	assert(!j->after_key);
	before_value(j);
	strbuf_add_char(j->out, '"');
	strbuf_add_str(j->out, key);
	strbuf_add(j->out, "\":", 2);
	j->after_key = true;
}

static void add_escape(struct strbuf *out, unsigned char c)
{
	switch (c) {
	case '"':
		strbuf_add(out, "\\\"", 2);
		return;
	case '\\':
		strbuf_add(out, "\\\\", 2);
		return;
	case '\n':
		strbuf_add(out, "\\n", 2);
		return;
	case '\t':
		strbuf_add(out, "\\t", 2);
		return;
	case '\r':
		strbuf_add(out, "\\r", 2);
		return;
	default:
		strbuf_addf(out, "\\u%04x", c);
	}
}

void json_strn(struct json *j, const char *str, size_t len)
{
	before_value(j);
	strbuf_add_char(j->out, '"');
	if (len == 0)
		str = ""; /* nothing may have no address */
	size_t run = 0; /* start of the bytes not yet copied */
	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)str[i];
		size_t step = c < 0x80 ? 1 : utf8_valid_prefix(str + i, len - i);
		if (step > 0 && c >= 0x20 && c != '"' && c != '\\') {
			i += step;
			continue;
		}
		strbuf_add(j->out, str + run, i - run);
		if (step == 0)
			strbuf_add_str(j->out, "\xEF\xBF\xBD");
		else
			add_escape(j->out, c);
		run = ++i;
	}
	strbuf_add(j->out, str + run, len - run);
	strbuf_add_char(j->out, '"');
}

void json_str(struct json *j, const char *str)
{
	json_strn(j, str, strlen(str));
}

void json_int(struct json *j, int64_t value)
{
	before_value(j);
	strbuf_addf(j->out, "%lld", (long long)value);
}

void json_bool(struct json *j, bool value)
{
	before_value(j);
	strbuf_add_str(j->out, value ? "true" : "false");
}

void json_null(struct json *j)
{
	before_value(j);
	strbuf_add_str(j->out, "null");
}

void json_real(struct json *j, double value, int decimals)
{
	if (!isfinite(value)) {
		json_null(j);
		return;
	}
	before_value(j);
	char text[352]; /* the longest double in %f with 17 decimals has 328 characters */
	int n = snprintf(text, sizeof text, "%.*f", decimals, value);
	if (strchr(text, '.')) {
		while (text[n - 1] == '0')
			n--;
		if (text[n - 1] == '.')
			n--;
	}
	if (n == 2 && memcmp(text, "-0", 2) == 0)
		strbuf_add_char(j->out, '0');
	else
		strbuf_add(j->out, text, (size_t)n);
}

void json_key_str(struct json *j, const char *key, const char *str)
{
	json_key(j, key);
	json_str(j, str);
}

void json_key_int(struct json *j, const char *key, int64_t value)
{
	json_key(j, key);
	json_int(j, value);
}

void json_key_real(struct json *j, const char *key, double value, int decimals)
{
	json_key(j, key);
	json_real(j, value, decimals);
}

void json_key_bool(struct json *j, const char *key, bool value)
{
	json_key(j, key);
	json_bool(j, value);
}

void json_key_seconds(struct json *j, const char *key, int64_t us)
{
	json_key_real(j, key, (double)us / 1e6, 3);
}
