#include <string.h>

#include "base/secret.h"
#include "blob/vault_priv.h"

enum {
	/* Sealed bytes that are fetched in one go, where reads follow each other or ask for so much: an object store
	 * answers a request in some 20 ms, in which a network moves a megabyte. */
	WINDOW_FRAMES = 16,
	WINDOW_BYTES = WINDOW_FRAMES * VAULT_SEALED_MAX,
	/* Fetched at once from the end, where the index is: enough for objects of up to 1 GiB. */
	TAIL_BYTES = 64 * 1024 + 256
};

#define NO_FRAME UINT64_MAX

struct vault_reader {
	struct blob_store *store;
	char key[BLOB_KEY_MAX + 1];
	struct vault_codec *codec;
	struct vault_info info;
	uint64_t frames;
	uint64_t *starts; /* see vault_priv.h */
	unsigned char *window; /* sealed frames window_first ... window_end - 1 */
	uint64_t window_first, window_end;
	unsigned char *plain; /* the plaintext of one frame; VAULT_FRAME_BYTES, from secret_alloc */
	uint64_t plain_frame; /* its number, or NO_FRAME */
	uint64_t next_frame; /* the one after the last that was opened */
};

static uint64_t start_of(const struct vault_reader *r, uint64_t frame)
{
	return r->starts[frame] & ~VAULT_START_COMPRESSED;
}

/* Names the object in front of a message that says what is wrong with it. */
static enum err_code named(const struct vault_reader *r, enum err_code code, struct err *err)
{
	if (code == ERR_CORRUPT)
		(void)err_prefix(err, "the object \"%s\" cannot be opened", r->key);
	return code;
}

/* Reads exactly so many bytes. */
static enum err_code fetch(const struct vault_reader *r, struct blob_range range, void *buffer, struct err *err)
{
	size_t len;
	enum err_code code = blob_get(r->store, r->key, range, buffer, &len, err);
	if (!code && len != range.len)
		code = err_set(err, ERR_CORRUPT, "it ends early");
	return code;
}

/* -- opening ------------------------------------------------------------------------------------- */

static enum err_code open_header(struct vault_reader *r, const struct vault_place *place, struct err *err)
{
	unsigned char bytes[VAULT_HEADER_BYTES], key[CRYPT_KEY_BYTES], commitment[CRYPT_KEY_BYTES];
	struct vault_header header;
	enum err_code code = fetch(r, (struct blob_range){ 0, sizeof bytes }, bytes, err);
	if (!code)
		code = vault_header_unpack(bytes, &header, err);
	if (code)
		return code;
	if (memcmp(header.object_id, place->object_id, sizeof header.object_id) != 0)
		return err_set(err, ERR_CORRUPT, "it is another object");
	code = vault_derive(&header, place->data_key, key, commitment, err);
	if (!code && !secret_equal(commitment, header.commitment, sizeof commitment))
		code = err_set(err, ERR_CORRUPT, "it was changed, or the key is another");
	if (!code)
		code = vault_codec_new(header.algorithm, key, &r->codec, err);
	secret_wipe(key, sizeof key);
	return code;
}

static enum err_code unpack_index(struct vault_reader *r, const unsigned char *index, struct err *err)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < VAULT_HASH_BYTES; i++) {
		r->info.sha256[2 * i] = digits[index[i] >> 4];
		r->info.sha256[2 * i + 1] = digits[index[i] & 15];
	}
	r->info.sha256[SHA256_HEX_SIZE - 1] = '\0';
	r->frames = vault_frames(r->info.plain_bytes);
	r->starts = malloc((size_t)(r->frames + 1) * sizeof *r->starts);
	if (!r->starts)
		return err_set(err, ERR_NO_MEMORY, "no memory for the index of a sealed object");
	return vault_index_unpack(index + VAULT_HASH_BYTES, r->info.plain_bytes, r->info.stored_bytes, r->starts, err);
}

