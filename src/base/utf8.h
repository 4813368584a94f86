/*
 * UTF-8 (RFC 3629): validation and single characters. Thread-safe, no allocation.
 */
#ifndef TIRO_BASE_UTF8_H
#define TIRO_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes (1..4) of the well-formed character at the start of `s`; 0 where there is none (surrogates, overlong
 * forms and a cut character are not well-formed). */
size_t utf8_valid_prefix(const char *s, size_t len);

/* True if all `len` bytes are well-formed. */
bool utf8_is_valid(const char *s, size_t len);

/* Decodes the character at the start of a well-formed string and stores its length in *ret_len. `len` > 0. */
uint32_t utf8_decode(const char *s, size_t len, size_t *ret_len);

/* Writes the character (at most 4 bytes) and returns how many; 0 for what is no character. */
size_t utf8_encode(uint32_t c, char out[4]);

/* Characters in a well-formed string. */
size_t utf8_count(const char *s, size_t len);

/* Columns on a terminal or in a subtitle: wide East Asian characters count 2, combining marks 0. */
size_t utf8_width(const char *s, size_t len);

#endif
