/*
 * Where a model's bytes go: a file, buffered, and a hash over them. Writers write and check once: after the first
 * failure nothing more is written and sink_finish() reports it. One thread at a time.
 */
#ifndef TIRO_MODELS_SINK_H
#define TIRO_MODELS_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"

struct sink;

/* Asked now and then while bytes are written; false stops the writing (ERR_CANCELLED). */
struct sink_watch {
	bool (*go_on)(void *owner, uint64_t done_bytes);
	void *owner;
};

/* Creates or empties the file at `path`; `watch` may be NULL, else it is borrowed. */
enum err_code sink_open(const char *path, const struct sink_watch *watch, struct sink **ret, struct err *err)
	MUST_CHECK;
void sink_close(struct sink *sink);

void sink_write(struct sink *sink, const void *bytes, size_t len);
void sink_u32(struct sink *sink, uint32_t value);
/* Marks the sink failed for a reason of the writer's; the first failure stays. Returns the code. */
enum err_code sink_fail(struct sink *sink, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The failure so far, or ERR_OK. */
enum err_code sink_state(const struct sink *sink);

/* Flushes to the disk and tells the hash of all that was written, or the first failure. */
enum err_code sink_finish(struct sink *sink, char ret_sha256[SHA256_HEX_SIZE], struct err *err) MUST_CHECK;

static inline void cleanup_sink_impl(struct sink **sink)
{
	sink_close(*sink);
}
#define cleanup_sink cleanup(cleanup_sink_impl)

#endif
