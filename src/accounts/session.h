/*
 * Sessions: the tokens that a log-in gives, and how they go on. An access token is checked without the database
 * (accounts/access.h); a refresh token is a row, under its hash, and good for once: it gives a new pair, and the row
 * stays as "used" until it would have expired. One that comes a second time was stolen, from the client or by it, and
 * ends all that followed from the same log-in. Access tokens that were given out live on until they expire.
 *
 * Functions with a `struct db_tx` run inside a unit of work. Thread-safe.
 */
#ifndef TIRO_ACCOUNTS_SESSION_H
#define TIRO_ACCOUNTS_SESSION_H

#include "accounts/jwt.h"
#include "accounts/users.h"
#include "base/digest.h"

/* How tokens are made; constant once filled. */
struct session_policy {
	struct jwt_signer signer;
	int64_t access_ttl_s, refresh_ttl_s;
};

struct session {
	struct user user;
	char access[JWT_MAX + 1];
	char refresh[JWT_MAX + 1];
	int64_t expires_in_s; /* of the access token */
};

/* Fills *ret for a user who has just proved who they are. */
enum err_code session_start(struct db_tx *tx, const struct session_policy *policy, const struct user *user,
			    int64_t now_us, struct session *ret, struct err *err) MUST_CHECK;

/* What the use of a refresh token came to. */
enum session_outcome {
	SESSION_GOES_ON, /* the session is filled */
	SESSION_ENDED, /* unknown, expired, or its user is gone or switched off */
	SESSION_STOLEN /* used before: worth an incident; `user` is whose it was */
};

/*
 * One use of a refresh token: prepared by session_refresh_begin, then run as a unit of work,
 *
 *     struct db_work work = { .mode = DB_WRITE, .run = session_refresh_run, .arg = &refresh };
 *
 * by db_submit or db_run. A unit that succeeds has filled `outcome`; with SESSION_STOLEN too, whose deletion must be
 * committed.
 */
struct session_refresh {
	const struct session_policy *policy;
	struct jwt_claims claims;
	unsigned char hash[SHA256_BYTES];
	int64_t now_us;
	enum session_outcome outcome;
	struct uuid user;
	struct session session;
};

/* Checks the token itself. Errors: those of jwt_verify. */
enum err_code session_refresh_begin(const struct session_policy *policy, const char *token, size_t len, int64_t now_us,
				    struct session_refresh *ret, struct err *err) MUST_CHECK;
enum err_code session_refresh_run(struct db_tx *tx, void *arg, struct err *err) MUST_CHECK;

/* Ends what a refresh token began, for a log-out: takes a prepared `struct session_refresh` whose outcome is then
 * SESSION_ENDED. A token that is not known is no error. */
enum err_code session_end_run(struct db_tx *tx, void *arg, struct err *err) MUST_CHECK;

/* Deletes rows of tokens that have expired, at most `limit`; *ret_count tells how many. For the cleanup. */
enum err_code session_sweep(struct db_tx *tx, int64_t now_us, int64_t limit, int64_t *ret_count, struct err *err)
	MUST_CHECK;

#endif
