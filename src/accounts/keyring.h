/*
 * The master keys at hand, by version: the one in force and, while keys are rotated, the next. Where a version is asked
 * for that is not at hand, the sources are read again (another program may have rotated), at most once a second.
 *
 * Thread-safe. Reading a command's key takes its time: not on the loop's thread.
 */
#ifndef TIRO_ACCOUNTS_KEYRING_H
#define TIRO_ACCOUNTS_KEYRING_H

#include "blob/keys.h"
#include "blob/master.h"

struct keyring;

/* Strings are copied. */
struct keyring_config {
	struct master_source now;
	/* Nothing set: none, or where `now` is a file, the file of that name with ".next" after it, if it is there. */
	struct master_source next;
	/* Where `now` is a file that is not there, a key is made and written to it. */
	bool may_create;
};

/* *ret is the caller's. Errors: those of master_key_load for the first key. A next key that is set must be readable. */
enum err_code keyring_open(const struct keyring_config *config, struct keyring **ret, struct err *err) MUST_CHECK;
void keyring_free(struct keyring *keyring);

/* The key of that record. Errors: ERR_DENIED (not at hand, or other bytes), ERR_NO_MEMORY. */
enum err_code keyring_get(struct keyring *keyring, const struct master_key_record *record, struct master_key *ret,
			  struct err *err) MUST_CHECK;

/* The key that is configured as the one in force; for a database that is new. */
void keyring_first(struct keyring *keyring, struct master_key *ret);

/* The next key. Errors: ERR_NOT_FOUND. */
enum err_code keyring_next(struct keyring *keyring, struct master_key *ret, struct err *err) MUST_CHECK;

/* user_key_unwrap with the key of the right version. Errors: its own. */
enum err_code keyring_unwrap(struct keyring *keyring, const struct user_key_row *row, struct user_key *ret,
			     struct err *err) MUST_CHECK;

/*
 * For a rotation whose keys are files: makes the next key's file where there is none, and when it is over puts it in
 * the place of the first, which is kept as FILE.VERSION. Both do nothing for other sources, and *ret_kept is then "".
 */
enum err_code keyring_make_next(struct keyring *keyring, struct err *err) MUST_CHECK;
enum err_code keyring_promote(struct keyring *keyring, char *ret_kept, size_t size, struct err *err) MUST_CHECK;

#endif
