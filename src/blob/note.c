#include "blob/note.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/secret.h"
#include "blob/crypt_priv.h"

enum {
	FORMAT = 1,
	NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES
};

static_assert(NOTE_OVERHEAD == 1 + NONCE_BYTES + TAG_BYTES, "the layout in the header");
static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "a derived key fits");

static enum err_code note_key(const struct data_key *key, unsigned char ret[KEY_BYTES], struct err *err)
{
	static const char salt[] = "tiro";
	static const char info[] = "tiro 1 note";
	return crypt_hkdf((struct crypt_bytes){ key->bytes, KEY_BYTES }, (struct crypt_bytes){ salt, sizeof salt - 1 },
			  (struct crypt_bytes){ info, sizeof info - 1 }, ret, KEY_BYTES, err);
}

enum err_code note_seal(const struct data_key *key, const char *place, const void *bytes, size_t len,
			struct strbuf *out, struct err *err)
{
	unsigned char derived[KEY_BYTES];
	if (sodium_init() < 0)
		return err_set(err, ERR_SYSTEM, "no random numbers for a note");
	if (note_key(key, derived, err) != ERR_OK)
		return err->code;
	unsigned char *to = strbuf_reserve(out, len + NOTE_OVERHEAD);
	if (to) {
		to[0] = FORMAT;
		randombytes_buf(to + 1, NONCE_BYTES);
		(void)crypto_aead_xchacha20poly1305_ietf_encrypt(to + 1 + NONCE_BYTES, NULL, bytes, len,
								 (const unsigned char *)place, strlen(place), NULL,
								 to + 1, derived);
		strbuf_commit(out, len + NOTE_OVERHEAD);
	}
	secret_wipe(derived, sizeof derived);
	return strbuf_check(out, "a sealed note", err);
}

enum err_code note_open(const struct data_key *key, const char *place, const void *sealed, size_t len,
			struct strbuf *out, struct err *err)
{
	const unsigned char *from = sealed;
	unsigned char derived[KEY_BYTES];
	if (len < NOTE_OVERHEAD || from[0] != FORMAT)
		return err_set(err, ERR_CORRUPT, "a sealed note has no known form");
	if (note_key(key, derived, err) != ERR_OK)
		return err->code;
	size_t plain = len - NOTE_OVERHEAD;
	unsigned char *to = strbuf_reserve(out, plain);
	bool opened = to && crypto_aead_xchacha20poly1305_ietf_decrypt(
				    to, NULL, NULL, from + 1 + NONCE_BYTES, len - 1 - NONCE_BYTES,
				    (const unsigned char *)place, strlen(place), from + 1, derived) == 0;
	secret_wipe(derived, sizeof derived);
	if (!to)
		return strbuf_check(out, "a sealed note", err);
	if (!opened)
		return err_set(err, ERR_CORRUPT, "a sealed note was changed or is another file's");
	strbuf_commit(out, plain);
	return ERR_OK;
}
