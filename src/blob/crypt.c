#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include "base/secret.h"
#include "blob/crypt_priv.h"

struct crypt_aead {
	EVP_CIPHER_CTX *ctx;
};

static enum err_code no_memory(struct err *err)
{
	return err_set(err, ERR_NO_MEMORY, "no memory for encryption");
}

/* OpenSSL's interface takes what it only reads without const. */
static void *unconst(const void *p)
{
	return (void *)(uintptr_t)p;
}

enum err_code crypt_hkdf(struct crypt_bytes key, struct crypt_bytes salt, struct crypt_bytes info, void *ret,
			 size_t len, struct err *err)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, unconst("SHA256"), 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, unconst(key.bytes), key.len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, unconst(salt.bytes), salt.len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, unconst(info.bytes), info.len),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	int done = ctx ? EVP_KDF_derive(ctx, ret, len, params) : 0;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return done == 1 ? ERR_OK : no_memory(err);
}

enum crypt_algorithm crypt_best(void)
{
#if defined(__x86_64__)
	bool has_aes = __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
	bool has_aes = (getauxval(AT_HWCAP) & (1UL << 3)) != 0; /* HWCAP_AES */
#else
	bool has_aes = false;
#endif
	return has_aes ? CRYPT_AES_256_GCM : CRYPT_CHACHA20_POLY1305;
}

static const EVP_CIPHER *cipher_of(unsigned algorithm)
{
	switch (algorithm) {
	case CRYPT_AES_256_GCM:
		return EVP_aes_256_gcm();
	case CRYPT_CHACHA20_POLY1305:
		return EVP_chacha20_poly1305();
	default:
		return NULL;
	}
}

enum err_code crypt_aead_new(unsigned algorithm, const unsigned char key[CRYPT_KEY_BYTES], struct crypt_aead **ret,
			     struct err *err)
{
	const EVP_CIPHER *cipher = cipher_of(algorithm);
	if (!cipher)
		return err_set(err, ERR_INVALID, "there is no cipher %u", algorithm);
	struct crypt_aead *aead = calloc(1, sizeof *aead);
	if (!aead)
		return no_memory(err);
	aead->ctx = EVP_CIPHER_CTX_new();
	/* The key is set once; the direction and the nonce come with each message. */
	if (!aead->ctx || EVP_CipherInit_ex(aead->ctx, cipher, NULL, key, NULL, 1) != 1) {
		crypt_aead_free(aead);
		return no_memory(err);
	}
	*ret = aead;
	return ERR_OK;
}

void crypt_aead_free(struct crypt_aead *aead)
{
	if (!aead)
		return;
	EVP_CIPHER_CTX_free(aead->ctx); /* which wipes the key */
	free(aead);
}

/* Runs the cipher in the direction that was set; the caller deals with the tag. */
static bool process(EVP_CIPHER_CTX *ctx, struct crypt_bytes aad, struct crypt_bytes in, unsigned char *out)
{
	int n;
	if (aad.len > INT_MAX || in.len > INT_MAX)
		return false;
	if (aad.len > 0 && EVP_CipherUpdate(ctx, NULL, &n, aad.bytes, (int)aad.len) != 1)
		return false;
	return in.len == 0 || (EVP_CipherUpdate(ctx, out, &n, in.bytes, (int)in.len) == 1 && (size_t)n == in.len);
}

enum err_code crypt_seal(struct crypt_aead *aead, const unsigned char nonce[CRYPT_NONCE_BYTES], struct crypt_bytes aad,
			 struct crypt_bytes in, unsigned char *out, struct err *err)
{
	int n;
	bool sealed = EVP_CipherInit_ex(aead->ctx, NULL, NULL, NULL, nonce, 1) == 1 &&
		      process(aead->ctx, aad, in, out) && EVP_CipherFinal_ex(aead->ctx, out + in.len, &n) == 1 &&
		      EVP_CIPHER_CTX_ctrl(aead->ctx, EVP_CTRL_AEAD_GET_TAG, CRYPT_TAG_BYTES, out + in.len) == 1;
	return sealed ? ERR_OK : no_memory(err);
}

enum err_code crypt_open(struct crypt_aead *aead, const unsigned char nonce[CRYPT_NONCE_BYTES], struct crypt_bytes aad,
			 struct crypt_bytes in, unsigned char *out, struct err *err)
{
	unsigned char last[16];
	int n;
	if (in.len < CRYPT_TAG_BYTES)
		return err_set(err, ERR_CORRUPT, "it is too short");
	size_t len = in.len - CRYPT_TAG_BYTES;
	const unsigned char *tag = (const unsigned char *)in.bytes + len;
	bool opened = EVP_CipherInit_ex(aead->ctx, NULL, NULL, NULL, nonce, 0) == 1 &&
		      EVP_CIPHER_CTX_ctrl(aead->ctx, EVP_CTRL_AEAD_SET_TAG, CRYPT_TAG_BYTES, unconst(tag)) == 1 &&
		      process(aead->ctx, aad, (struct crypt_bytes){ in.bytes, len }, out) &&
		      EVP_CipherFinal_ex(aead->ctx, last, &n) == 1;
	if (opened)
		return ERR_OK;
	secret_wipe(out, len);
	return err_set(err, ERR_CORRUPT, "it was changed, or the key is another");
}
