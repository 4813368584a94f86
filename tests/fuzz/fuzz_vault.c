/*
 * A sealed object of any bytes: the parsers of its header, trailer and index, which see foreign sizes before anything
 * is authenticated, and then the reader itself over objects whose index is made authentic, so that frames are reached.
 * The first byte chooses: an object as it is, or frames' sizes and bytes that are sealed into one here.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "blob/memory.h"
#include "blob/vault_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PLAIN_MAX = 1 << 20 };

static const struct data_key data_key = { { 1 } };

static void store(struct blob_store *objects, const void *bytes, size_t len)
{
	struct err err;
	struct blob_put *put;
	if (blob_put_begin(objects, "a", &put, &err))
		abort();
	if (blob_put_write(put, bytes, len, &err) || blob_put_commit(put, &err))
		abort();
}

/* Opens and reads the object: whatever it says, memory stays sound and sizes stay within the buffer. */
static void read_all(struct blob_store *objects)
{
	const struct vault_place place = { .store = objects, .key = "a", .data_key = &data_key };
	cleanup_vault_reader struct vault_reader *reader = NULL;
	struct err err;
	if (vault_open(&place, &reader, &err))
		return;
	uint64_t plain_bytes = vault_reader_info(reader)->plain_bytes;
	size_t room = plain_bytes < PLAIN_MAX ? (size_t)plain_bytes + 1 : PLAIN_MAX, len = 0;
	unsigned char *plain = malloc(room);
	if (plain && !vault_read(reader, (struct blob_range){ 0, room }, plain, &len, &err))
		assert(len <= room && len <= plain_bytes);
	free(plain);
}

static void parse_parts(const uint8_t *data, size_t size)
{
	struct err err;
	struct vault_header header;
	uint64_t plain_bytes;
	if (size >= VAULT_HEADER_BYTES && !vault_header_unpack(data, &header, &err)) {
		unsigned char again[VAULT_HEADER_BYTES];
		vault_header_pack(&header, again);
		assert(memcmp(data, again, sizeof again) == 0);
	}
	if (size < VAULT_TRAILER_BYTES || vault_trailer_unpack(data, size, &plain_bytes, &err))
		return;
	size_t index_bytes = vault_index_bytes(plain_bytes);
	assert(index_bytes < size);
	uint64_t *starts = malloc((size_t)(vault_frames(plain_bytes) + 1) * sizeof *starts);
	if (starts && !vault_index_unpack(data + VAULT_HASH_BYTES, plain_bytes, size, starts, &err))
		assert(starts[vault_frames(plain_bytes)] < size);
	free(starts);
}

/* The input is: plaintext bytes (3), one entry a frame (4 each), then the bytes of the frames, which are not sealed. */
static void read_made(struct blob_store *objects, const uint8_t *data, size_t size)
{
	struct err err;
	struct vault_header header = { .algorithm = CRYPT_AES_256_GCM };
	unsigned char key[CRYPT_KEY_BYTES], trailer[VAULT_TRAILER_BYTES];
	struct vault_codec *codec;
	if (size < 3)
		return;
	uint64_t plain_bytes = (uint64_t)data[0] << 16 | (uint64_t)data[1] << 8 | data[2];
	size_t entries = (size_t)vault_frames(plain_bytes) * VAULT_ENTRY_BYTES, len = VAULT_HASH_BYTES + entries;
	if (size - 3 < entries)
		return;
	size_t body = size - 3 - entries,
	       total = VAULT_HEADER_BYTES + body + len + CRYPT_TAG_BYTES + VAULT_TRAILER_BYTES;
	unsigned char *object = calloc(1, total), *index = calloc(1, len);
	if (!object || !index || vault_derive(&header, &data_key, key, header.commitment, &err) ||
	    vault_codec_new(header.algorithm, key, &codec, &err))
		abort();
	vault_header_pack(&header, object);
	memcpy(object + VAULT_HEADER_BYTES, data + 3 + entries, body);
	memcpy(index + VAULT_HASH_BYTES, data + 3, entries);
	vault_trailer_pack(plain_bytes, trailer);
	if (vault_index_seal(codec, trailer, (struct crypt_bytes){ index, len }, object + VAULT_HEADER_BYTES + body,
			     &err))
		abort();
	memcpy(object + total - VAULT_TRAILER_BYTES, trailer, sizeof trailer);
	vault_codec_free(codec);
	store(objects, object, total);
	read_all(objects);
	free(object);
	free(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err;
	struct blob_store *objects;
	if (size == 0 || blob_memory_open((uint64_t)64 << 20, &objects, &err))
		return 0;
	parse_parts(data + 1, size - 1);
	if (data[0] % 2 == 0) {
		store(objects, data + 1, size - 1);
		read_all(objects);
	} else {
		read_made(objects, data + 1, size - 1);
	}
	blob_close(objects);
	return 0;
}
