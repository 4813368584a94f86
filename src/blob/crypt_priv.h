/*
 * The two primitives that the vault and the keys are made of, by OpenSSL: HKDF-SHA256 (RFC 5869) and AEAD ciphers with
 * a key of 32, a nonce of 12 and a tag of 16 bytes.
 *
 * Thread safety: a cipher belongs to one thread at a time.
 */
#ifndef TIRO_BLOB_CRYPT_PRIV_H
#define TIRO_BLOB_CRYPT_PRIV_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum { CRYPT_KEY_BYTES = 32, CRYPT_NONCE_BYTES = 12, CRYPT_TAG_BYTES = 16 };

/* Some bytes of the caller's. */
struct crypt_bytes {
	const void *bytes;
	size_t len;
};

/* Fills `ret` with `len` bytes (at most 255 * 32) derived from `key`. Errors: ERR_NO_MEMORY. */
enum err_code crypt_hkdf(struct crypt_bytes key, struct crypt_bytes salt, struct crypt_bytes info, void *ret,
			 size_t len, struct err *err) MUST_CHECK;

/* The numbers are part of the vault's format. */
enum crypt_algorithm {
	CRYPT_AES_256_GCM = 1, /* NIST SP 800-38D */
	CRYPT_CHACHA20_POLY1305 = 2 /* RFC 8439 */
};

/* The faster one on this processor: AES-GCM where it has instructions for it, which also make it constant-time. */
enum crypt_algorithm crypt_best(void);

struct crypt_aead;

/* A cipher for one key, which is copied. `algorithm` may come from a file. Errors: ERR_INVALID, ERR_NO_MEMORY. */
enum err_code crypt_aead_new(unsigned algorithm, const unsigned char key[CRYPT_KEY_BYTES], struct crypt_aead **ret,
			     struct err *err) MUST_CHECK;
/* Wipes the key; NULL is fine. */
void crypt_aead_free(struct crypt_aead *aead);

/* Writes `in.len` + CRYPT_TAG_BYTES bytes to `out`, which does not overlap the input. The nonce must be new. */
enum err_code crypt_seal(struct crypt_aead *aead, const unsigned char nonce[CRYPT_NONCE_BYTES], struct crypt_bytes aad,
			 struct crypt_bytes in, unsigned char *out, struct err *err) MUST_CHECK;

/*
 * Opens what crypt_seal wrote; writes `in.len` - CRYPT_TAG_BYTES bytes to `out`, which are zeros where the tag is
 * wrong (ERR_CORRUPT; the caller says of what).
 */
enum err_code crypt_open(struct crypt_aead *aead, const unsigned char nonce[CRYPT_NONCE_BYTES], struct crypt_bytes aad,
			 struct crypt_bytes in, unsigned char *out, struct err *err) MUST_CHECK;

static inline void cleanup_aead_impl(struct crypt_aead **aead)
{
	crypt_aead_free(*aead);
}
#define cleanup_aead cleanup(cleanup_aead_impl)

/* Numbers in files and wrapped keys are big-endian. */
static inline void put_be32(unsigned char *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (unsigned char)(value >> (24 - 8 * i));
}

static inline void put_be64(unsigned char *to, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		to[i] = (unsigned char)(value >> (56 - 8 * i));
}

static inline uint32_t get_be32(const unsigned char *from)
{
	uint32_t value = 0;
	for (int i = 0; i < 4; i++)
		value = value << 8 | from[i];
	return value;
}

static inline uint64_t get_be64(const unsigned char *from)
{
	uint64_t value = 0;
	for (int i = 0; i < 8; i++)
		value = value << 8 | from[i];
	return value;
}

#endif
