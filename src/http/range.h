/*
 * The Range header (RFC 9110, section 14.1.2). Thread-safe.
 */
#ifndef TIRO_HTTP_RANGE_H
#define TIRO_HTTP_RANGE_H

#include <stdbool.h>
#include <stdint.h>

enum range_result {
	RANGE_ALL, /* no range, several, another unit, or malformed: all of it is the answer */
	RANGE_ONE,
	RANGE_UNSATISFIABLE
};

/* The bytes of `size` that the header's value (NULL: absent) asks for: *ret_first and *ret_len are set for RANGE_ONE.
 */
enum range_result range_parse(const char *value, uint64_t size, uint64_t *ret_first, uint64_t *ret_len);

/* True if the value of If-None-Match names the entity tag, by weak comparison, or is "*". */
bool etag_listed(const char *value, const char *etag);

#endif
