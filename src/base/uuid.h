/*
 * Ids: UUIDs of version 7 (RFC 9562), which sort by the time they were made. Thread-safe.
 */
#ifndef TIRO_BASE_UUID_H
#define TIRO_BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	UUID_BYTES = 16,
	/* As text, with the terminating 0. */
	UUID_TEXT_SIZE = 37
};

struct uuid {
	unsigned char bytes[UUID_BYTES];
};

/* A new id of the wall time `now_us`; 74 bits are random. Errors: ERR_SYSTEM (no random numbers). */
enum err_code uuid_new(int64_t now_us, struct uuid *ret, struct err *err) MUST_CHECK;

/* 8-4-4-4-12 lower-case digits. */
void uuid_text(const struct uuid *id, char ret[UUID_TEXT_SIZE]);

/* Reads such a text of exactly `len` characters; capitals are taken too. False where it is none. */
bool uuid_parse(const char *text, size_t len, struct uuid *ret);

#endif
