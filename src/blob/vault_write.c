#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>

#include "base/secret.h"
#include "blob/vault_priv.h"

/*
 * Two threads share the work of a large object: the caller's hashes and stores, the other compresses and encrypts; one
 * alone would reach two thirds of their speed. Plaintext is handed over in slots of a few frames, so that a hand-over
 * costs nothing beside the work; slots go round in a ring: filled, submitted, sealed, stored.
 */
enum {
	SLOT_FRAMES = 4,
	SLOT_PLAIN = SLOT_FRAMES * VAULT_FRAME_BYTES,
	SLOT_SEALED = SLOT_FRAMES * VAULT_SEALED_MAX,
	SLOTS = 3,
	STACK_BYTES = 256 * 1024,
	FIRST_ENTRIES = 64
};

struct slot {
	unsigned char *plain; /* SLOT_PLAIN, from secret_alloc */
	unsigned char *sealed; /* SLOT_SEALED */
	size_t plain_len, sealed_len;
	uint64_t first_frame;
	bool final;
	uint32_t entries[SLOT_FRAMES];
	enum err_code code; /* of sealing it */
};

struct vault_writer {
	struct blob_put *put;
	struct vault_codec *codec; /* the second thread's while there is one */
	struct sha256 *hash;
	bool compress, failed;
	uint64_t plain_bytes; /* given by the caller */
	uint64_t stored_bytes;
	unsigned char *entries; /* of the index; VAULT_ENTRY_BYTES each */
	size_t entry_count, entry_room;

	struct slot slots[SLOTS];
	/* Slots so far; each is at its number modulo SLOTS. stored <= sealed <= submitted <= stored + SLOTS. */
	uint64_t stored;

	bool has_thread;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows; a slot between submitted and sealed is the second thread's */
	pthread_cond_t changed;
	uint64_t submitted, sealed;
	bool stop;
	struct err seal_err; /* of the first slot that failed; read once it is sealed */
};

static enum err_code no_memory(struct err *err)
{
	return err_set(err, ERR_NO_MEMORY, "no memory for a sealed object");
}

/* -- the second thread --------------------------------------------------------------------------- */

static void seal_slot(struct vault_writer *w, struct slot *slot)
{
	uint64_t frame_number = slot->first_frame;
	size_t done = 0, entry = 0;
	slot->sealed_len = 0;
	slot->code = ERR_OK;
	while (done < slot->plain_len && !slot->code) {
		size_t left = slot->plain_len - done, len = left < VAULT_FRAME_BYTES ? left : VAULT_FRAME_BYTES;
		struct vault_frame frame = { .number = frame_number++, .final = slot->final && left == len };
		slot->code =
			vault_frame_seal(w->codec, &frame, w->compress, (struct crypt_bytes){ slot->plain + done, len },
					 slot->sealed + slot->sealed_len, &slot->entries[entry], &w->seal_err);
		done += len;
		if (!slot->code)
			slot->sealed_len += slot->entries[entry++] & ~VAULT_COMPRESSED;
	}
}

