/*
 * Keys: who can read which file. Pure functions on bytes; where boxes and wrapped keys are kept is the caller's matter.
 *
 *     master key      one per installation, outside of the database (blob/master.h)
 *       wraps         each user's private key: XChaCha20-Poly1305, the user's id and public key bound in
 *     user key pair   X25519
 *       boxes         each file's data key, sealed to the public key of everyone who may read the file
 *     data key        32 random bytes per file; blob/vault.h encrypts under keys derived from it
 *
 * A share is one box more; a public key that a user registers is one recipient more; to take a share back, or to delete
 * a file for good, is to drop boxes. A new master key rewraps the users' private keys (keys_rotate) and touches no
 * file.
 *
 * A box is libsodium's crypto_box_seal of the 32 bytes of the data key: a fresh X25519 key pair per box, XSalsa20-
 * Poly1305, nonce = BLAKE2b(fresh key, recipient's key). Not HPKE (RFC 9180): OpenSSL 3.0 has none, and every binding
 * of libsodium opens these boxes, which owners of a registered key must be able to do. A box does not say who made it,
 * and which file it is for is checked by the file: a vault object opens under no other key than its own.
 *
 * All functions are safe to call from any thread. sodium_init is called where it is needed.
 */
#ifndef TIRO_BLOB_KEYS_H
#define TIRO_BLOB_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	KEY_BYTES = 32,
	/* Of a user or of a file: a UUID. */
	KEY_ID_BYTES = 16,
	/* What `crypto_box_seal` adds: the fresh public key and the tag. */
	DATA_KEY_BOX_BYTES = KEY_BYTES + 48,
	/* See keys.c for the layout. */
	USER_KEY_WRAPPED_BYTES = 1 + 4 + 24 + KEY_BYTES + 16,
	MASTER_CHECK_BYTES = 16,
	MASTER_ID_MAX = 32
};

/* Each is wiped by its _done; declare it with cleanup_... */
struct master_key {
	char id[MASTER_ID_MAX + 1]; /* a-z 0-9 . _ -: which key this is, for people */
	uint32_t version; /* goes up with each rotation; at least 1 */
	unsigned char bytes[KEY_BYTES];
};

struct data_key {
	unsigned char bytes[KEY_BYTES];
};

struct public_key {
	unsigned char bytes[KEY_BYTES];
};

/* Both halves of a user's pair. */
struct user_key {
	struct public_key public_half;
	unsigned char private_half[KEY_BYTES];
};

void master_key_done(struct master_key *key);
void data_key_done(struct data_key *key);
void user_key_done(struct user_key *key);
#define cleanup_master_key cleanup(master_key_done)
#define cleanup_data_key cleanup(data_key_done)
#define cleanup_user_key cleanup(user_key_done)

/* -- master key ---------------------------------------------------------------------------------- */

/*
 * The key's check value: kept in the database beside the id and the version, it tells the right key from a wrong one
 * and nothing about its bytes. Errors: ERR_NO_MEMORY.
 */
enum err_code master_key_check_value(const struct master_key *key, unsigned char ret[MASTER_CHECK_BYTES],
				     struct err *err) MUST_CHECK;

/* What the database says about the master key that it was filled under. */
struct master_key_record {
	char id[MASTER_ID_MAX + 1];
	uint32_t version;
	unsigned char check[MASTER_CHECK_BYTES];
};

/* Compares a key with the record, the check value in constant time. Errors: ERR_DENIED, which names both keys. */
enum err_code master_key_verify(const struct master_key *key, const struct master_key_record *record, struct err *err)
	MUST_CHECK;

/* -- users --------------------------------------------------------------------------------------- */

/* A new pair. Errors: ERR_SYSTEM (no random numbers). */
enum err_code user_key_new(struct user_key *ret, struct err *err) MUST_CHECK;

/* Encrypts the private half for the database. Errors: ERR_NO_MEMORY, ERR_SYSTEM. */
enum err_code user_key_wrap(const struct user_key *key, const struct master_key *master,
			    const unsigned char user_id[KEY_ID_BYTES], unsigned char ret[USER_KEY_WRAPPED_BYTES],
			    struct err *err) MUST_CHECK;

/*
 * Decrypts it. `public_half` is the one beside it in the database; a pair that does not fit is refused. Errors:
 * ERR_DENIED (another version of the master key, named), ERR_CORRUPT (changed, another user's, or a wrong key).
 */
enum err_code user_key_unwrap(const unsigned char *wrapped, size_t len, const struct master_key *master,
			      const unsigned char user_id[KEY_ID_BYTES], const struct public_key *public_half,
			      struct user_key *ret, struct err *err) MUST_CHECK;

/* The version of the master key that a private half is wrapped with. Errors: ERR_CORRUPT. */
enum err_code user_key_wrapped_version(const unsigned char *wrapped, size_t len, uint32_t *ret_version, struct err *err)
	MUST_CHECK;

/* -- files --------------------------------------------------------------------------------------- */

/* A random one. Errors: ERR_SYSTEM. */
enum err_code data_key_new(struct data_key *ret, struct err *err) MUST_CHECK;

/* True for a public key that boxes may be sealed to: one of the few that make every box readable is refused. */
bool public_key_valid(const struct public_key *key);

/* Seals a data key to a recipient. Errors: ERR_INVALID (a bad public key), ERR_SYSTEM. */
enum err_code data_key_box(const struct data_key *key, const struct public_key *recipient,
			   unsigned char ret[DATA_KEY_BOX_BYTES], struct err *err) MUST_CHECK;

/* Opens a box. Errors: ERR_CORRUPT. */
enum err_code data_key_unbox(const unsigned char *box, size_t len, const struct user_key *recipient,
			     struct data_key *ret, struct err *err) MUST_CHECK;

/* The fingerprint that shows a public key to people: "SHA256:" and 64 lower-case digits. Errors: ERR_NO_MEMORY. */
enum { KEY_FINGERPRINT_SIZE = 7 + 64 + 1 };
enum err_code public_key_fingerprint(const struct public_key *key, char ret[KEY_FINGERPRINT_SIZE], struct err *err)
	MUST_CHECK;

/* -- rotation of the master key ------------------------------------------------------------------ */

/* One user's row in the database. */
struct user_key_row {
	unsigned char user_id[KEY_ID_BYTES];
	struct public_key public_half;
	unsigned char wrapped[USER_KEY_WRAPPED_BYTES];
};

/* Where the rows are. Both return ERR_OK or stop the rotation with their error. */
struct keys_rotation {
	void *owner;
	/* Gives the next row in an order of its own; *ret_end at the end. */
	enum err_code (*next)(void *owner, struct user_key_row *ret, bool *ret_end, struct err *err);
	/* Writes the row back, if its private half is still the one that `next` gave. */
	enum err_code (*store)(void *owner, const struct user_key_row *row, struct err *err);
};

/*
 * Rewraps the private halves of all users from `from` to `to`, whose version must be higher; *ret_count tells how many.
 * Rows that are already under `to` are left alone, so that a rotation that was interrupted is run again until it ends.
 * While it runs, both keys must be at hand; `from` may be forgotten once it has returned ERR_OK and no row was added
 * under it since. Errors: those of the callbacks, of unwrap and wrap; ERR_INVALID.
 */
enum err_code keys_rotate(const struct master_key *from, const struct master_key *to,
			  const struct keys_rotation *rotation, uint64_t *ret_count, struct err *err) MUST_CHECK;

#endif
