/*
 * Base64 (RFC 4648, section 4) with padding, by OpenSSL. Thread-safe.
 */
#ifndef TIRO_BASE_BASE64_H
#define TIRO_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Characters of `len` bytes, and a 0. */
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)

/* Writes BASE64_SIZE(len) characters. `len` is at most 1 GiB. */
void base64_encode(const void *bytes, size_t len, char *ret);

/* Reads the text of exactly `size` bytes. False where it is none, or one that base64_encode would write in another way:
 * blanks, missing padding, bits that do not count. */
bool base64_decode(const char *text, void *ret, size_t size);

#endif
