/*
 * A stored file's bytes for the loop: ranges are fetched and decrypted in the pool, one at a time.
 *
 * All calls and callbacks: the loop's thread.
 */
#ifndef TIRO_FILES_READER_H
#define TIRO_FILES_READER_H

#include "files/files.h"
#include "http/work.h"

struct reader;

struct reader_events {
	/* The file is open, or it could not be opened (`why`); then only reader_close follows. `why` is ERR_OK
	 * otherwise. */
	void (*on_open)(void *owner, const struct vault_info *info, const struct err *why);
	/* The range that was asked for; fewer bytes than asked only at the end of the file. Borrowed for the call. */
	void (*on_bytes)(void *owner, const void *bytes, size_t len, const struct err *why);
};

/* Bytes of one range at most. */
#define READER_RANGE_MAX ((size_t)256 * 1024)

/* Opens in the background. Errors: ERR_NO_MEMORY, ERR_UNAVAILABLE (the pool is full). */
enum err_code reader_new(const struct files *files, struct http_pool *pool, const struct uuid *file,
			 const struct reader_events *events, void *owner, struct reader **ret, struct err *err)
	MUST_CHECK;

/* Asks for a range; on_bytes follows, later. After on_open, and not before the last one was answered. */
void reader_want(struct reader *reader, uint64_t offset, size_t len);

/* No callback follows. In any callback too. NULL is fine. */
void reader_close(struct reader *reader);

#endif