/* Opens the index, which lies before the trailer: in `tail`, the last `tail_len` bytes of the object, or in a read
 * more. */
static enum err_code open_index(struct vault_reader *r, const unsigned char *tail, size_t tail_len, struct err *err)
{
	const unsigned char *trailer = tail + tail_len - VAULT_TRAILER_BYTES;
	enum err_code code = vault_trailer_unpack(trailer, r->info.stored_bytes, &r->info.plain_bytes, err);
	if (code)
		return code;
	size_t len = vault_index_bytes(r->info.plain_bytes), sealed_len = len + CRYPT_TAG_BYTES;
	cleanup_free unsigned char *index = malloc(len);
	cleanup_free unsigned char *fetched = NULL;
	const unsigned char *sealed = NULL;
	if (sealed_len + VAULT_TRAILER_BYTES <= tail_len) {
		sealed = trailer - sealed_len;
	} else {
		struct blob_range range = { r->info.stored_bytes - VAULT_TRAILER_BYTES - sealed_len, sealed_len };
		sealed = fetched = malloc(sealed_len);
		code = fetched ? fetch(r, range, fetched, err) : ERR_OK;
	}
	if (code)
		return code;
	if (!index || !sealed)
		return err_set(err, ERR_NO_MEMORY, "no memory for the index of a sealed object");
	code = vault_index_open(r->codec, trailer, (struct crypt_bytes){ sealed, sealed_len }, index, err);
	return code ? code : unpack_index(r, index, err);
}

static enum err_code open_object(struct vault_reader *r, const struct vault_place *place, struct err *err)
{
	enum err_code code = blob_size(r->store, r->key, &r->info.stored_bytes, err);
	if (code)
		return code;
	size_t least = VAULT_HEADER_BYTES + vault_index_bytes(0) + CRYPT_TAG_BYTES + VAULT_TRAILER_BYTES;
	if (r->info.stored_bytes < least)
		return err_set(err, ERR_CORRUPT, "it ends early");
	uint64_t behind = r->info.stored_bytes - VAULT_HEADER_BYTES;
	size_t tail_len = behind < TAIL_BYTES ? (size_t)behind : TAIL_BYTES;
	cleanup_free unsigned char *tail = malloc(tail_len);
	if (!tail)
		return err_set(err, ERR_NO_MEMORY, "no memory for a sealed object");
	code = open_header(r, place, err);
	if (!code)
		code = fetch(r, (struct blob_range){ r->info.stored_bytes - tail_len, tail_len }, tail, err);
	return code ? code : open_index(r, tail, tail_len, err);
}

enum err_code vault_open(const struct vault_place *place, struct vault_reader **ret, struct err *err)
{
	if (!blob_key_valid(place->key))
		return err_set(err, ERR_INVALID, "\"%.40s\" is not the key of an object", place->key);
	struct vault_reader *r = calloc(1, sizeof *r);
	if (!r)
		return err_set(err, ERR_NO_MEMORY, "no memory for a sealed object");
	r->store = place->store;
	memcpy(r->key, place->key, strlen(place->key) + 1);
	r->plain_frame = NO_FRAME;
	enum err_code code = named(r, open_object(r, place, err), err);
	if (code)
		vault_close(r);
	else
		*ret = r;
	return code;
}

void vault_close(struct vault_reader *reader)
{
	if (!reader)
		return;
	vault_codec_free(reader->codec);
	secret_free(reader->plain, VAULT_FRAME_BYTES);
	free(reader->window);
	free(reader->starts);
	free(reader);
}

const struct vault_info *vault_reader_info(const struct vault_reader *reader)
{
	return &reader->info;
}

/* -- reading ------------------------------------------------------------------------------------- */

