#include "accounts/session.h"

#include "accounts/users_priv.h"
#include "base/clock.h"

static const struct db_stmt insert = {
	.sql = "INSERT INTO refresh_tokens (hash, user_id, family, expires_at) VALUES ($1, $2, $3, $4)",
	.params = "bbbi"
};
/* Only one of two that come at once finds it unused. */
static const struct db_stmt use = {
	.sql = "UPDATE refresh_tokens SET used_at = $2 WHERE hash = $1 AND used_at IS NULL RETURNING user_id, family",
	.params = "bi"
};
static const struct db_stmt find = { .sql = "SELECT user_id, family FROM refresh_tokens WHERE hash = $1",
				     .params = "b" };
static const struct db_stmt drop_family = { .sql = "DELETE FROM refresh_tokens WHERE family = $1", .params = "b" };
static const struct db_stmt sweep = {
	.sql = "DELETE FROM refresh_tokens WHERE hash IN "
	       "(SELECT hash FROM refresh_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
	.params = "ii"
};

static enum err_code sign(const struct session_policy *policy, const struct user *user, enum jwt_type type,
			  int64_t now_us, char ret[JWT_MAX + 1], struct err *err)
{
	int64_t ttl_s = type == JWT_ACCESS ? policy->access_ttl_s : policy->refresh_ttl_s;
	struct jwt_claims claims = { .type = type,
				     .user = user->id,
				     .roles = user->roles,
				     .generation = user->generation,
				     .issued_s = now_us / US_PER_S,
				     .expires_s = now_us / US_PER_S + ttl_s };
	enum err_code code = uuid_new(now_us, &claims.id, err);
	return code ? code : jwt_sign(&policy->signer, &claims, ret, err);
}

/* A pair of tokens; the refresh token is written down as one of `family`. */
static enum err_code give_pair(struct db_tx *tx, const struct session_policy *policy, const struct uuid *family,
			       int64_t now_us, struct session *session, struct err *err)
{
	unsigned char hash[SHA256_BYTES];
	session->expires_in_s = policy->access_ttl_s;
	enum err_code code = sign(policy, &session->user, JWT_ACCESS, now_us, session->access, err);
	if (!code)
		code = sign(policy, &session->user, JWT_REFRESH, now_us, session->refresh, err);
	if (!code)
		code = sha256_of_bytes(session->refresh, strlen(session->refresh), hash, err);
	if (code)
		return code;
	struct db_value params[] = { db_bytes(hash, sizeof hash), db_id(&session->user.id), db_id(family),
				     db_int(now_us + policy->refresh_ttl_s * US_PER_S) };
	return db_post(tx, &insert, params, err);
}

enum err_code session_start(struct db_tx *tx, const struct session_policy *policy, const struct user *user,
			    int64_t now_us, struct session *ret, struct err *err)
{
	struct uuid family;
	ret->user = *user;
	enum err_code code = uuid_new(now_us, &family, err);
	return code ? code : give_pair(tx, policy, &family, now_us, ret, err);
}

/* -- going on -------------------------------------------------------------------------------------- */

enum err_code session_refresh_begin(const struct session_policy *policy, const char *token, size_t len, int64_t now_us,
				    struct session_refresh *ret, struct err *err)
{
	*ret = (struct session_refresh){ .policy = policy, .now_us = now_us, .outcome = SESSION_ENDED };
	enum err_code code = jwt_verify(&policy->signer, JWT_REFRESH, token, len, now_us, &ret->claims, err);
	return code ? code : sha256_of_bytes(token, len, ret->hash, err);
}

static enum err_code end_family(struct db_tx *tx, const struct uuid *family, struct err *err)
{
	struct db_value params[] = { db_id(family) };
	return db_post(tx, &drop_family, params, err);
}

/* The token was not there to be used: it was used before, or there is none. */
static enum err_code look_for_theft(struct db_tx *tx, struct session_refresh *refresh, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_bytes(refresh->hash, sizeof refresh->hash) };
	enum err_code code = db_query(tx, &find, params, &rows, err);
	if (code || rows.count == 0)
		return code;
	struct uuid family = db_get_id(&rows, 0, 1);
	refresh->user = db_get_id(&rows, 0, 0);
	refresh->outcome = SESSION_STOLEN;
	return end_family(tx, &family, err);
}

enum err_code session_refresh_run(struct db_tx *tx, void *arg, struct err *err)
{
	struct session_refresh *refresh = arg;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_bytes(refresh->hash, sizeof refresh->hash), db_int(refresh->now_us) };
	refresh->outcome = SESSION_ENDED;
	enum err_code code = db_query(tx, &use, params, &rows, err);
	if (code)
		return code;
	if (rows.count == 0)
		return look_for_theft(tx, refresh, err);
	struct uuid family = db_get_id(&rows, 0, 1);
	refresh->user = db_get_id(&rows, 0, 0);
	code = user_find(tx, &refresh->user, &refresh->session.user, err);
	if (code)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	const struct user *user = &refresh->session.user;
	if (!user->is_active || user->generation != refresh->claims.generation)
		return ERR_OK;
	refresh->outcome = SESSION_GOES_ON;
	return give_pair(tx, refresh->policy, &family, refresh->now_us, &refresh->session, err);
}

enum err_code session_end_run(struct db_tx *tx, void *arg, struct err *err)
{
	struct session_refresh *refresh = arg;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_bytes(refresh->hash, sizeof refresh->hash) };
	refresh->outcome = SESSION_ENDED;
	enum err_code code = db_query(tx, &find, params, &rows, err);
	if (code || rows.count == 0)
		return code;
	struct uuid family = db_get_id(&rows, 0, 1);
	return end_family(tx, &family, err);
}

enum err_code session_sweep(struct db_tx *tx, int64_t now_us, int64_t limit, int64_t *ret_count, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(now_us), db_int(limit) };
	enum err_code code = db_query(tx, &sweep, params, &rows, err);
	if (!code)
		*ret_count = rows.changed;
	return code;
}
