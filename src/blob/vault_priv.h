/*
 * The parts that the vault's writer and reader share: the format (vault_format.c) and one frame (vault_frame.c).
 * README.md has the format byte by byte.
 */
#ifndef TIRO_BLOB_VAULT_PRIV_H
#define TIRO_BLOB_VAULT_PRIV_H

#include "blob/crypt_priv.h"
#include "blob/vault.h"

enum {
	VAULT_FRAME_BITS = 16,
	VAULT_FRAME_BYTES = 1 << VAULT_FRAME_BITS,
	VAULT_SEALED_MAX = VAULT_FRAME_BYTES + CRYPT_TAG_BYTES,
	VAULT_SALT_BYTES = 32,
	VAULT_HASH_BYTES = 32,
	/* What the header binds into the key: all before the salt. */
	VAULT_BOUND_BYTES = 32,
	VAULT_HEADER_BYTES = VAULT_BOUND_BYTES + VAULT_SALT_BYTES + CRYPT_KEY_BYTES,
	VAULT_TRAILER_BYTES = 16,
	VAULT_ENTRY_BYTES = 4
};

/* An index entry: the sealed size of a frame, and this bit where it is compressed. */
#define VAULT_COMPRESSED ((uint32_t)1 << 31)

/* -- format -------------------------------------------------------------------------------------- */

struct vault_header {
	unsigned algorithm;
	unsigned char object_id[KEY_ID_BYTES];
	unsigned char salt[VAULT_SALT_BYTES];
	unsigned char commitment[CRYPT_KEY_BYTES];
};

void vault_header_pack(const struct vault_header *header, unsigned char ret[VAULT_HEADER_BYTES]);
/* Errors: ERR_CORRUPT; a later version and an unknown algorithm are named. */
enum err_code vault_header_unpack(const unsigned char bytes[VAULT_HEADER_BYTES], struct vault_header *ret,
				  struct err *err) MUST_CHECK;

/* Derives the cipher's key and the commitment to it from the data key, by all of the header but the commitment. */
enum err_code vault_derive(const struct vault_header *header, const struct data_key *data_key,
			   unsigned char ret_key[CRYPT_KEY_BYTES], unsigned char ret_commitment[CRYPT_KEY_BYTES],
			   struct err *err) MUST_CHECK;

void vault_trailer_pack(uint64_t plain_bytes, unsigned char ret[VAULT_TRAILER_BYTES]);
/* `stored_bytes` is the size of the whole object, which must have room for the index. Errors: ERR_CORRUPT. */
enum err_code vault_trailer_unpack(const unsigned char bytes[VAULT_TRAILER_BYTES], uint64_t stored_bytes,
				   uint64_t *ret_plain_bytes, struct err *err) MUST_CHECK;

/* Frames of that many bytes of plaintext, and the bytes of their index before it is sealed. */
uint64_t vault_frames(uint64_t plain_bytes);
size_t vault_index_bytes(uint64_t plain_bytes);
/* The plaintext bytes of frame `number`, which is below vault_frames. */
size_t vault_frame_plain(uint64_t plain_bytes, uint64_t number);

/* Where each frame begins in the object; the top bit is set where it is compressed. One more entry than frames. */
#define VAULT_START_COMPRESSED ((uint64_t)1 << 63)

/*
 * Turns an index (without the hash before it) into starts, which has room for vault_frames + 1. The sizes must add up
 * to `stored_bytes`. Errors: ERR_CORRUPT.
 */
enum err_code vault_index_unpack(const unsigned char *entries, uint64_t plain_bytes, uint64_t stored_bytes,
				 uint64_t *ret_starts, struct err *err) MUST_CHECK;

/* -- one frame ----------------------------------------------------------------------------------- */

/* Seals or opens the frames of one object; one thread at a time. */
struct vault_codec;

enum err_code vault_codec_new(unsigned algorithm, const unsigned char key[CRYPT_KEY_BYTES], struct vault_codec **ret,
			      struct err *err) MUST_CHECK;
void vault_codec_free(struct vault_codec *codec);

struct vault_frame {
	uint64_t number;
	bool final; /* the last of its object */
	bool compressed;
};

/*
 * Compresses (if `compress` and that helps) and seals up to VAULT_FRAME_BYTES, more than 0; `out` has room for
 * VAULT_SEALED_MAX. *ret_entry is the frame's in the index. `frame->compressed` is ignored.
 */
enum err_code vault_frame_seal(struct vault_codec *codec, const struct vault_frame *frame, bool compress,
			       struct crypt_bytes plain, unsigned char *out, uint32_t *ret_entry, struct err *err)
	MUST_CHECK;
/* Opens a frame of exactly `plain_len` bytes. Errors: ERR_CORRUPT; then `out` holds nothing of use. */
enum err_code vault_frame_open(struct vault_codec *codec, const struct vault_frame *frame, struct crypt_bytes sealed,
			       unsigned char *out, size_t plain_len, struct err *err) MUST_CHECK;

/* The index, with the trailer bound in. Sizes as crypt_seal and crypt_open. */
enum err_code vault_index_seal(struct vault_codec *codec, const unsigned char trailer[VAULT_TRAILER_BYTES],
			       struct crypt_bytes index, unsigned char *out, struct err *err) MUST_CHECK;
enum err_code vault_index_open(struct vault_codec *codec, const unsigned char trailer[VAULT_TRAILER_BYTES],
			       struct crypt_bytes sealed, unsigned char *out, struct err *err) MUST_CHECK;

#endif
