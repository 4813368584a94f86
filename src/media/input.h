/*
 * A foreign file, seen from inside a jail: ranges of bytes and a size, nothing else. In the jail it is answered by
 * the node over the channel (jail/worker.h); tests answer it from memory or a descriptor.
 * One thread at a time.
 */
#ifndef TIRO_MEDIA_INPUT_H
#define TIRO_MEDIA_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct media_input {
	uint64_t size; /* of the whole file, bytes */
	/* Reads up to `len` bytes at `offset`; fewer only at the end of the file (*ret_len 0 at or past it). */
	enum err_code (*read)(void *ctx, uint64_t offset, void *buffer, size_t len, size_t *ret_len, struct err *err);
	void *ctx;
};

#endif
