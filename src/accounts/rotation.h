/*
 * A new master key in the place of the old: rewraps every user's private key and the server's own. It goes on while
 * servers run, as long as they have both keys at hand (accounts/keyring.h): first the next key is written down as the
 * one that new rows are wrapped with, then the old rows follow in groups, then the next key is the one in force. What
 * was interrupted goes on where it is run again.
 */
#ifndef TIRO_ACCOUNTS_ROTATION_H
#define TIRO_ACCOUNTS_ROTATION_H

#include "accounts/installation.h"

/*
 * Blocks. *ret_count tells how many keys were rewrapped; 0 also where it was done before. Errors: ERR_NOT_FOUND (there
 * is no next key), ERR_INVALID (its version is not higher), ERR_DENIED (the database needs other keys), and those of a
 * unit of work.
 */
enum err_code rotation_run(struct db *db, struct keyring *keyring, uint64_t *ret_count, struct err *err) MUST_CHECK;

#endif
