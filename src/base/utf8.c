#include "base/utf8.h"

#include <utf8proc.h>

size_t utf8_valid_prefix(const char *s, size_t len)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)len, &c);
	return n > 0 ? (size_t)n : 0;
}

bool utf8_is_valid(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_valid_prefix(s + i, len - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

uint32_t utf8_decode(const char *s, size_t len, size_t *ret_len)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)len, &c);
	*ret_len = n > 0 ? (size_t)n : 1;
	return n > 0 ? (uint32_t)c : 0xFFFD;
}

size_t utf8_encode(uint32_t c, char out[4])
{
	if (!utf8proc_codepoint_valid((utf8proc_int32_t)c))
		return 0;
	return (size_t)utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)out);
}

size_t utf8_count(const char *s, size_t len)
{
	size_t count = 0;
	for (size_t i = 0; i < len; i++)
		count += ((unsigned char)s[i] & 0xC0) != 0x80;
	return count;
}

size_t utf8_width(const char *s, size_t len)
{
	size_t width = 0;
	for (size_t i = 0; i < len;) {
		size_t n;
		int w = utf8proc_charwidth((utf8proc_int32_t)utf8_decode(s + i, len - i, &n));
		width += w > 0 ? (size_t)w : 0;
		i += n;
	}
	return width;
}
