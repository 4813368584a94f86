#include "blob/keys.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/secret.h"
#include "blob/crypt_priv.h"

/*
 * A wrapped private half:
 *
 *      0   1  format, 1
 *      1   4  version of the master key
 *      5  24  random nonce
 *     29  48  XChaCha20-Poly1305 of the private half
 *
 * The key is derived from the master key (WRAP_INFO). Nonces of 24 bytes may be drawn at random for as many users and
 * rotations as there will ever be; those of AES-GCM may not. The associated data are the first 5 bytes, the id of the
 * master key, the user's id and the public half.
 */
enum { WRAP_FORMAT = 1, WRAP_VERSION_AT = 1, WRAP_NONCE_AT = 5, WRAP_SEALED_AT = 29 };

static const char wrap_info[] = "tiro 1 user keys";
static const char check_info[] = "tiro 1 master key check";

_Static_assert(KEY_BYTES == crypto_box_PUBLICKEYBYTES, "X25519");
_Static_assert((int)DATA_KEY_BOX_BYTES == (int)(KEY_BYTES + crypto_box_SEALBYTES), "a sealed box");
_Static_assert(WRAP_SEALED_AT == WRAP_NONCE_AT + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert((int)USER_KEY_WRAPPED_BYTES ==
		       (int)(WRAP_SEALED_AT + KEY_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES),
	       "wrapped key");

void master_key_done(struct master_key *key)
{
	secret_wipe(key, sizeof *key);
}

void data_key_done(struct data_key *key)
{
	secret_wipe(key, sizeof *key);
}

void user_key_done(struct user_key *key)
{
	secret_wipe(key, sizeof *key);
}

/* libsodium finds its random source and the processor's abilities once; any thread may ask. */
static enum err_code ready(struct err *err)
{
	return sodium_init() >= 0 ? ERR_OK : err_set(err, ERR_SYSTEM, "libsodium found no random numbers");
}

/* -- master key ---------------------------------------------------------------------------------- */

/* A key of its own for each purpose; id and version are the salt. */
static enum err_code derive(const struct master_key *key, const char *info, void *ret, size_t len, struct err *err)
{
	unsigned char salt[MASTER_ID_MAX + 4];
	size_t id_len = strlen(key->id);
	memcpy(salt, key->id, id_len);
	put_be32(salt + id_len, key->version);
	return crypt_hkdf((struct crypt_bytes){ key->bytes, sizeof key->bytes },
			  (struct crypt_bytes){ salt, id_len + 4 }, (struct crypt_bytes){ info, strlen(info) }, ret,
			  len, err);
}

enum err_code master_key_check_value(const struct master_key *key, unsigned char ret[MASTER_CHECK_BYTES],
				     struct err *err)
{
	return derive(key, check_info, ret, MASTER_CHECK_BYTES, err);
}

enum err_code master_key_verify(const struct master_key *key, const struct master_key_record *record, struct err *err)
{
	unsigned char check[MASTER_CHECK_BYTES];
	if (strcmp(key->id, record->id) != 0 || key->version != record->version)
		return err_set(err, ERR_DENIED,
			       "the master key is \"%s\" version %" PRIu32
			       "; the database needs \"%s\" version %" PRIu32,
			       key->id, key->version, record->id, record->version);
	enum err_code code = master_key_check_value(key, check, err);
	if (code)
		return code;
	if (!secret_equal(check, record->check, sizeof check))
		return err_set(err, ERR_DENIED,
			       "the master key \"%s\" version %" PRIu32
			       " has other bytes than the one the database needs",
			       key->id, key->version);
	return ERR_OK;
}

/* -- users --------------------------------------------------------------------------------------- */

enum err_code user_key_new(struct user_key *ret, struct err *err)
{
	enum err_code code = ready(err);
	if (!code)
		(void)crypto_box_keypair(ret->public_half.bytes, ret->private_half);
	return code;
}

enum { WRAP_AAD_MAX = WRAP_NONCE_AT + 1 + MASTER_ID_MAX + KEY_ID_BYTES + KEY_BYTES };

/* Lengths are fixed or written, so that no two users share the same bytes. */
static size_t wrap_aad(const unsigned char *wrapped, const struct master_key *master,
		       const unsigned char user_id[KEY_ID_BYTES], const struct public_key *public_half,
		       unsigned char ret[WRAP_AAD_MAX])
{
	size_t id_len = strlen(master->id), at = WRAP_NONCE_AT;
	memcpy(ret, wrapped, WRAP_NONCE_AT);
	ret[at++] = (unsigned char)id_len;
	memcpy(ret + at, master->id, id_len);
	at += id_len;
	memcpy(ret + at, user_id, KEY_ID_BYTES);
	at += KEY_ID_BYTES;
	memcpy(ret + at, public_half->bytes, KEY_BYTES);
	return at + KEY_BYTES;
}

enum err_code user_key_wrap(const struct user_key *key, const struct master_key *master,
			    const unsigned char user_id[KEY_ID_BYTES], unsigned char ret[USER_KEY_WRAPPED_BYTES],
			    struct err *err)
{
	unsigned char wrapped[USER_KEY_WRAPPED_BYTES], aad[WRAP_AAD_MAX];
	struct data_key wrapping;
	enum err_code code = ready(err);
	if (!code)
		code = derive(master, wrap_info, wrapping.bytes, sizeof wrapping.bytes, err);
	if (code)
		return code;
	wrapped[0] = WRAP_FORMAT;
	put_be32(wrapped + WRAP_VERSION_AT, master->version);
	randombytes_buf(wrapped + WRAP_NONCE_AT, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
	size_t aad_len = wrap_aad(wrapped, master, user_id, &key->public_half, aad);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(wrapped + WRAP_SEALED_AT, NULL, key->private_half, KEY_BYTES,
							 aad, aad_len, NULL, wrapped + WRAP_NONCE_AT, wrapping.bytes);
	data_key_done(&wrapping);
	memcpy(ret, wrapped, sizeof wrapped);
	return ERR_OK;
}

enum err_code user_key_wrapped_version(const unsigned char *wrapped, size_t len, uint32_t *ret_version, struct err *err)
{
	if (len != USER_KEY_WRAPPED_BYTES || wrapped[0] != WRAP_FORMAT)
		return err_set(err, ERR_CORRUPT, "a user's private key is not of a format that is known");
	*ret_version = get_be32(wrapped + WRAP_VERSION_AT);
	return ERR_OK;
}

/* Opens the AEAD and checks that both halves are one pair; *ret is filled either way, and wiped by the caller. */
static bool unwrap(const unsigned char *wrapped, const struct data_key *wrapping, const unsigned char *aad,
		   size_t aad_len, struct user_key *ret)
{
	unsigned char own[KEY_BYTES];
	return crypto_aead_xchacha20poly1305_ietf_decrypt(ret->private_half, NULL, NULL, wrapped + WRAP_SEALED_AT,
							  USER_KEY_WRAPPED_BYTES - WRAP_SEALED_AT, aad, aad_len,
							  wrapped + WRAP_NONCE_AT, wrapping->bytes) == 0 &&
	       crypto_scalarmult_base(own, ret->private_half) == 0 &&
	       secret_equal(own, ret->public_half.bytes, sizeof own);
}

enum err_code user_key_unwrap(const unsigned char *wrapped, size_t len, const struct master_key *master,
			      const unsigned char user_id[KEY_ID_BYTES], const struct public_key *public_half,
			      struct user_key *ret, struct err *err)
{
	unsigned char aad[WRAP_AAD_MAX];
	uint32_t version;
	cleanup_user_key struct user_key key = { .public_half = *public_half };
	cleanup_data_key struct data_key wrapping = { 0 };
	enum err_code code = ready(err);
	if (!code)
		code = user_key_wrapped_version(wrapped, len, &version, err);
	if (code)
		return code;
	if (version != master->version)
		return err_set(err, ERR_DENIED,
			       "a user's private key is wrapped with version %" PRIu32
			       " of the master key; this is \"%s\" version %" PRIu32,
			       version, master->id, master->version);
	code = derive(master, wrap_info, wrapping.bytes, sizeof wrapping.bytes, err);
	if (code)
		return code;
	size_t aad_len = wrap_aad(wrapped, master, user_id, public_half, aad);
	if (!unwrap(wrapped, &wrapping, aad, aad_len, &key))
		return err_set(err, ERR_CORRUPT, "a user's private key was changed, or it is not for this master key");
	*ret = key;
	return ERR_OK;
}

/* -- files --------------------------------------------------------------------------------------- */

enum err_code data_key_new(struct data_key *ret, struct err *err)
{
	enum err_code code = ready(err);
	if (!code)
		randombytes_buf(ret->bytes, sizeof ret->bytes);
	return code;
}

/* With a point of small order every key agreement ends in zeros (RFC 7748, section 6.1), which libsodium refuses. */
bool public_key_valid(const struct public_key *key)
{
	static const unsigned char any[KEY_BYTES] = { 8 };
	unsigned char shared[KEY_BYTES];
	return crypto_scalarmult(shared, any, key->bytes) == 0;
}

enum err_code data_key_box(const struct data_key *key, const struct public_key *recipient,
			   unsigned char ret[DATA_KEY_BOX_BYTES], struct err *err)
{
	enum err_code code = ready(err);
	if (code)
		return code;
	if (!public_key_valid(recipient) || crypto_box_seal(ret, key->bytes, KEY_BYTES, recipient->bytes) != 0)
		return err_set(err, ERR_INVALID, "the public key is not one that keys can be sealed to");
	return ERR_OK;
}

enum err_code data_key_unbox(const unsigned char *box, size_t len, const struct user_key *recipient,
			     struct data_key *ret, struct err *err)
{
	cleanup_data_key struct data_key key = { 0 };
	enum err_code code = ready(err);
	if (code)
		return code;
	if (len != DATA_KEY_BOX_BYTES ||
	    crypto_box_seal_open(key.bytes, box, len, recipient->public_half.bytes, recipient->private_half) != 0)
		return err_set(err, ERR_CORRUPT, "the file's key was changed, or it is sealed to another user");
	*ret = key;
	return ERR_OK;
}

enum err_code public_key_fingerprint(const struct public_key *key, char ret[KEY_FINGERPRINT_SIZE], struct err *err)
{
	char hex[SHA256_HEX_SIZE];
	cleanup_sha256 struct sha256 *hash = NULL;
	enum err_code code = sha256_new(&hash, err);
	if (!code)
		code = sha256_add(hash, key->bytes, sizeof key->bytes, err);
	if (!code)
		code = sha256_finish(hash, hex, err);
	if (!code)
		(void)snprintf(ret, KEY_FINGERPRINT_SIZE, "SHA256:%s", hex);
	return code;
}

/* -- rotation ------------------------------------------------------------------------------------ */

static enum err_code rewrap(const struct master_key *from, const struct master_key *to, struct user_key_row *row,
			    struct err *err)
{
	cleanup_user_key struct user_key key = { 0 };
	enum err_code code =
		user_key_unwrap(row->wrapped, sizeof row->wrapped, from, row->user_id, &row->public_half, &key, err);
	return code ? code : user_key_wrap(&key, to, row->user_id, row->wrapped, err);
}

enum err_code keys_rotate(const struct master_key *from, const struct master_key *to,
			  const struct keys_rotation *rotation, uint64_t *ret_count, struct err *err)
{
	uint64_t count = 0;
	if (to->version <= from->version)
		return err_set(err, ERR_INVALID,
			       "the new master key has version %" PRIu32 "; it must be above %" PRIu32, to->version,
			       from->version);
	for (;;) {
		struct user_key_row row;
		uint32_t version;
		bool end = false;
		enum err_code code = rotation->next(rotation->owner, &row, &end, err);
		if (code)
			return code;
		if (end)
			break;
		code = user_key_wrapped_version(row.wrapped, sizeof row.wrapped, &version, err);
		if (!code && version == to->version)
			continue;
		if (!code)
			code = rewrap(from, to, &row, err);
		if (!code)
			code = rotation->store(rotation->owner, &row, err);
		if (code)
			return code;
		count++;
	}
	*ret_count = count;
	return ERR_OK;
}
