/*
 * Bytes that must not leak: passwords, tokens, keys, and plaintext on its way through.
 *
 * They live in pages of their own that are left out of core dumps and of children, and are wiped before they are given
 * back. Small ones are locked, so that they never reach a swap device, as far as RLIMIT_MEMLOCK allows: a limit that is
 * used up is no error, and swap should be encrypted or off. What a library copies for itself (OpenSSL, libcurl) is not
 * covered.
 *
 * There is no function that formats a secret, and none shall be added: whoever needs the bytes asks for them by name.
 *
 * Thread safety: an object belongs to one thread at a time; any number may read it.
 */
#ifndef TIRO_BASE_SECRET_H
#define TIRO_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

/* Longer secrets are not locked: the usual limit on locked memory is 8 MiB, and buffers would eat it up. */
#define SECRET_LOCK_MAX ((size_t)4096)

/* `size_bytes` zeroed bytes (more than 0), or NULL where memory is short. Freed with secret_free. */
void *secret_alloc(size_t size_bytes);
/* Wipes and frees; the size must be that of the allocation. NULL is fine. */
void secret_free(void *bytes, size_t size_bytes);

/* A secret text; empty: all zero. */
struct secret {
	char *bytes; /* owned, from secret_alloc; a 0 follows the text */
	size_t len;
};

/* Copies `len` bytes. *ret must be empty. Errors: ERR_NO_MEMORY. */
enum err_code secret_set(struct secret *ret, const void *bytes, size_t len, struct err *err) MUST_CHECK;
/* Wipes and frees; the object is empty again. */
void secret_done(struct secret *secret);
#define cleanup_secret cleanup(secret_done)

/* The text, "" when empty. The name is long so that each use is seen; borrowed until secret_done. */
const char *secret_reveal(const struct secret *secret);

/* Overwrites memory in a way that the compiler keeps. */
void secret_wipe(void *bytes, size_t len);

/* Compares in a time that depends on the length only. */
bool secret_equal(const void *a, const void *b, size_t len);

#endif
