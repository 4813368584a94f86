/*
 * Sealed objects over a blob store: plaintext in, compressed and encrypted object out, and any range of it back without
 * what comes before. README.md describes the format byte by byte.
 *
 * What is detected: every changed bit, a truncated or lengthened object, frames that were swapped, repeated or
 * reordered within an object or between objects, an object put in another's place, a wrong key. What is not hidden: the
 * sizes of the plaintext and, where compression helps, of each compressed frame.
 *
 * Plaintext passes through memory that is left out of core dumps and wiped after use (base/secret.h); what the caller
 * is given is the caller's to wipe. Keys inside OpenSSL's objects are wiped by OpenSSL when they are freed; a program
 * that handles them should forbid core dumps (PR_SET_DUMPABLE) and run with encrypted swap or none.
 *
 * Calls block. A writer and a reader belong to one thread at a time; any number may exist.
 */
#ifndef TIRO_BLOB_VAULT_H
#define TIRO_BLOB_VAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "blob/blob.h"
#include "blob/keys.h"

/* Plaintext bytes of one object: with the index and the tags it stays below BLOB_SIZE_MAX. */
#define VAULT_PLAIN_MAX (BLOB_SIZE_MAX - (uint64_t)64 * 1024 * 1024)

/* Where an object is and what opens it; all borrowed for the call, but `store`, which must outlive what is made of it.
 */
struct vault_place {
	struct blob_store *store;
	const char *key;
	/* One data key may serve several objects: each is encrypted under a key of its own. */
	const struct data_key *data_key;
	/* Bound in: an object opens only as the one that it was written as. */
	unsigned char object_id[KEY_ID_BYTES];
};

struct vault_options {
	/* The bytes are compressed already (MP3, JPEG, ...): compression is not tried. Else it is tried, and given up
	 * for a while where it does not help. */
	bool coded;
	/* 0: the best for this processor; else 1, AES-256-GCM, or 2, ChaCha20-Poly1305. Every build reads both. */
	unsigned algorithm;
};

struct vault_info {
	uint64_t plain_bytes;
	uint64_t stored_bytes;
	char sha256[SHA256_HEX_SIZE]; /* of the plaintext */
};

struct vault_writer;
struct vault_reader;

/*
 * Starts an object; *ret is ended by exactly one of vault_commit and vault_abort. NULL options: all zero. A writer
 * holds about 1.5 MiB, and from 256 KiB of plaintext on a thread, which compresses and encrypts while the caller's
 * hashes and stores. Errors: those of blob_put_begin, ERR_INVALID (algorithm).
 */
enum err_code vault_create(const struct vault_place *place, const struct vault_options *options,
			   struct vault_writer **ret, struct err *err) MUST_CHECK;
/* Appends plaintext. Errors: ERR_TOO_BIG, and those of blob_put_write; then only an abort may follow. */
enum err_code vault_write(struct vault_writer *writer, const void *bytes, size_t len, struct err *err) MUST_CHECK;
/* Makes the object visible and frees the writer either way. Errors: those of blob_put_commit. */
enum err_code vault_commit(struct vault_writer *writer, struct vault_info *ret, struct err *err) MUST_CHECK;
/* Drops the object and frees the writer; NULL is fine. */
void vault_abort(struct vault_writer *writer);

/*
 * Opens an object: reads and checks its header and index. *ret is freed with vault_close. A reader holds up to 1.3 MiB,
 * and 8 bytes per 64 KiB of plaintext. Errors: those of blob_get; ERR_CORRUPT (changed, not of this id, or of another
 * key).
 */
enum err_code vault_open(const struct vault_place *place, struct vault_reader **ret, struct err *err) MUST_CHECK;
void vault_close(struct vault_reader *reader);

/* Borrowed until vault_close; the hash is authentic like everything else. */
const struct vault_info *vault_reader_info(const struct vault_reader *reader);

/*
 * Reads a range of the plaintext, of any length; *ret_len is less than asked only where the plaintext ends before.
 * Reads that follow each other fetch ahead. Errors: those of blob_get, ERR_CORRUPT; then nothing in `buffer` may be
 * used.
 */
enum err_code vault_read(struct vault_reader *reader, struct blob_range range, void *buffer, size_t *ret_len,
			 struct err *err) MUST_CHECK;

static inline void cleanup_vault_reader_impl(struct vault_reader **reader)
{
	vault_close(*reader);
}
#define cleanup_vault_reader cleanup(cleanup_vault_reader_impl)

#endif
