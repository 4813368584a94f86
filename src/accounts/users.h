/*
 * Users in the database. Functions that take a `struct db_tx` run inside a unit of work and may be run again with it;
 * what ends a user's tokens (a password, a role, being switched off, being deleted) is told to all nodes with the
 * commit.
 *
 * Times are given by the caller, microseconds UTC. Thread-safe.
 */
#ifndef TIRO_ACCOUNTS_USERS_H
#define TIRO_ACCOUNTS_USERS_H

#include "accounts/field.h"
#include "accounts/keyring.h"
#include "accounts/password.h"
#include "accounts/plans.h"
#include "accounts/roles.h"
#include "accounts/text.h"
#include "base/uuid.h"
#include "store/db.h"

enum { USERS_LIST_MAX = 1000 };

/* Notices on this channel: a user's id as text, whose tokens must be looked up anew. */
#define USERS_CHANNEL "users"

struct user {
	struct uuid id;
	char email[EMAIL_MAX + 1];
	char username[USERNAME_MAX + 1];
	char phone[PHONE_MAX + 1]; /* "" where there is none */
	char first_name[PERSON_NAME_MAX + 1];
	char last_name[PERSON_NAME_MAX + 1];
	char plan[PLAN_NAME_MAX + 1];
	struct roles roles;
	bool is_active;
	int64_t generation;
	int64_t created_us, updated_us;
	struct public_key public_key;
};

/* -- finding --------------------------------------------------------------------------------------- */

/* Errors: ERR_NOT_FOUND, here and below. */
enum err_code user_find(struct db_tx *tx, const struct uuid *id, struct user *ret, struct err *err) MUST_CHECK;

/* By e-mail address, username or phone, in any spelling (accounts/text.h). `ret_hash` is the password's; NULL: not
 * wanted. */
enum err_code user_find_login(struct db_tx *tx, const char *login, struct user *ret, char ret_hash[PASSWORD_HASH_SIZE],
			      struct err *err) MUST_CHECK;

/* In the order in which they came. */
struct user_list {
	struct user *rows; /* owned */
	size_t count;
};
struct user_page {
	struct uuid after; /* all zeros: from the first */
	size_t limit; /* 1..USERS_LIST_MAX */
};
enum err_code user_list(struct db_tx *tx, const struct user_page *page, struct user_list *ret, struct err *err)
	MUST_CHECK;
void user_list_done(struct user_list *list);
#define cleanup_user_list cleanup(user_list_done)

/* Whether there is an active administrator. */
enum err_code user_admin_exists(struct db_tx *tx, bool *ret, struct err *err) MUST_CHECK;

/* -- adding ---------------------------------------------------------------------------------------- */

/* A user who is ready to be added. Filled by user_draft; holds a private key: wiped by its _done. */
struct user_draft {
	struct user user;
	char password_hash[PASSWORD_HASH_SIZE];
	struct user_key key;
};
void user_draft_done(struct user_draft *draft);
#define cleanup_user_draft cleanup(user_draft_done)

/* What somebody typed. NULL or "" where a text is not given; only e-mail and password must be. */
struct sign_up {
	const char *email, *username, *phone, *first_name, *last_name;
	const char *password;
	size_t password_len;
};

/*
 * Checks and normalises, gives an id and a key pair, and hashes the password (which blocks for 100 ms: not on the
 * loop). Errors: ERR_INVALID, with *ret_faults filled; ERR_NO_MEMORY, ERR_SYSTEM.
 */
enum err_code user_draft(struct hasher *hasher, const struct sign_up *from, int64_t now_us, struct user_draft *ret,
			 struct field_faults *ret_faults, struct err *err) MUST_CHECK;

/*
 * Adds the user, whose roles the caller has set; the private key is wrapped with the master key in force. *ret_faults
 * says which names are taken, and the row is then not added though the unit goes on. Errors: ERR_CONFLICT (a name was
 * taken in this very moment: run it again, and it says which), ERR_INTERNAL (the master key in force is not at hand).
 */
enum err_code user_add(struct db_tx *tx, struct keyring *keyring, const struct user_draft *draft,
		       struct field_faults *ret_faults, struct err *err) MUST_CHECK;

/* -- changing -------------------------------------------------------------------------------------- */

/* NULL leaves what is there. */
struct user_change {
	const struct roles *roles;
	const bool *is_active;
	const char *plan; /* ERR_REFERENCE: there is none of that name */
};

/* Roles and being switched off take effect at once: tokens are looked up anew, and those of who is switched off end. */
enum err_code user_change(struct db_tx *tx, const struct uuid *id, const struct user_change *change, int64_t now_us,
			  struct err *err) MUST_CHECK;

/* One role more, or one less, whatever else changes at the same time. Errors: ERR_INVALID (it is the user's only one:
 * who has none could do nothing but log in, and would be told so nowhere). */
enum err_code user_change_role(struct db_tx *tx, const struct uuid *id, enum role role, bool is_grant, int64_t now_us,
			       struct err *err) MUST_CHECK;

/* A new password ends all tokens. */
enum err_code user_set_password(struct db_tx *tx, const struct uuid *id, const char *hash, int64_t now_us,
				struct err *err) MUST_CHECK;

/* The same password, hashed at a higher cost. It changes nothing where `old_hash` is no longer the user's. */
enum err_code user_rehash(struct db_tx *tx, const struct uuid *id, const char *old_hash, const char *hash,
			  struct err *err) MUST_CHECK;

/* Tells all nodes that what they know of the user's rights is old: tokens, and what goes on by a share. */
enum err_code user_tell(struct db_tx *tx, const struct uuid *id, struct err *err) MUST_CHECK;

/* -- deleting ----------------------------------------------------------------------------------------
 *
 * Marked first: tokens end, and nobody logs in as that user nor switches them on again. Then whoever owns data of
 * theirs removes it (jobs/user_removal.h), then the row goes. */
enum err_code user_mark_deleted(struct db_tx *tx, const struct uuid *id, int64_t now_us, struct err *err) MUST_CHECK;

/* Ids of some users who are marked, one a row. A unit of one statement. */
enum err_code user_list_deleted(struct db_tx *tx, struct db_rows *ret, struct err *err) MUST_CHECK;

/* Deletes the user with their keys and tokens. Errors: ERR_REFERENCE (files or jobs of theirs are still there). */
enum err_code user_delete(struct db_tx *tx, const struct uuid *id, struct err *err) MUST_CHECK;

#endif
