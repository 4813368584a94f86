#include "http/params.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "http/form.h"

/* The reader of one value: text that is not ended by 0 never occurs here. */
struct cursor {
	const char *at;
};

static void skip_blanks(struct cursor *c)
{
	while (*c->at == ' ' || *c->at == '\t')
		c->at++;
}

/* Steps over a value, quoted or not, to what follows it. */
static void skip_value(struct cursor *c)
{
	if (*c->at != '"') {
		c->at += strcspn(c->at, ";");
		return;
	}
	c->at++;
	while (*c->at && *c->at != '"')
		c->at += *c->at == '\\' && (c->at[1] == '"' || c->at[1] == '\\') ? 2 : 1;
	c->at += strcspn(c->at, ";");
}

/* Copies the value, unquoted; false where the closing quote is missing or the buffer is too small. */
static bool copy_value(struct cursor *c, char *buffer, size_t size)
{
	size_t len = 0;
	bool quoted = *c->at == '"';
	const char *stops = quoted ? "\"" : "; \t";
	c->at += quoted;
	while (*c->at && !strchr(stops, *c->at)) {
		if (quoted && *c->at == '\\' && (c->at[1] == '"' || c->at[1] == '\\'))
			c->at++;
		if (len + 1 >= size)
			return false;
		buffer[len++] = *c->at++;
	}
	buffer[len] = '\0';
	return !quoted || *c->at == '"';
}

/* charset'language'percent-encoded: the charset is always UTF-8 in the field. */
static bool decode_extended(char *buffer)
{
	if (strncasecmp(buffer, "utf-8'", 6) != 0)
		return false;
	const char *text = strchr(buffer + 6, '\'');
	if (!text)
		return false;
	size_t len = strlen(text + 1);
	memmove(buffer, text + 1, len + 1);
	if (!percent_decode(buffer, &len, false))
		return false;
	buffer[len] = '\0';
	return true;
}

static bool is_clean_text(const char *text)
{
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	}
	return utf8_is_valid(text, strlen(text));
}

enum param_result header_param(const char *value, const char *name, char *buffer, size_t size)
{
	size_t name_len = strlen(name);
	struct cursor c = { value + strcspn(value, ";") };
	while (*c.at == ';') {
		c.at++;
		skip_blanks(&c);
		const char *found = c.at;
		size_t len = strcspn(c.at, "=; \t");
		c.at += len;
		skip_blanks(&c);
		if (*c.at != '=') {
			c.at += strcspn(c.at, ";");
			continue;
		}
		c.at++;
		skip_blanks(&c);
		if (len != name_len || strncasecmp(found, name, len) != 0) {
			skip_value(&c);
			continue;
		}
		bool good = copy_value(&c, buffer, size);
		if (good && name[name_len - 1] == '*')
			good = decode_extended(buffer);
		return good && is_clean_text(buffer) ? PARAM_FOUND : PARAM_BAD;
	}
	return PARAM_ABSENT;
}

bool header_is(const char *value, const char *type)
{
	struct cursor c = { value };
	skip_blanks(&c);
	size_t len = strlen(type);
	if (strncasecmp(c.at, type, len) != 0)
		return false;
	c.at += len;
	skip_blanks(&c);
	return *c.at == '\0' || *c.at == ';';
}
