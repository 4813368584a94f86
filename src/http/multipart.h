/*
 * multipart/form-data (RFC 7578, over RFC 2046), taken apart as it comes: the memory is the same for any size. Bytes
 * are fed in pieces of any length; callbacks tell the parts. What breaks off before the last boundary is an error.
 *
 * One thread at a time per object.
 */
#ifndef TIRO_HTTP_MULTIPART_H
#define TIRO_HTTP_MULTIPART_H

#include <stddef.h>

#include "base/err.h"

struct multipart;

/* The head of a part. Texts are UTF-8 without control characters, and borrowed for the call. */
struct multipart_part {
	const char *name;
	const char *filename; /* as sent, so never to be used as a path; NULL: the part is no file */
	const char *content_type; /* "" where none is given */
};

/* A callback that returns an error ends the parsing with it. All are mandatory. */
struct multipart_ops {
	enum err_code (*on_part)(void *owner, const struct multipart_part *part, struct err *err);
	enum err_code (*on_data)(void *owner, const char *bytes, size_t len, struct err *err);
	enum err_code (*on_part_end)(void *owner, struct err *err);
};

/* Starts with the value of the Content-Type header. Errors: ERR_INVALID (no usable boundary), ERR_NO_MEMORY. */
enum err_code multipart_new(const char *content_type, const struct multipart_ops *ops, void *owner,
			    struct multipart **ret, struct err *err) MUST_CHECK;
void multipart_free(struct multipart *m);

/* Errors: ERR_INVALID (malformed), ERR_TOO_BIG (a limit of limits.h), a callback's. After an error only _free. */
enum err_code multipart_feed(struct multipart *m, const char *bytes, size_t len, struct err *err) MUST_CHECK;

/* The body has ended. ERR_INVALID where its last boundary has not come. */
enum err_code multipart_finish(const struct multipart *m, struct err *err) MUST_CHECK;

#endif