static void *run(void *arg)
{
	struct vault_writer *w = arg;
	(void)pthread_mutex_lock(&w->lock);
	for (;;) {
		while (w->sealed == w->submitted && !w->stop)
			(void)pthread_cond_wait(&w->changed, &w->lock);
		if (w->stop)
			break;
		struct slot *slot = &w->slots[w->sealed % SLOTS];
		(void)pthread_mutex_unlock(&w->lock);
		seal_slot(w, slot);
		(void)pthread_mutex_lock(&w->lock);
		/* What comes after a failure is not sealed: the object is lost. */
		w->stop = w->stop || slot->code;
		w->sealed++;
		(void)pthread_cond_signal(&w->changed);
	}
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Where no thread can be had, the caller's does all: slower, not a failure. Signals are the program's other threads'.
 */
static void start_thread(struct vault_writer *w)
{
	pthread_attr_t attr;
	sigset_t all, old;
	if (pthread_attr_init(&attr) != 0)
		return;
	(void)sigfillset(&all);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	w->has_thread = pthread_create(&w->thread, &attr, run, w) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
}

static void stop_thread(struct vault_writer *w)
{
	if (!w->has_thread)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->stop = true;
	(void)pthread_cond_signal(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
	w->has_thread = false;
}

/* -- the caller's thread ------------------------------------------------------------------------- */

static void writer_free(struct vault_writer *w)
{
	stop_thread(w);
	for (unsigned i = 0; i < SLOTS; i++) {
		secret_free(w->slots[i].plain, SLOT_PLAIN);
		free(w->slots[i].sealed);
	}
	vault_codec_free(w->codec);
	sha256_free(w->hash);
	free(w->entries);
	(void)pthread_cond_destroy(&w->changed);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

static bool slot_make(struct slot *slot)
{
	if (!slot->plain)
		slot->plain = secret_alloc(SLOT_PLAIN);
	if (!slot->sealed)
		slot->sealed = malloc(SLOT_SEALED);
	return slot->plain && slot->sealed;
}

static enum err_code add_entry(struct vault_writer *w, uint32_t entry, struct err *err)
{
	if (w->entry_count == w->entry_room) {
		size_t room = w->entry_room ? 2 * w->entry_room : FIRST_ENTRIES;
		unsigned char *grown = realloc(w->entries, room * VAULT_ENTRY_BYTES);
		if (!grown)
			return no_memory(err);
		w->entries = grown;
		w->entry_room = room;
	}
	put_be32(w->entries + w->entry_count++ * VAULT_ENTRY_BYTES, entry);
	return ERR_OK;
}

static enum err_code put(struct vault_writer *w, const void *bytes, size_t len, struct err *err)
{
	w->stored_bytes += len;
	return blob_put_write(w->put, bytes, len, err);
}

/* Stores the oldest slot, which is sealed; it may be filled again. */
static enum err_code store_slot(struct vault_writer *w, struct err *err)
{
	struct slot *slot = &w->slots[w->stored % SLOTS];
	if (slot->code) {
		*err = w->seal_err;
		return slot->code;
	}
	size_t frames = (size_t)vault_frames(slot->plain_len);
	enum err_code code = ERR_OK;
	for (size_t i = 0; i < frames && !code; i++)
		code = add_entry(w, slot->entries[i], err);
	if (!code)
		code = put(w, slot->sealed, slot->sealed_len, err);
	slot->plain_len = 0;
	w->stored++;
	return code;
}

/* Stores what is sealed; waits until at most `open` submitted slots are left. */
static enum err_code store_until(struct vault_writer *w, uint64_t open, struct err *err)
{
	enum err_code code = ERR_OK;
	while (!code) {
		(void)pthread_mutex_lock(&w->lock);
		while (w->sealed == w->stored && w->submitted - w->stored > open)
			(void)pthread_cond_wait(&w->changed, &w->lock);
		bool ready = w->sealed > w->stored;
		(void)pthread_mutex_unlock(&w->lock);
		if (!ready)
			break;
		code = store_slot(w, err);
	}
	return code;
}

static struct slot *filling(struct vault_writer *w)
{
	return &w->slots[w->submitted % SLOTS];
}

/* Hands the slot that is being filled over; the next one is free afterwards. */
static enum err_code submit(struct vault_writer *w, bool final, struct err *err)
{
	struct slot *slot = filling(w);
	size_t len = slot->plain_len;
	slot->final = final;
	slot->first_frame = w->submitted * SLOT_FRAMES;
	if (!final && !w->has_thread)
		start_thread(w);
	if (!w->has_thread)
		seal_slot(w, slot);
	(void)pthread_mutex_lock(&w->lock);
	w->submitted++;
	if (!w->has_thread)
		w->sealed++;
	(void)pthread_cond_signal(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
	/* Both threads only read the plaintext, so it is hashed while it is sealed. */
	enum err_code code = sha256_add(w->hash, slot->plain, len, err);
	return code ? code : store_until(w, final ? 0 : SLOTS - 1, err);
}

/* A full slot is handed over only when more comes: the last frame must be sealed as such. */
static enum err_code fill(struct vault_writer *w, const unsigned char *bytes, size_t len, struct err *err)
{
	enum err_code code = ERR_OK;
	while (len > 0 && !code) {
		if (filling(w)->plain_len == SLOT_PLAIN)
			code = submit(w, false, err);
		struct slot *slot = filling(w);
		if (!code && !slot_make(slot))
			code = no_memory(err);
		if (code)
			break;
		size_t room = SLOT_PLAIN - slot->plain_len, n = len < room ? len : room;
		memcpy(slot->plain + slot->plain_len, bytes, n);
		slot->plain_len += n;
		bytes += n;
		len -= n;
	}
	return code;
}

enum err_code vault_write(struct vault_writer *writer, const void *bytes, size_t len, struct err *err)
{
	assert(!writer->failed);
	enum err_code code;
	if (len > VAULT_PLAIN_MAX - writer->plain_bytes)
		code = err_set(err, ERR_TOO_BIG, "a sealed object may have at most %ju bytes",
			       (uintmax_t)VAULT_PLAIN_MAX);
	else
		code = fill(writer, bytes, len, err);
	writer->failed = code != ERR_OK;
	writer->plain_bytes += len;
	return code;
}

/* -- begin and end ------------------------------------------------------------------------------- */

static enum err_code write_header(struct vault_writer *w, const struct vault_place *place, unsigned algorithm,
				  struct err *err)
{
	struct vault_header header = { .algorithm = algorithm };
	unsigned char key[CRYPT_KEY_BYTES], bytes[VAULT_HEADER_BYTES];
	if (sodium_init() < 0)
		return err_set(err, ERR_SYSTEM, "libsodium found no random numbers");
	memcpy(header.object_id, place->object_id, sizeof header.object_id);
	randombytes_buf(header.salt, sizeof header.salt);
	enum err_code code = vault_derive(&header, place->data_key, key, header.commitment, err);
	if (code)
		return code;
	code = vault_codec_new(algorithm, key, &w->codec, err);
	secret_wipe(key, sizeof key);
	if (code)
		return code;
	vault_header_pack(&header, bytes);
	return put(w, bytes, sizeof bytes, err);
}

enum err_code vault_create(const struct vault_place *place, const struct vault_options *options,
			   struct vault_writer **ret, struct err *err)
{
	static const struct vault_options defaults = { 0 };
	const struct vault_options *o = options ? options : &defaults;
	struct vault_writer *w = calloc(1, sizeof *w);
	if (!w)
		return no_memory(err);
	w->compress = !o->coded;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->changed, NULL);
	enum err_code code = sha256_new(&w->hash, err);
	if (!code)
		code = blob_put_begin(place->store, place->key, &w->put, err);
	if (!code)
		code = write_header(w, place, o->algorithm ? o->algorithm : crypt_best(), err);
	if (code)
		vault_abort(w);
	else
		*ret = w;
	return code;
}

/* The hash and the sizes of the frames, sealed, and the trailer that says where they begin. */
static enum err_code write_index(struct vault_writer *w, const char *sha256_hex, struct err *err)
{
	unsigned char trailer[VAULT_TRAILER_BYTES];
	size_t len = vault_index_bytes(w->plain_bytes);
	cleanup_free unsigned char *index = malloc(len);
	cleanup_free unsigned char *sealed = malloc(len + CRYPT_TAG_BYTES);
	if (!index || !sealed)
		return no_memory(err);
	assert(w->entry_count == vault_frames(w->plain_bytes));
	(void)sodium_hex2bin(index, VAULT_HASH_BYTES, sha256_hex, SHA256_HEX_SIZE - 1, NULL, NULL, NULL);
	if (w->entry_count > 0)
		memcpy(index + VAULT_HASH_BYTES, w->entries, w->entry_count * VAULT_ENTRY_BYTES);
	vault_trailer_pack(w->plain_bytes, trailer);
	enum err_code code = vault_index_seal(w->codec, trailer, (struct crypt_bytes){ index, len }, sealed, err);
	if (!code)
		code = put(w, sealed, len + CRYPT_TAG_BYTES, err);
	return code ? code : put(w, trailer, sizeof trailer, err);
}

enum err_code vault_commit(struct vault_writer *writer, struct vault_info *ret, struct err *err)
{
	struct vault_writer *w = writer;
	struct vault_info info = { .plain_bytes = w->plain_bytes };
	assert(!w->failed);
	enum err_code code = filling(w)->plain_len > 0 ? submit(w, true, err) : ERR_OK;
	stop_thread(w);
	if (!code)
		code = sha256_finish(w->hash, info.sha256, err);
	if (!code)
		code = write_index(w, info.sha256, err);
	if (code) {
		vault_abort(w);
		return code;
	}
	info.stored_bytes = w->stored_bytes;
	code = blob_put_commit(steal_ptr(&w->put), err);
	writer_free(w);
	if (!code)
		*ret = info;
	return code;
}

void vault_abort(struct vault_writer *writer)
{
	if (!writer)
		return;
	stop_thread(writer);
	blob_put_abort(writer->put);
	writer_free(writer);
}