static enum err_code make_buffers(struct vault_reader *r, struct err *err)
{
	uint64_t all = start_of(r, r->frames) - VAULT_HEADER_BYTES;
	if (!r->window)
		r->window = malloc(all < WINDOW_BYTES ? (size_t)all : WINDOW_BYTES);
	if (!r->plain)
		r->plain = secret_alloc(VAULT_FRAME_BYTES);
	return r->window && r->plain ? ERR_OK : err_set(err, ERR_NO_MEMORY, "no memory for a sealed object");
}

/* Brings `frame` into the window, and those up to `last` or, where reads follow each other, as many as it holds. */
static enum err_code fill_window(struct vault_reader *r, uint64_t frame, uint64_t last, struct err *err)
{
	if (frame >= r->window_first && frame < r->window_end)
		return ERR_OK;
	uint64_t end = frame == r->next_frame ? frame + WINDOW_FRAMES : last + 1;
	end = end > frame + WINDOW_FRAMES ? frame + WINDOW_FRAMES : end;
	end = end > r->frames ? r->frames : end;
	struct blob_range range = { start_of(r, frame), (size_t)(start_of(r, end) - start_of(r, frame)) };
	r->window_first = r->window_end = 0;
	enum err_code code = fetch(r, range, r->window, err);
	if (code)
		return code;
	r->window_first = frame;
	r->window_end = end;
	return ERR_OK;
}

/* Opens a frame of the window into `out`, which has room for its plaintext. */
static enum err_code open_frame(struct vault_reader *r, uint64_t number, unsigned char *out, struct err *err)
{
	struct vault_frame frame = { .number = number,
				     .final = number == r->frames - 1,
				     .compressed = (r->starts[number] & VAULT_START_COMPRESSED) != 0 };
	struct crypt_bytes sealed = { r->window + (start_of(r, number) - start_of(r, r->window_first)),
				      (size_t)(start_of(r, number + 1) - start_of(r, number)) };
	enum err_code code =
		vault_frame_open(r->codec, &frame, sealed, out, vault_frame_plain(r->info.plain_bytes, number), err);
	r->next_frame = number + 1;
	return code;
}

/* Copies the part [skip, skip + len) of a frame; a whole frame is opened where it goes. */
static enum err_code read_frame(struct vault_reader *r, uint64_t number, struct blob_range part, unsigned char *out,
				struct err *err)
{
	if (r->plain_frame != number && part.offset == 0 && part.len == vault_frame_plain(r->info.plain_bytes, number))
		return open_frame(r, number, out, err);
	if (r->plain_frame != number) {
		r->plain_frame = NO_FRAME;
		enum err_code code = open_frame(r, number, r->plain, err);
		if (code)
			return code;
		r->plain_frame = number;
	}
	memcpy(out, r->plain + part.offset, part.len);
	return ERR_OK;
}

enum err_code vault_read(struct vault_reader *reader, struct blob_range range, void *buffer, size_t *ret_len,
			 struct err *err)
{
	struct vault_reader *r = reader;
	uint64_t size = r->info.plain_bytes, offset = range.offset < size ? range.offset : size;
	size_t len = size - offset < range.len ? (size_t)(size - offset) : range.len, done = 0;
	enum err_code code = len > 0 ? make_buffers(r, err) : ERR_OK;
	uint64_t last = len > 0 ? (offset + len - 1) / VAULT_FRAME_BYTES : 0;
	while (done < len && !code) {
		uint64_t number = (offset + done) / VAULT_FRAME_BYTES;
		struct blob_range part = { (offset + done) % VAULT_FRAME_BYTES, len - done };
		if (part.len > VAULT_FRAME_BYTES - part.offset)
			part.len = (size_t)(VAULT_FRAME_BYTES - part.offset);
		if (r->plain_frame != number)
			code = fill_window(r, number, last, err);
		if (!code)
			code = read_frame(r, number, part, (unsigned char *)buffer + done, err);
		done += part.len;
	}
	if (code)
		return named(r, code, err);
	*ret_len = len;
	return ERR_OK;
}
