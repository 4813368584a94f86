#include <string.h>

#include "base/secret.h"
#include "blob/vault_priv.h"

enum {
	VERSION = 1,
	MAGIC_BYTES = 8,
	VERSION_AT = 8,
	ALGORITHM_AT = 9,
	FRAME_BITS_AT = 10,
	ID_AT = 16,
	SALT_AT = VAULT_BOUND_BYTES,
	COMMITMENT_AT = SALT_AT + VAULT_SALT_BYTES,
	END_AT = 8
};

static const unsigned char magic[MAGIC_BYTES] = { 't', 'i', 'r', 'o', 'v', 'a', 'l', 't' };
static const unsigned char end_magic[MAGIC_BYTES] = { 't', 'i', 'r', 'o', 'e', 'n', 'd', '1' };
static const char key_info[] = "tiro 1 vault";

/* All that the key depends on; the reserved bytes are zeros. */
static void pack_bound(const struct vault_header *header, unsigned char ret[VAULT_BOUND_BYTES])
{
	memset(ret, 0, VAULT_BOUND_BYTES);
	memcpy(ret, magic, sizeof magic);
	ret[VERSION_AT] = VERSION;
	ret[ALGORITHM_AT] = (unsigned char)header->algorithm;
	ret[FRAME_BITS_AT] = VAULT_FRAME_BITS;
	memcpy(ret + ID_AT, header->object_id, KEY_ID_BYTES);
}

void vault_header_pack(const struct vault_header *header, unsigned char ret[VAULT_HEADER_BYTES])
{
	pack_bound(header, ret);
	memcpy(ret + SALT_AT, header->salt, VAULT_SALT_BYTES);
	memcpy(ret + COMMITMENT_AT, header->commitment, CRYPT_KEY_BYTES);
}

enum err_code vault_header_unpack(const unsigned char bytes[VAULT_HEADER_BYTES], struct vault_header *ret,
				  struct err *err)
{
	struct vault_header header = { .algorithm = bytes[ALGORITHM_AT] };
	unsigned char again[VAULT_BOUND_BYTES];
	if (memcmp(bytes, magic, sizeof magic) != 0)
		return err_set(err, ERR_CORRUPT, "it is not a sealed object");
	if (bytes[VERSION_AT] != VERSION)
		return err_set(err, ERR_CORRUPT, "it has format %u, which this version of tiro does not know",
			       bytes[VERSION_AT]);
	if (header.algorithm != CRYPT_AES_256_GCM && header.algorithm != CRYPT_CHACHA20_POLY1305)
		return err_set(err, ERR_CORRUPT, "it names cipher %u, which does not exist", header.algorithm);
	memcpy(header.object_id, bytes + ID_AT, KEY_ID_BYTES);
	memcpy(header.salt, bytes + SALT_AT, VAULT_SALT_BYTES);
	memcpy(header.commitment, bytes + COMMITMENT_AT, CRYPT_KEY_BYTES);
	pack_bound(&header, again);
	if (memcmp(bytes, again, sizeof again) != 0)
		return err_set(err, ERR_CORRUPT, "its header is damaged");
	*ret = header;
	return ERR_OK;
}

/* HKDF gives the key and a commitment to it in one: whoever finds two data keys for one commitment has found a
 * collision of SHA-256. AES-GCM and ChaCha20-Poly1305 alone commit to no key. */
enum err_code vault_derive(const struct vault_header *header, const struct data_key *data_key,
			   unsigned char ret_key[CRYPT_KEY_BYTES], unsigned char ret_commitment[CRYPT_KEY_BYTES],
			   struct err *err)
{
	unsigned char info[sizeof key_info - 1 + VAULT_BOUND_BYTES], both[2 * CRYPT_KEY_BYTES];
	memcpy(info, key_info, sizeof key_info - 1);
	pack_bound(header, info + sizeof key_info - 1);
	enum err_code code = crypt_hkdf((struct crypt_bytes){ data_key->bytes, sizeof data_key->bytes },
					(struct crypt_bytes){ header->salt, sizeof header->salt },
					(struct crypt_bytes){ info, sizeof info }, both, sizeof both, err);
	if (code)
		return code;
	memcpy(ret_key, both, CRYPT_KEY_BYTES);
	memcpy(ret_commitment, both + CRYPT_KEY_BYTES, CRYPT_KEY_BYTES);
	secret_wipe(both, sizeof both);
	return ERR_OK;
}

uint64_t vault_frames(uint64_t plain_bytes)
{
	return plain_bytes / VAULT_FRAME_BYTES + (plain_bytes % VAULT_FRAME_BYTES > 0);
}

size_t vault_index_bytes(uint64_t plain_bytes)
{
	return VAULT_HASH_BYTES + (size_t)vault_frames(plain_bytes) * VAULT_ENTRY_BYTES;
}

size_t vault_frame_plain(uint64_t plain_bytes, uint64_t number)
{
	uint64_t left = plain_bytes - number * VAULT_FRAME_BYTES;
	return left < VAULT_FRAME_BYTES ? (size_t)left : VAULT_FRAME_BYTES;
}

void vault_trailer_pack(uint64_t plain_bytes, unsigned char ret[VAULT_TRAILER_BYTES])
{
	put_be64(ret, plain_bytes);
	memcpy(ret + END_AT, end_magic, sizeof end_magic);
}

enum err_code vault_trailer_unpack(const unsigned char bytes[VAULT_TRAILER_BYTES], uint64_t stored_bytes,
				   uint64_t *ret_plain_bytes, struct err *err)
{
	uint64_t plain_bytes = get_be64(bytes);
	if (memcmp(bytes + END_AT, end_magic, sizeof end_magic) != 0)
		return err_set(err, ERR_CORRUPT, "its end is missing or damaged");
	/* The plaintext may be larger than the object, but the index has an entry for every frame. */
	if (plain_bytes > VAULT_PLAIN_MAX ||
	    vault_index_bytes(plain_bytes) + VAULT_HEADER_BYTES + CRYPT_TAG_BYTES + VAULT_TRAILER_BYTES > stored_bytes)
		return err_set(err, ERR_CORRUPT, "its end names an impossible size");
	*ret_plain_bytes = plain_bytes;
	return ERR_OK;
}

enum err_code vault_index_unpack(const unsigned char *entries, uint64_t plain_bytes, uint64_t stored_bytes,
				 uint64_t *ret_starts, struct err *err)
{
	uint64_t frames = vault_frames(plain_bytes), at = VAULT_HEADER_BYTES;
	for (uint64_t i = 0; i < frames; i++) {
		uint32_t entry = get_be32(entries + i * VAULT_ENTRY_BYTES), sealed = entry & ~VAULT_COMPRESSED;
		size_t stored = vault_frame_plain(plain_bytes, i) + CRYPT_TAG_BYTES;
		bool compressed = (entry & VAULT_COMPRESSED) != 0;
		if (compressed ? sealed <= CRYPT_TAG_BYTES || sealed >= stored : sealed != stored)
			return err_set(err, ERR_CORRUPT, "its index names an impossible size");
		ret_starts[i] = at | (compressed ? VAULT_START_COMPRESSED : 0);
		at += sealed;
	}
	ret_starts[frames] = at;
	if (at + vault_index_bytes(plain_bytes) + CRYPT_TAG_BYTES + VAULT_TRAILER_BYTES != stored_bytes)
		return err_set(err, ERR_CORRUPT, "its index does not fit its size");
	return ERR_OK;
}
