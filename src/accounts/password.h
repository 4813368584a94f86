/*
 * Password hashes: Argon2id (RFC 9106) by libsodium, as its text form, which holds salt and cost. A hash takes about
 * 100 ms of one core and the memory that the cost says, so only so many run at once; the others wait for their turn.
 *
 * Thread-safe. Hashing blocks and never belongs on the loop's thread, but into a pool of threads (http/work.h).
 */
#ifndef TIRO_ACCOUNTS_PASSWORD_H
#define TIRO_ACCOUNTS_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"

/* Argon2's time and memory cost. */
struct password_cost {
	unsigned passes;
	size_t memory_bytes;
};

/* RFC 9106, 4: the second recommended choice, but with the one lane that libsodium has. About 100 ms; OWASP's smallest
 * advice is 19 MiB and 2 passes. More memory would cost servers with many log-ins more than it costs who guesses. */
#define PASSWORD_COST_DEFAULT ((struct password_cost){ .passes = 3, .memory_bytes = (size_t)64 * 1024 * 1024 })

enum {
	/* libsodium's crypto_pwhash_STRBYTES. */
	PASSWORD_HASH_SIZE = 128,
	/* Hashes at once: 64 MiB each. */
	PASSWORD_AT_ONCE_MAX = 64,
	PASSWORD_PASSES_MAX = 100,
};

struct hasher;

/* `at_once` is 1..PASSWORD_AT_ONCE_MAX. *ret is the caller's. Errors: ERR_INVALID, ERR_SYSTEM, ERR_NO_MEMORY. */
enum err_code hasher_new(struct password_cost cost, int at_once, struct hasher **ret, struct err *err) MUST_CHECK;
void hasher_free(struct hasher *hasher);

/* Hashes a normalised password (accounts/text.h). Errors: ERR_NO_MEMORY. */
enum err_code hasher_hash(struct hasher *hasher, const struct secret *password, char ret[PASSWORD_HASH_SIZE],
			  struct err *err) MUST_CHECK;

/*
 * Whether `password` belongs to `hash`. With hash NULL (there is no such user) a hash that fits no password is checked
 * instead, which takes the same time. *ret_is_weak: it fits, and the cost has grown since: hash it anew.
 * Errors: ERR_NO_MEMORY.
 */
enum err_code hasher_check(struct hasher *hasher, const struct secret *password, const char *hash, bool *ret_fits,
			   bool *ret_is_weak, struct err *err) MUST_CHECK;

#endif
