/* Allocators of our own, by which zstd's tables, which hold plaintext, are wiped. */
#define ZSTD_STATIC_LINKING_ONLY

#include <string.h>
#include <zstd.h>

#include "base/secret.h"
#include "blob/vault_priv.h"

enum {
	LEVEL = 1,
	/* Compression counts as a help where it saves this part of a frame, 1/16: what it costs is a second pass at
	 * reading. MP3 loses 10 % and is better named as coded. */
	SAVED_PART = 16,
	/* After that many frames in a row that it did not help, it is tried on every 16th only. */
	PATIENCE = 4,
	RETRY_EVERY = 16
};

/* First bytes of a nonce: a frame and the index are never sealed under the same one. */
enum domain { DOMAIN_FRAME = 0, DOMAIN_INDEX = 1 };

enum { FLAG_COMPRESSED = 1, FLAG_FINAL = 2, AAD_BYTES = 5 };

struct vault_codec {
	struct crypt_aead *aead;
	ZSTD_CCtx *compressor; /* made when first needed, like the next */
	ZSTD_DCtx *decompressor;
	unsigned char *scratch; /* a compressed frame; VAULT_FRAME_BYTES */
	unsigned useless; /* frames in a row that were not worth compressing */
};

/* -- memory of zstd ------------------------------------------------------------------------------ */

/* The size stands before the block, which stays aligned. */
enum { BLOCK_HEAD = 64 };

static void *block_new(void *opaque, size_t size)
{
	(void)opaque;
	unsigned char *block = size <= SIZE_MAX - BLOCK_HEAD ? secret_alloc(size + BLOCK_HEAD) : NULL;
	if (!block)
		return NULL;
	memcpy(block, &size, sizeof size);
	return block + BLOCK_HEAD;
}

static void block_free(void *opaque, void *address)
{
	(void)opaque;
	size_t size;
	if (!address)
		return;
	unsigned char *block = (unsigned char *)address - BLOCK_HEAD;
	memcpy(&size, block, sizeof size);
	secret_free(block, size + BLOCK_HEAD);
}

static const ZSTD_customMem wiped = { block_new, block_free, NULL };

/* -- codec --------------------------------------------------------------------------------------- */

static enum err_code no_memory(struct err *err)
{
	return err_set(err, ERR_NO_MEMORY, "no memory for a sealed object");
}

enum err_code vault_codec_new(unsigned algorithm, const unsigned char key[CRYPT_KEY_BYTES], struct vault_codec **ret,
			      struct err *err)
{
	struct vault_codec *codec = calloc(1, sizeof *codec);
	if (!codec)
		return no_memory(err);
	enum err_code code = crypt_aead_new(algorithm, key, &codec->aead, err);
	codec->scratch = secret_alloc(VAULT_FRAME_BYTES);
	if (!code && !codec->scratch)
		code = no_memory(err);
	if (code)
		vault_codec_free(codec);
	else
		*ret = codec;
	return code;
}

void vault_codec_free(struct vault_codec *codec)
{
	if (!codec)
		return;
	crypt_aead_free(codec->aead);
	(void)ZSTD_freeCCtx(codec->compressor);
	(void)ZSTD_freeDCtx(codec->decompressor);
	secret_free(codec->scratch, VAULT_FRAME_BYTES);
	free(codec);
}

static void make_nonce(enum domain domain, uint64_t number, unsigned char ret[CRYPT_NONCE_BYTES])
{
	put_be32(ret, domain);
	put_be64(ret + 4, number);
}

static void make_aad(const struct vault_frame *frame, size_t plain_len, unsigned char ret[AAD_BYTES])
{
	ret[0] = (unsigned char)((frame->compressed ? FLAG_COMPRESSED : 0) | (frame->final ? FLAG_FINAL : 0));
	put_be32(ret + 1, (uint32_t)plain_len);
}

/* The compressed size, in the scratch; 0 where it did not help or there is no memory, which is no reason to fail. */
static size_t try_compress(struct vault_codec *codec, uint64_t number, struct crypt_bytes plain)
{
	if (codec->useless >= PATIENCE && number % RETRY_EVERY != 0)
		return 0;
	if (!codec->compressor) {
		codec->compressor = ZSTD_createCCtx_advanced(wiped);
		if (!codec->compressor)
			return 0;
		(void)ZSTD_CCtx_setParameter(codec->compressor, ZSTD_c_compressionLevel, LEVEL);
		/* The size is known from the object's. */
		(void)ZSTD_CCtx_setParameter(codec->compressor, ZSTD_c_contentSizeFlag, 0);
	}
	size_t room = plain.len - plain.len / SAVED_PART;
	size_t len = ZSTD_compress2(codec->compressor, codec->scratch, room, plain.bytes, plain.len);
	bool helped = !ZSTD_isError(len) && len < plain.len;
	codec->useless = helped ? 0 : codec->useless + 1;
	return helped ? len : 0;
}

