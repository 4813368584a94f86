#include "cli/say.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

enum {
	/* The longest that can be written for one byte: \xNN. A character of two or three bytes takes \uNNNN. */
	ESCAPE_MAX = 4,
	LINE_MAX_BYTES = ESCAPE_MAX * (PATH_MAX + ERR_MESSAGE_MAX) + 64
};

/* C0, DEL and C1; the marks that end lines or turn the direction of what follows, which can make a name look like
 * another (CVE-2021-42574 is such a trick). */
static bool is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static void add_escape(struct strbuf *out, uint32_t c)
{
	static const char named[] = "abtnvfr"; /* 7..13 */
	if (c >= 7 && c <= 13)
		strbuf_addf(out, "\\%c", named[c - 7]);
	else if (c < 0x100)
		strbuf_addf(out, "\\x%02x", (unsigned)c);
	else
		strbuf_addf(out, "\\u%04x", (unsigned)c);
}

static void add_plain(struct strbuf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_valid_prefix(text + i, len - i);
		uint32_t c = n > 0 ? utf8_decode(text + i, len - i, &n) : (unsigned char)text[i];
		if (n == 0 || is_unsafe(c))
			add_escape(out, c);
		else
			strbuf_add(out, text + i, n);
		i += n > 0 ? n : 1;
	}
}

void say_plain(struct strbuf *out, const char *text)
{
	add_plain(out, text, strlen(text));
}

/* A message of another library may have several lines; ours is one. */
static void fold_lines(const char *message, char ret[ERR_MESSAGE_MAX])
{
	size_t len = 0;
	for (const char *p = message; *p; p++) {
		if (*p != '\n' && *p != '\r')
			ret[len++] = *p;
		else if (len > 0 && ret[len - 1] != ' ')
			ret[len++] = ' ';
	}
	while (len > 0 && isspace((unsigned char)ret[len - 1]))
		len--;
	ret[len] = '\0';
}

void cli_error(const char *file, const struct err *err)
{
	char message[ERR_MESSAGE_MAX] = "";
	cleanup_strbuf struct strbuf line = STRBUF_INIT(LINE_MAX_BYTES);
	strbuf_add_str(&line, "tiro: ");
	if (file) {
		/* Longer is no file's name. */
		add_plain(&line, file, strnlen(file, PATH_MAX));
		strbuf_add_str(&line, ": ");
	}
	fold_lines(err->message, message);
	say_plain(&line, message);
	(void)fprintf(stderr, "%s\n", strbuf_str(&line));
}
