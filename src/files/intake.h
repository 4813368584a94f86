/*
 * An upload as the loop sees it: bytes come in pieces of any size and go to a thread of the pool in blocks, one block
 * being filled while the other is written. Whoever feeds it stops when told to, so memory stays at two blocks and what
 * the vault's writer holds.
 *
 * All calls and callbacks: the loop's thread.
 */
#ifndef TIRO_FILES_INTAKE_H
#define TIRO_FILES_INTAKE_H

#include "files/upload.h"
#include "http/work.h"

struct intake;

/* Bytes of one block: a hand-over costs some 10 µs, so larger ones gain nothing. */
#define INTAKE_BLOCK_BYTES ((size_t)256 * 1024)
/* What a feeder may have in hand when it is told to stop: one read of a connection, and what a parser held back of the
 * one before. */
#define INTAKE_FEED_BYTES ((size_t)68 * 1024)
/* How often a sign of progress is written down, at most. */
#define INTAKE_PROGRESS_US ((int64_t)500 * 1000)

struct intake_events {
	/* The row is there and bytes are wanted: feed. NULL: nobody waits. */
	void (*on_begun)(void *owner);
	/* After intake_feed said "stop": go on. */
	void (*on_room)(void *owner);
	/* On the pool's thread, at most every INTAKE_PROGRESS_US: bytes written. NULL: nobody looks. */
	void (*on_progress)(void *owner, uint64_t bytes);
	/* All bytes are sealed and can be read (files/reader.h), but the file is not stored before intake_store is
	 * called; intake_abort may be instead. NULL: it is stored at once. */
	void (*on_sealed)(void *owner);
	/* The last call, which always comes: stored (`info`), or it failed or was aborted (ERR_CANCELLED) and nothing
	 * is left. */
	void (*on_end)(void *owner, const struct vault_info *info, const struct err *why);
};

struct intake_spec {
	const struct files *files; /* outlives it */
	struct http_pool *pool; /* outlives it */
	struct upload_spec upload; /* texts are copied */
	struct upload_also also; /* its argument stays valid until on_end */
};

/* Begins in the background; bytes may be fed at once. `events` and `owner` stay valid until on_end.
 * Errors: ERR_NO_MEMORY, ERR_UNAVAILABLE (the pool is full). */
enum err_code intake_new(const struct intake_spec *spec, const struct intake_events *events, void *owner,
			 struct intake **ret, struct err *err) MUST_CHECK;

/* Takes the bytes, all of them. False: stop until on_room; what is in hand, up to INTAKE_FEED_BYTES, may still come. */
bool intake_feed(struct intake *intake, const void *bytes, size_t len);

/* All bytes were fed: seal the file, and store it where nobody waits for on_sealed. */
void intake_finish(struct intake *intake);

/* After on_sealed, once: store the file. on_end follows. */
void intake_store(struct intake *intake);

/* The sender is gone: what was written is removed in the background, then on_end follows (never from within this call),
 * and nothing else before it. A file that is being stored at this moment may be stored. Not after on_end. */
void intake_abort(struct intake *intake);

#endif
