/*
 * SHA-256 (FIPS 180-4), by OpenSSL. One thread at a time per object.
 */
#ifndef TIRO_BASE_DIGEST_H
#define TIRO_BASE_DIGEST_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

/* A hash as text: 64 lower-case digits and the terminating 0. */
enum { SHA256_HEX_SIZE = 65, SHA256_BYTES = 32 };

struct sha256;

/* Starts a hash; *ret is freed by the caller. Errors: ERR_NO_MEMORY. */
enum err_code sha256_new(struct sha256 **ret, struct err *err) MUST_CHECK;
void sha256_free(struct sha256 *hash);

/* Forgets what was added; errors as sha256_new. */
enum err_code sha256_restart(struct sha256 *hash, struct err *err) MUST_CHECK;

enum err_code sha256_add(struct sha256 *hash, const void *bytes, size_t len, struct err *err) MUST_CHECK;

/* Ends the hash; only sha256_restart or sha256_free may follow. */
enum err_code sha256_finish(struct sha256 *hash, char ret_hex[SHA256_HEX_SIZE], struct err *err) MUST_CHECK;

/* The same, as bytes. */
enum err_code sha256_finish_bytes(struct sha256 *hash, unsigned char ret[SHA256_BYTES], struct err *err) MUST_CHECK;

/* Adds the rest of a file, from the descriptor's offset to its end. Errors: ERR_IO. */
enum err_code sha256_add_file(struct sha256 *hash, int fd, struct err *err) MUST_CHECK;

/* The hash of bytes at hand. Errors: ERR_NO_MEMORY. */
enum err_code sha256_of_bytes(const void *bytes, size_t len, unsigned char ret[SHA256_BYTES], struct err *err)
	MUST_CHECK;

/* The hash of the file at `path`. Errors: of open(2), ERR_IO, ERR_NO_MEMORY. */
enum err_code sha256_of_path(const char *path, char ret_hex[SHA256_HEX_SIZE], struct err *err) MUST_CHECK;

static inline void cleanup_sha256_impl(struct sha256 **hash)
{
	sha256_free(*hash);
}
#define cleanup_sha256 cleanup(cleanup_sha256_impl)

#endif
