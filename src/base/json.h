/*
 * An append-only JSON writer (RFC 8259) over a strbuf: commas, quoting and nesting are its business.
 *
 * The caller opens and closes objects and arrays in pairs; a wrong order is a defect and asserts. Text must
 * be UTF-8; bytes that are not are written as U+FFFD, so that the result is always valid JSON.
 * Memory errors show in the strbuf. One thread at a time.
 */
#ifndef TIRO_BASE_JSON_H
#define TIRO_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

enum { JSON_DEPTH_MAX = 16 };

struct json {
	struct strbuf *out; /* borrowed */
	int depth;
	bool comma[JSON_DEPTH_MAX];
	bool after_key;
};

#define JSON_INIT(strbuf)                                                                                              \
	{                                                                                                              \
		.out = (strbuf)                                                                                        \
	}

void json_object(struct json *j);
void json_object_end(struct json *j);
void json_array(struct json *j);
void json_array_end(struct json *j);

/* The name of the next value in an object; `key` is a literal of ours and is not escaped. */
void json_key(struct json *j, const char *key);

void json_str(struct json *j, const char *str);
void json_strn(struct json *j, const char *str, size_t len);
void json_int(struct json *j, int64_t value);
void json_bool(struct json *j, bool value);
void json_null(struct json *j);
/* A number with at most `decimals` digits after the point, trailing zeros dropped; NaN and infinity are null. */
void json_real(struct json *j, double value, int decimals);

/* json_key and a value in one call. */
void json_key_str(struct json *j, const char *key, const char *str);
void json_key_int(struct json *j, const char *key, int64_t value);
void json_key_real(struct json *j, const char *key, double value, int decimals);
void json_key_bool(struct json *j, const char *key, bool value);
/* Seconds with millisecond precision from microseconds. */
void json_key_seconds(struct json *j, const char *key, int64_t us);

#endif
