#include "http/form.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "http/limits.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool percent_decode(char *text, size_t *len, bool plus)
{
	size_t out = 0;
	for (size_t i = 0; i < *len; i++) {
		char c = text[i];
		if (c == '+' && plus) {
			c = ' ';
		} else if (c == '%') {
			if (*len - i < 3)
				return false;
			int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0')
			return false;
		text[out++] = c;
	}
	*len = out;
	return true;
}

/* Decodes one name or value in place and ends it with a 0, for which the separator behind it leaves room. */
static bool finish_text(char *text, size_t len)
{
	if (!percent_decode(text, &len, true) || !utf8_is_valid(text, len))
		return false;
	text[len] = '\0';
	return true;
}

static bool add_field(struct form *form, char *pair, size_t len)
{
	char *equals = memchr(pair, '=', len);
	size_t name_len = equals ? (size_t)(equals - pair) : len;
	char *value = equals ? equals + 1 : pair + len;
	if (!finish_text(value, len - (size_t)(value - pair)) || !finish_text(pair, name_len))
		return false;
	form->fields[form->count++] = (struct form_field){ pair, value };
	return true;
}

static size_t count_pairs(const char *text, size_t len)
{
	size_t count = 0;
	for (size_t i = 0; i < len; i++)
		count += text[i] != '&' && (i == 0 || text[i - 1] == '&');
	return count;
}

static enum err_code split(struct form *form, size_t len, struct err *err)
{
	char *end = form->text + len;
	for (char *pair = form->text; pair < end;) {
		char *stop = memchr(pair, '&', (size_t)(end - pair));
		stop = stop ? stop : end;
		if (stop > pair && !add_field(form, pair, (size_t)(stop - pair)))
			return err_set(err, ERR_INVALID,
				       "field %zu is not percent-encoded UTF-8 text without control character 0",
				       form->count + 1);
		pair = stop + 1;
	}
	return ERR_OK;
}

enum err_code form_parse(const char *text, size_t len, struct form *ret, struct err *err)
{
	size_t count = count_pairs(text, len);
	if (len > HTTP_FORM_MAX || count > HTTP_FIELDS_MAX)
		return err_set(err, ERR_TOO_BIG, "there are more than %d fields or %d bytes in the form",
			       HTTP_FIELDS_MAX, HTTP_FORM_MAX);
	struct form form = { .text = malloc(len + 1), .fields = calloc(count + 1, sizeof *form.fields) };
	enum err_code code = ERR_OK;
	if (!form.text || !form.fields) {
		code = err_set(err, ERR_NO_MEMORY, "no memory for a form");
	} else {
		if (len > 0)
			memcpy(form.text, text, len);
		form.text[len] = '\0';
		code = split(&form, len, err);
	}
	if (code)
		form_done(&form);
	else
		*ret = form;
	return code;
}

void form_done(struct form *form)
{
	free(form->text);
	free(form->fields);
	*form = (struct form){ 0 };
}

const char *form_get(const struct form *form, const char *name)
{
	for (size_t i = 0; i < form->count; i++) {
		if (strcmp(form->fields[i].name, name) == 0)
			return form->fields[i].value;
	}
	return NULL;
}
