#include "asr/script.h"

#include <string.h>
#include <strings.h>
#include <utf8proc.h>

#include "base/cleanup.h"
#include "base/utf8.h"

struct range {
	uint32_t first;
	uint32_t last;
};

uint32_t script_first(const char *s, size_t len)
{
	size_t n;
	return utf8_decode(s, len, &n);
}

static size_t last_start(const char *s, size_t len)
{
	size_t i = len - 1;
	while (i > 0 && ((unsigned char)s[i] & 0xC0) == 0x80)
		i--;
	return i;
}

uint32_t script_last(const char *s, size_t len)
{
	size_t i = last_start(s, len);
	return script_first(s + i, len - i);
}

static bool in_ranges(uint32_t c, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

static bool is_hangul(uint32_t c)
{
	static const struct range hangul[] = {
		{ 0x1100, 0x11FF }, { 0x3130, 0x318F }, { 0xA960, 0xA97F }, { 0xAC00, 0xD7FF }, { 0xFFA0, 0xFFDC }
	};
	return in_ranges(c, hangul, ARRAY_LEN(hangul));
}

bool script_is_unspaced(uint32_t c)
{
	/* Thai and Lao, Tibetan, Burmese, Khmer; symbols and pictures are wide but belong to no script. */
	static const struct range narrow[] = { { 0x0E00, 0x0FFF }, { 0x1000, 0x109F }, { 0x1780, 0x17FF } };
	static const struct range wide[] = {
		{ 0x2E80, 0x33FF }, { 0x3400, 0x9FFF }, { 0xF900, 0xFAFF }, { 0xFF00, 0xFFEF }, { 0x20000, 0x3FFFF }
	};
	if (is_hangul(c))
		return false;
	return in_ranges(c, narrow, ARRAY_LEN(narrow)) || in_ranges(c, wide, ARRAY_LEN(wide));
}

bool script_may_break(uint32_t before, uint32_t after)
{
	if (!script_is_unspaced(before) && !script_is_unspaced(after))
		return false;
	utf8proc_category_t first = utf8proc_category((utf8proc_int32_t)after);
	utf8proc_category_t last = utf8proc_category((utf8proc_int32_t)before);
	if (last == UTF8PROC_CATEGORY_PS || last == UTF8PROC_CATEGORY_PI)
		return false;
	/* Lm: the Japanese long vowel and repetition marks, which stay with what they lengthen or repeat. */
	static const utf8proc_category_t never_first[] = { UTF8PROC_CATEGORY_PE, UTF8PROC_CATEGORY_PF,
							   UTF8PROC_CATEGORY_PO, UTF8PROC_CATEGORY_PD,
							   UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_MC,
							   UTF8PROC_CATEGORY_ME, UTF8PROC_CATEGORY_LM };
	for (size_t i = 0; i < ARRAY_LEN(never_first); i++)
		if (first == never_first[i])
			return false;
	return utf8proc_charwidth((utf8proc_int32_t)after) > 0;
}

bool script_needs_space(uint32_t before, uint32_t after)
{
	return !script_is_unspaced(before) && !script_is_unspaced(after);
}

bool script_is_control(uint32_t c)
{
	utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
	return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

static bool is_closing(uint32_t c)
{
	utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
	return category == UTF8PROC_CATEGORY_PE || category == UTF8PROC_CATEGORY_PF ||
	       category == UTF8PROC_CATEGORY_PI || c == '"' || c == '\'';
}

/* Latin, ideographic and halfwidth, Devanagari, Arabic, Ethiopic, Armenian. */
static bool ends_sentence(uint32_t c)
{
	static const uint32_t marks[] = { '.',	  '!',	  '?',	  0x2026, 0x203C, 0x203D, 0x3002, 0xFF01, 0xFF0E,
					  0xFF1F, 0xFF61, 0x0964, 0x0965, 0x061F, 0x06D4, 0x1362, 0x0589, 0x104B };
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (marks[i] == c)
			return true;
	return false;
}

static bool ends_clause(uint32_t c)
{
	static const uint32_t marks[] = { ',',	  ';',	  ':',	  0x2013, 0x2014, 0x060C, 0x061B,
					  0x3001, 0xFF0C, 0xFF1A, 0xFF1B, 0xFF64, 0x104A };
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (marks[i] == c)
			return true;
	return false;
}

/* `s` ends in a full stop that may belong to the word: initials, ordinals and titles. */
static bool is_abbreviation(const char *s, size_t len)
{
	static const char *const titles[] = { "mr", "mrs", "ms",   "dr", "prof", "st",	"vs", "nr",  "no",  "hr",
					      "fr", "mme", "mlle", "sr", "sra",	 "bzw", "ca", "etc", "str", "bd" };
	len--; /* the full stop */
	if (utf8_count(s, len) <= 1)
		return true;
	if (len <= 2 && strspn(s, "0123456789") >= len)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		if (strlen(titles[i]) == len && strncasecmp(s, titles[i], len) == 0)
			return true;
	return false;
}

enum script_stop script_stop(const char *s, size_t len, uint32_t next)
{
	size_t start = len;
	uint32_t c = 0;
	while (start > 0) {
		len = start;
		start = last_start(s, len);
		c = script_first(s + start, len - start);
		if (!is_closing(c))
			break;
	}
	if (ends_clause(c))
		return SCRIPT_STOP_CLAUSE;
	if (!ends_sentence(c))
		return SCRIPT_STOP_NONE;
	if (c == '.' && (utf8proc_islower((utf8proc_int32_t)next) || is_abbreviation(s, len)))
		return SCRIPT_STOP_NONE;
	return SCRIPT_STOP_SENTENCE;
}
