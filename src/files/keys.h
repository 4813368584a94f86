/*
 * Who may read a file: the boxes around its data key. One for the owner, one for each user it is shared with; a user
 * who has registered a public key of their own has a second one in each, which the server cannot open.
 *
 * All functions block; thread-safe.
 */
#ifndef TIRO_FILES_KEYS_H
#define TIRO_FILES_KEYS_H

#include "files/files.h"

/* Makes the owner's box for a new file, inside the unit that adds its row. Errors: ERR_REFERENCE (no such user). */
enum err_code file_key_add_owner(struct db_tx *tx, const struct uuid *file, const struct uuid *owner,
				 const struct data_key *key, struct err *err) MUST_CHECK;

struct file_key {
	struct uuid owner; /* of the file */
	unsigned char box[DATA_KEY_BOX_BYTES]; /* sealed to the viewer's own registered key where there is one */
	int64_t created_us;
};

/* The viewer's box. Errors: ERR_NOT_FOUND (may not read it). */
enum err_code file_key_find(const struct files *files, const struct uuid *viewer, const struct uuid *file,
			    struct file_key *ret, struct err *err) MUST_CHECK;

/*
 * Gives another user the right to read. Errors: ERR_NOT_FOUND (not this owner's file), ERR_REFERENCE (no such user, or
 * one that is not active), ERR_CONFLICT (shared already, or the owner).
 */
enum err_code file_key_share(const struct files *files, const struct uuid *owner, const struct uuid *file,
			     const struct uuid *user, int64_t *ret_created_us, struct err *err) MUST_CHECK;

/* Takes it back. Errors: ERR_NOT_FOUND (not this owner's file, or not shared with that user). */
enum err_code file_key_unshare(const struct files *files, const struct uuid *owner, const struct uuid *file,
			       const struct uuid *user, struct err *err) MUST_CHECK;

/* Whether a session of that generation may go on reading the file: its user is active and has a box. Errors: those of a
 * unit of work. */
enum err_code file_key_holds(const struct files *files, const struct uuid *viewer, int64_t generation,
			     const struct uuid *file, bool *ret, struct err *err) MUST_CHECK;

/* -- a user's own key ------------------------------------------------------------------------------- */

/*
 * Registers a public key: it becomes one more recipient of every file that the user may read, those that are there and
 * those that come. It replaces an earlier one. Errors: ERR_INVALID (no usable key).
 */
enum err_code file_key_register(const struct files *files, const struct uuid *user, const struct public_key *key,
				int64_t *ret_registered_us, struct err *err) MUST_CHECK;

#endif
