/*
 * Sealed notes: small texts that lie in the database and belong to a file, as what was recognised of one part does. The
 * vault (blob/vault.h) is for objects; a note is one message of XChaCha20-Poly1305 under a key derived from the file's
 * data key, with a random nonce, bound to a place that the caller names: a note that was moved to another row does not
 * open.
 *
 * Layout: format 1 (1 byte), nonce (24), ciphertext, tag (16). Thread-safe.
 */
#ifndef TIRO_BLOB_NOTE_H
#define TIRO_BLOB_NOTE_H

#include "base/strbuf.h"
#include "blob/keys.h"

enum {
	NOTE_OVERHEAD = 1 + 24 + 16,
	/* Bytes of a place: a word and two ids. */
	NOTE_PLACE_MAX = 64
};

/* Appends the sealed form of `bytes` to `out`. `place` has at most NOTE_PLACE_MAX bytes. Errors: ERR_TOO_BIG (of
 * `out`), ERR_NO_MEMORY. */
enum err_code note_seal(const struct data_key *key, const char *place, const void *bytes, size_t len,
			struct strbuf *out, struct err *err) MUST_CHECK;

/* Appends the plaintext to `out`. Errors: ERR_CORRUPT (changed, from another place, or another file's), ERR_TOO_BIG. */
enum err_code note_open(const struct data_key *key, const char *place, const void *sealed, size_t len,
			struct strbuf *out, struct err *err) MUST_CHECK;

#endif
