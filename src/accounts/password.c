#include "accounts/password.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(PASSWORD_HASH_SIZE == crypto_pwhash_STRBYTES, "the size of libsodium's text form");

struct hasher {
	struct password_cost cost;
	char nobody[PASSWORD_HASH_SIZE]; /* fits no password */
	pthread_mutex_t lock;
	pthread_cond_t turn;
	int free_places;
};

/*
 * The hash of no password: random bytes in the right form. To check it costs what any hash of this cost costs, and to
 * make it costs nothing.
 */
static void make_nobody(struct hasher *hasher)
{
	enum { SALT = 16, HASH = 32, SALT_TEXT = 23, HASH_TEXT = 44 };
	unsigned char bytes[SALT + HASH];
	char salt[SALT_TEXT], hash[HASH_TEXT];
	randombytes_buf(bytes, sizeof bytes);
	(void)sodium_bin2base64(salt, sizeof salt, bytes, SALT, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	(void)sodium_bin2base64(hash, sizeof hash, bytes + SALT, HASH, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	(void)snprintf(hasher->nobody, sizeof hasher->nobody, "$argon2id$v=19$m=%zu,t=%u,p=1$%s$%s",
		       hasher->cost.memory_bytes / 1024, hasher->cost.passes, salt, hash);
}

enum err_code hasher_new(struct password_cost cost, int at_once, struct hasher **ret, struct err *err)
{
	if (sodium_init() < 0)
		return err_set(err, ERR_SYSTEM, "libsodium could not be started");
	if (cost.passes < crypto_pwhash_OPSLIMIT_MIN || cost.passes > PASSWORD_PASSES_MAX ||
	    cost.memory_bytes < crypto_pwhash_MEMLIMIT_MIN || cost.memory_bytes > crypto_pwhash_MEMLIMIT_MAX)
		return err_set(err, ERR_INVALID, "a password's cost is 1 to %d passes over at least 8 KiB of memory",
			       PASSWORD_PASSES_MAX);
	if (at_once < 1 || at_once > PASSWORD_AT_ONCE_MAX)
		return err_set(err, ERR_INVALID, "1 to %d passwords can be hashed at once, not %d",
			       PASSWORD_AT_ONCE_MAX, at_once);
	struct hasher *hasher = calloc(1, sizeof *hasher);
	if (!hasher)
		return err_set(err, ERR_NO_MEMORY, "no memory for hashing passwords");
	hasher->cost = cost;
	hasher->free_places = at_once;
	(void)pthread_mutex_init(&hasher->lock, NULL);
	(void)pthread_cond_init(&hasher->turn, NULL);
	make_nobody(hasher);
	*ret = hasher;
	return ERR_OK;
}

void hasher_free(struct hasher *hasher)
{
	if (!hasher)
		return;
	(void)pthread_cond_destroy(&hasher->turn);
	(void)pthread_mutex_destroy(&hasher->lock);
	free(hasher);
}

static void take_place(struct hasher *hasher)
{
	(void)pthread_mutex_lock(&hasher->lock);
	while (hasher->free_places == 0)
		(void)pthread_cond_wait(&hasher->turn, &hasher->lock);
	hasher->free_places--;
	(void)pthread_mutex_unlock(&hasher->lock);
}

static void leave_place(struct hasher *hasher)
{
	(void)pthread_mutex_lock(&hasher->lock);
	hasher->free_places++;
	(void)pthread_cond_signal(&hasher->turn);
	(void)pthread_mutex_unlock(&hasher->lock);
}

enum err_code hasher_hash(struct hasher *hasher, const struct secret *password, char ret[PASSWORD_HASH_SIZE],
			  struct err *err)
{
	take_place(hasher);
	int failed = crypto_pwhash_str_alg(ret, secret_reveal(password), password->len, hasher->cost.passes,
					   hasher->cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
	leave_place(hasher);
	return failed ? err_set(err, ERR_NO_MEMORY, "no memory for hashing a password") : ERR_OK;
}

/* Only where the cost has grown: a setting that was lowered must not weaken what is there. */
static bool is_weaker(const char *hash, struct password_cost cost)
{
	static const char start[] = "$argon2id$v=19$m=";
	char *end;
	if (strncmp(hash, start, sizeof start - 1) != 0)
		return true;
	uint64_t memory_kib = strtoull(hash + sizeof start - 1, &end, 10);
	if (strncmp(end, ",t=", 3) != 0)
		return true;
	return memory_kib < cost.memory_bytes / 1024 || strtoull(end + 3, &end, 10) < cost.passes;
}

enum err_code hasher_check(struct hasher *hasher, const struct secret *password, const char *hash, bool *ret_fits,
			   bool *ret_is_weak, struct err *err)
{
	const char *checked = hash ? hash : hasher->nobody;
	take_place(hasher);
	errno = 0;
	int differs = crypto_pwhash_str_verify(checked, secret_reveal(password), password->len);
	int reason = errno;
	leave_place(hasher);
	if (differs && reason == ENOMEM)
		return err_set(err, ERR_NO_MEMORY, "no memory for checking a password");
	*ret_fits = !differs && hash;
	*ret_is_weak = *ret_fits && is_weaker(hash, hasher->cost);
	return ERR_OK;
}
