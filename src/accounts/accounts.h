/*
 * Accounts: sign-up, log-in, and what follows from a password. The functions here hash passwords and wait for the
 * database: they block, and belong on a thread of a pool (http/work.h), never on the loop's. Best a pool of its own
 * with as many threads as hashes may run at once and a short queue, so that a flood of log-ins shows as 503 and not as
 * waiting uploads. What a request needs beside them does not block: accounts/access.h, and session_refresh_run by
 * db_submit.
 *
 * Thread-safe. Times are microseconds UTC.
 */
#ifndef TIRO_ACCOUNTS_ACCOUNTS_H
#define TIRO_ACCOUNTS_ACCOUNTS_H

#include "accounts/installation.h"
#include "accounts/session.h"

struct accounts;

struct accounts_config {
	struct db *db; /* migrated; outlives the accounts */
	struct keyring *keyring; /* outlives the accounts */
	struct password_cost cost; /* all 0: PASSWORD_COST_DEFAULT */
	int hashes_at_once; /* 0: ACCOUNTS_HASHES_DEFAULT */
	int64_t access_ttl_s, refresh_ttl_s; /* 0: the defaults below */
	const char *issuer; /* NULL: "tiro" */
	bool is_registration_closed;
};

/* One hash takes 64 MiB and a core for 100 ms. */
enum { ACCOUNTS_HASHES_DEFAULT = 2 };
#define ACCOUNTS_ACCESS_TTL_S ((int64_t)3600)
#define ACCOUNTS_REFRESH_TTL_S ((int64_t)30 * 24 * 3600)

/* Checks the master key against the database (accounts/installation.h). *ret is the caller's. */
enum err_code accounts_open(const struct accounts_config *config, struct accounts **ret, struct err *err) MUST_CHECK;
void accounts_close(struct accounts *accounts);

/* What access_cache and session_refresh_begin take; as long as the accounts. */
const struct session_policy *accounts_policy(const struct accounts *accounts);

/* A key of the server's own for one purpose, the same on all nodes (CSRF, API keys that are shown again). */
void accounts_derive_key(const struct accounts *accounts, const char *purpose, unsigned char ret[KEY_BYTES]);

/* For user_draft. */
struct hasher *accounts_hasher(struct accounts *accounts);
struct keyring *accounts_keyring(struct accounts *accounts);

/*
 * Sign-up: a user with the role `user`, and a session. Errors: ERR_UNAVAILABLE (registration is closed), ERR_INVALID
 * and ERR_CONFLICT with *ret_faults filled.
 */
enum err_code accounts_register(struct accounts *accounts, const struct sign_up *sign_up, int64_t now_us,
				struct field_faults *ret_faults, struct session *ret, struct err *err) MUST_CHECK;

/* The same for an administrator's command, closed or not: any roles, no session. */
enum err_code accounts_add_user(struct accounts *accounts, const struct sign_up *sign_up, struct roles roles,
				int64_t now_us, struct field_faults *ret_faults, struct user *ret, struct err *err)
	MUST_CHECK;

/* What somebody sends to log in. */
struct log_in {
	const char *name; /* e-mail address, username or phone */
	const char *password;
	size_t password_len;
};

/* Errors: ERR_DENIED, with one message and in one time for an unknown name, a wrong password and a user who is switched
 * off. */
enum err_code accounts_log_in(struct accounts *accounts, const struct log_in *log_in, int64_t now_us,
			      struct session *ret, struct err *err) MUST_CHECK;

/* Uses a refresh token. Errors: ERR_DENIED, ERR_TIMEOUT; *ret_outcome says more about the former (NULL: not wanted). */
enum err_code accounts_refresh(struct accounts *accounts, const char *token, size_t len, int64_t now_us,
			       enum session_outcome *ret_outcome, struct session *ret, struct err *err) MUST_CHECK;

/* Sets a new password, which ends all tokens. Errors: ERR_INVALID (with what is wrong), ERR_NOT_FOUND. */
enum err_code accounts_set_password(struct accounts *accounts, const struct uuid *user, const char *password,
				    size_t len, int64_t now_us, struct err *err) MUST_CHECK;

/* Makes the first administrator where there is no active one; else does nothing. */
enum err_code accounts_ensure_admin(struct accounts *accounts, const struct sign_up *admin, int64_t now_us,
				    bool *ret_made, struct err *err) MUST_CHECK;

#endif
