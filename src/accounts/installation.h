/*
 * What an installation has once, in the table `meta`, and the master key makes readable:
 *
 * - the record of the master key that the database was filled under, and of the next one while keys are rotated;
 * - the server's own key pair, wrapped like a user's (its id is all zeros). From its private half come the keys of what
 *   the server signs. So these are random, stored nowhere in the clear, and survive a new master key; derived from the
 *   master key itself they would end all tokens with each rotation, and a log line of one would be a hint to the other.
 *
 * Functions with a `struct db_tx` run inside a unit of work; the others block. Thread-safe.
 */
#ifndef TIRO_ACCOUNTS_INSTALLATION_H
#define TIRO_ACCOUNTS_INSTALLATION_H

#include "accounts/keyring.h"
#include "store/db.h"

/* The private half of the server's pair; wiped by its _done. */
struct server_secret {
	unsigned char bytes[KEY_BYTES];
};
void server_secret_done(struct server_secret *secret);
#define cleanup_server_secret cleanup(server_secret_done)

/* A key for one purpose, which a constant text like "tiro 1 access tokens" names. */
void server_secret_derive(const struct server_secret *secret, const char *purpose, unsigned char ret[KEY_BYTES]);

/* Whether the database was never used: it has no record of a master key. Only then may one be made up. */
enum err_code installation_is_new(struct db *db, bool *ret, struct err *err) MUST_CHECK;

/*
 * Checks the master key against the database's record, and gives the server's secret; both are made where the database
 * is new, once however many nodes start. Errors: ERR_DENIED (another master key; the message names both), ERR_CORRUPT,
 * and those of a unit of work.
 */
enum err_code installation_open(struct db *db, struct keyring *keyring, struct server_secret *ret, struct err *err)
	MUST_CHECK;

/* -- for who wraps keys ----------------------------------------------------------------------------- */

struct installation_keys {
	struct master_key_record now; /* what most rows are wrapped with */
	struct master_key_record next;
	bool is_rotating; /* `next` is set: new rows are wrapped with it */
};

/* The records, held until the unit ends: nobody begins or ends a rotation meanwhile. Errors: ERR_NOT_FOUND. */
enum err_code installation_lock(struct db_tx *tx, struct installation_keys *ret, struct err *err) MUST_CHECK;

/* Writes the records of such a unit. */
enum err_code installation_write(struct db_tx *tx, const struct installation_keys *keys, struct err *err) MUST_CHECK;

/* The server's wrapped pair, as a row of a rotation. */
enum err_code installation_read_pair(struct db_tx *tx, struct user_key_row *ret, struct err *err) MUST_CHECK;
enum err_code installation_write_pair(struct db_tx *tx, const struct user_key_row *row, struct err *err) MUST_CHECK;

#endif
