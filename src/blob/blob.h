/*
 * A store of objects: named byte strings that are written once, as a stream, and read by ranges. Behind it stand a
 * folder (blob/local.h), an S3-compatible server (blob/s3.h), memory, and a wrapper that injects faults.
 *
 * An object is seen whole or not at all: what a put writes shows at its commit, and replaces an older object of that
 * name in one step. A put that ends in any other way (abort, failure, a killed process) leaves nothing that a reader
 * sees; what it leaves to be cleaned up is found by blob_abort_unfinished.
 *
 * Keys are names of ours, never a user's text: 1..BLOB_KEY_MAX bytes of a-z 0-9 . _ - and single slashes between.
 * Arguments are checked here, once; back ends may rely on them.
 *
 * Calls block, on a disk or on a network: use a pool of threads. A store may be used by any number of threads at once,
 * a put by one thread at a time.
 */
#ifndef TIRO_BLOB_BLOB_H
#define TIRO_BLOB_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Room for three ids and the words between; a back end or a server may still make one file name of it, even in base64.
 */
#define BLOB_KEY_MAX 128
/* S3 allows 10,000 parts; with parts of 8 MiB (blob/s3.h) that is 78 GiB. 48 h of stereo CD audio are 28 GiB. */
#define BLOB_SIZE_MAX ((uint64_t)64 * 1024 * 1024 * 1024)
/* One read: it is a caller's buffer, and a back end may hold as much again. */
#define BLOB_GET_MAX ((size_t)16 * 1024 * 1024)

struct blob_ops;

/* The part that all back ends share; they embed it first. */
struct blob_store {
	const struct blob_ops *ops;
};

/* An object that is being written; embedded first, like the store. Its fields are for blob.c. */
struct blob_put {
	struct blob_store *store;
	uint64_t size_bytes; /* written so far */
	bool failed; /* a write failed: nothing but abort may follow */
};

/* What a listing tells about one object or one unfinished put. */
struct blob_info {
	const char *key; /* "" where the back end cannot tell whose a put was; borrowed for the call */
	uint64_t size_bytes; /* 0 for an unfinished put whose size is not known */
	int64_t time_us; /* wall time: of the commit, or of the last sign of life of a put */
};

/* Called for each; false ends the listing early, without an error. It may delete the object that it is told about. */
typedef bool blob_list_fn(void *owner, const struct blob_info *info);

/* Releases the store; NULL is fine. No put may be open. */
void blob_close(struct blob_store *store);

/*
 * Starts an object; *ret is owned by the caller and ended by exactly one of blob_put_commit and blob_put_abort.
 * Errors: ERR_INVALID (key), ERR_NO_SPACE, ERR_DENIED, ERR_IO, ERR_NETWORK, ERR_NO_MEMORY.
 */
enum err_code blob_put_begin(struct blob_store *store, const char *key, struct blob_put **ret, struct err *err)
	MUST_CHECK;
/* Appends. Errors: ERR_TOO_BIG (BLOB_SIZE_MAX), ERR_NO_SPACE, ERR_IO, ERR_NETWORK; then only an abort may follow. */
enum err_code blob_put_write(struct blob_put *put, const void *bytes, size_t len, struct err *err) MUST_CHECK;
/*
 * Makes the object durable and visible, and frees the put whether that works or not. After an error nothing is left;
 * only ERR_NETWORK and ERR_IO leave it open whether the object is there.
 */
enum err_code blob_put_commit(struct blob_put *put, struct err *err) MUST_CHECK;
/* Drops what was written and frees the put; NULL is fine. */
void blob_put_abort(struct blob_put *put);

/* The bytes of one read. */
struct blob_range {
	uint64_t offset;
	size_t len; /* at most BLOB_GET_MAX */
};

/*
 * Reads a range into the caller's `buffer`; *ret_len is less than asked only where the object ends before.
 * Errors: ERR_NOT_FOUND, ERR_INVALID, ERR_IO, ERR_NETWORK.
 */
enum err_code blob_get(struct blob_store *store, const char *key, struct blob_range range, void *buffer,
		       size_t *ret_len, struct err *err) MUST_CHECK;

/* Errors: ERR_NOT_FOUND, ERR_IO, ERR_NETWORK. */
enum err_code blob_size(struct blob_store *store, const char *key, uint64_t *ret_bytes, struct err *err) MUST_CHECK;

/* Removes an object for good; one that is not there is no error, so that a clean-up can be run again. */
enum err_code blob_delete(struct blob_store *store, const char *key, struct err *err) MUST_CHECK;

/*
 * Tells about every object whose key begins with `prefix` (part of a key, or "" for all), in no particular order. What
 * is there from begin to end is told once; what comes or goes meanwhile may be told or not.
 */
enum err_code blob_list(struct blob_store *store, const char *prefix, blob_list_fn *fn, void *owner, struct err *err)
	MUST_CHECK;

/* Tells about puts that were neither committed nor aborted and gave no sign of life since `before_us` (wall time). */
enum err_code blob_list_unfinished(struct blob_store *store, int64_t before_us, blob_list_fn *fn, void *owner,
				   struct err *err) MUST_CHECK;

/*
 * Aborts those puts and counts them. Choose a time well before now: where the writer still lives after all, its commit
 * fails. Errors: ERR_IO, ERR_NETWORK; what was aborted before stays so, and a repeated call goes on.
 */
enum err_code blob_abort_unfinished(struct blob_store *store, int64_t before_us, uint64_t *ret_count, struct err *err)
	MUST_CHECK;

/* True if `key` is one; of a prefix only the characters are looked at. */
bool blob_key_valid(const char *key);

#endif