enum err_code vault_frame_seal(struct vault_codec *codec, const struct vault_frame *frame, bool compress,
			       struct crypt_bytes plain, unsigned char *out, uint32_t *ret_entry, struct err *err)
{
	unsigned char nonce[CRYPT_NONCE_BYTES], aad[AAD_BYTES];
	size_t compressed_len = compress ? try_compress(codec, frame->number, plain) : 0;
	struct vault_frame sealed = { frame->number, frame->final, compressed_len > 0 };
	struct crypt_bytes in = plain;
	if (sealed.compressed)
		in = (struct crypt_bytes){ codec->scratch, compressed_len };
	make_nonce(DOMAIN_FRAME, frame->number, nonce);
	make_aad(&sealed, plain.len, aad);
	enum err_code code = crypt_seal(codec->aead, nonce, (struct crypt_bytes){ aad, sizeof aad }, in, out, err);
	if (!code)
		*ret_entry = (uint32_t)(in.len + CRYPT_TAG_BYTES) | (sealed.compressed ? VAULT_COMPRESSED : 0);
	return code;
}

static enum err_code decompress(struct vault_codec *codec, size_t compressed_len, unsigned char *out, size_t plain_len,
				struct err *err)
{
	if (!codec->decompressor)
		codec->decompressor = ZSTD_createDCtx_advanced(wiped);
	if (!codec->decompressor)
		return no_memory(err);
	size_t len = ZSTD_decompressDCtx(codec->decompressor, out, plain_len, codec->scratch, compressed_len);
	if (ZSTD_isError(len) || len != plain_len)
		return err_set(err, ERR_CORRUPT, "a part of it cannot be decompressed");
	return ERR_OK;
}

enum err_code vault_frame_open(struct vault_codec *codec, const struct vault_frame *frame, struct crypt_bytes sealed,
			       unsigned char *out, size_t plain_len, struct err *err)
{
	unsigned char nonce[CRYPT_NONCE_BYTES], aad[AAD_BYTES];
	/* The index was checked for this (vault_index_unpack); a frame must never meet a smaller buffer. */
	size_t room = frame->compressed ? VAULT_FRAME_BYTES : plain_len;
	if (sealed.len < CRYPT_TAG_BYTES || sealed.len - CRYPT_TAG_BYTES > room || plain_len > VAULT_FRAME_BYTES)
		return err_set(err, ERR_CORRUPT, "a part of it has an impossible size");
	make_nonce(DOMAIN_FRAME, frame->number, nonce);
	make_aad(frame, plain_len, aad);
	enum err_code code = crypt_open(codec->aead, nonce, (struct crypt_bytes){ aad, sizeof aad }, sealed,
					frame->compressed ? codec->scratch : out, err);
	if (code || !frame->compressed)
		return code;
	return decompress(codec, sealed.len - CRYPT_TAG_BYTES, out, plain_len, err);
}

enum err_code vault_index_seal(struct vault_codec *codec, const unsigned char trailer[VAULT_TRAILER_BYTES],
			       struct crypt_bytes index, unsigned char *out, struct err *err)
{
	unsigned char nonce[CRYPT_NONCE_BYTES];
	make_nonce(DOMAIN_INDEX, 0, nonce);
	return crypt_seal(codec->aead, nonce, (struct crypt_bytes){ trailer, VAULT_TRAILER_BYTES }, index, out, err);
}

enum err_code vault_index_open(struct vault_codec *codec, const unsigned char trailer[VAULT_TRAILER_BYTES],
			       struct crypt_bytes sealed, unsigned char *out, struct err *err)
{
	unsigned char nonce[CRYPT_NONCE_BYTES];
	make_nonce(DOMAIN_INDEX, 0, nonce);
	return crypt_open(codec->aead, nonce, (struct crypt_bytes){ trailer, VAULT_TRAILER_BYTES }, sealed, out, err);
}
