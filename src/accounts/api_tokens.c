#include "accounts/api_tokens.h"

#include <sodium.h>
#include <stdlib.h>

#include "accounts/access.h"
#include "accounts/users_priv.h"
#include "base/clock.h"

enum { VALUE_BYTES = 32, MARK_LEN = sizeof API_TOKEN_MARK - 1 };

#define COLUMNS                                                                                                        \
	"id, user_id, application_id, name, prefix, permissions, created_at, expires_at, last_used_at, revoked_at"
#define OWNED "application_id = $1 AND user_id = $2"

static const struct db_stmt find_application = { .sql = "SELECT id FROM applications WHERE id = $1 AND owner_id = $2",
						 .params = "bb" };
static const struct db_stmt count = { .sql = "SELECT count(*) FROM api_tokens WHERE " OWNED, .params = "bb" };
static const struct db_stmt insert = {
	.sql = "INSERT INTO api_tokens (id, hash, user_id, application_id, name, prefix, "
	       "permissions, created_at, expires_at) "
	       "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	.params = "bbbbttiii"
};
static const struct db_stmt list_page = { .sql = "SELECT " COLUMNS " FROM api_tokens WHERE " OWNED
						 " ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4",
					  .params = "bbii" };
static const struct db_stmt revoke_row = { .sql = "UPDATE api_tokens SET revoked_at = coalesce(revoked_at, $4) "
						  "WHERE id = $3 AND " OWNED " RETURNING " COLUMNS,
					   .params = "bbbi" };
/* Only a default application has no row before it is charged. */
static const struct db_stmt look_up = {
	.sql = "SELECT t.id, t.user_id, t.application_id, t.permissions, t.expires_at, t.revoked_at, u.is_active, "
	       "coalesce(a.is_active, CASE WHEN t.application_id = t.user_id THEN 1 ELSE 0 END), u.roles FROM "
	       "api_tokens t JOIN users u ON u.id = t.user_id "
	       "LEFT JOIN applications a ON a.id = t.application_id WHERE t.hash = $1",
	.params = "b"
};
static const struct db_stmt touch = { .sql = "UPDATE api_tokens SET last_used_at = $2 "
					     "WHERE id = $1 AND coalesce(last_used_at, 0) <= $3",
				      .params = "bii" };

/* -- permissions ----------------------------------------------------------------------------------- */

static const struct {
	int bit;
	const char *name;
} permissions_known[] = {
#define X(symbol, bit, name) { (bit), (name) },
	PERMISSION_TABLE(X)
#undef X
};

const char *permission_name(enum permission permission)
{
	for (size_t i = 0; i < ARRAY_LEN(permissions_known); i++) {
		if (permissions_known[i].bit == (int)permission)
			return permissions_known[i].name;
	}
	return NULL;
}

int permission_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(permissions_known); i++) {
		const char *known = permissions_known[i].name;
		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return permissions_known[i].bit;
	}
	return 0;
}

/* -- rows ------------------------------------------------------------------------------------------ */

static void read_row(const struct db_rows *rows, size_t row, struct api_token *ret)
{
	*ret = (struct api_token){
		.id = db_get_id(rows, row, 0),
		.user = db_get_id(rows, row, 1),
		.application = db_get_id(rows, row, 2),
		.permissions = (int)db_get_int(rows, row, 5),
		.created_us = db_get_int(rows, row, 6),
		.expires_us = db_get_int(rows, row, 7),
		.last_used_us = db_get_int(rows, row, 8),
		.revoked_us = db_get_int(rows, row, 9),
	};
	text_cell(rows, row, 3, ret->name, sizeof ret->name);
	text_cell(rows, row, 4, ret->prefix, sizeof ret->prefix);
}

static enum err_code count_owned(struct db_tx *tx, const struct api_token_owner *owner, int64_t *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(&owner->application), db_id(&owner->user) };
	enum err_code code = db_query(tx, &count, params, &rows, err);
	if (!code)
		*ret = db_get_int(&rows, 0, 0);
	return code;
}

/* -- adding ---------------------------------------------------------------------------------------- */

static bool is_own(const struct api_token_owner *owner)
{
	return memcmp(&owner->application, &owner->user, sizeof owner->user) == 0;
}

static enum err_code check_owner(struct db_tx *tx, const struct api_token_owner *owner, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(&owner->application), db_id(&owner->user) };
	int64_t owned = 0;
	enum err_code code = user_lock(tx, &owner->user, err);
	if (!code && !is_own(owner))
		code = db_query(tx, &find_application, params, &rows, err);
	if (!code && !is_own(owner) && rows.count == 0)
		code = err_set(err, ERR_NOT_FOUND, "there is no such application");
	if (!code)
		code = count_owned(tx, owner, &owned, err);
	if (!code && owned >= API_TOKENS_MAX)
		code = err_set(err, ERR_TOO_BIG, "there are at most %d tokens", API_TOKENS_MAX);
	return code;
}

static enum err_code make_value(char ret_value[API_TOKEN_VALUE_SIZE], unsigned char ret_hash[SHA256_BYTES],
				struct err *err)
{
	unsigned char bytes[VALUE_BYTES];
	randombytes_buf(bytes, sizeof bytes);
	memcpy(ret_value, API_TOKEN_MARK, MARK_LEN);
	(void)sodium_bin2hex(ret_value + MARK_LEN, API_TOKEN_VALUE_SIZE - MARK_LEN, bytes, sizeof bytes);
	sodium_memzero(bytes, sizeof bytes);
	return sha256_of_bytes(ret_value, API_TOKEN_VALUE_SIZE - 1, ret_hash, err);
}

enum err_code api_token_add(struct db_tx *tx, struct api_token *token, int64_t now_us,
			    char ret_value[API_TOKEN_VALUE_SIZE], struct err *err)
{
	unsigned char hash[SHA256_BYTES];
	struct api_token_owner owner = { token->user, token->application };
	if (!*token->name)
		return err_set(err, ERR_INVALID, "a token needs a name");
	if (token->expires_us && token->expires_us <= now_us)
		return err_set(err, ERR_INVALID, "a token cannot expire in the past");
	enum err_code code = check_owner(tx, &owner, err);
	if (!code)
		code = uuid_new(now_us, &token->id, err);
	if (!code)
		code = make_value(ret_value, hash, err);
	if (code)
		return code;
	(void)snprintf(token->prefix, sizeof token->prefix, "%s", ret_value);
	token->created_us = now_us;
	struct db_value params[] = { db_id(&token->id),
				     db_bytes(hash, sizeof hash),
				     db_id(&token->user),
				     db_id(&token->application),
				     db_text(token->name),
				     db_text(token->prefix),
				     db_int(token->permissions),
				     db_int(now_us),
				     token->expires_us ? db_int(token->expires_us) : db_null() };
	return db_query(tx, &insert, params, NULL, err);
}

/* -- listing and revoking -------------------------------------------------------------------------- */

enum err_code api_token_list(struct db_tx *tx, const struct api_token_owner *owner, size_t limit, size_t offset,
			     struct api_token_list *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(&owner->application), db_id(&owner->user), db_int((int64_t)limit),
				     db_int((int64_t)offset) };
	int64_t total = 0;
	enum err_code code = count_owned(tx, owner, &total, err);
	if (!code)
		code = db_query(tx, &list_page, params, &rows, err);
	if (code)
		return code;
	struct api_token *found = calloc(rows.count + 1, sizeof *found);
	if (!found)
		return err_set(err, ERR_NO_MEMORY, "no memory for a list of tokens");
	for (size_t i = 0; i < rows.count; i++)
		read_row(&rows, i, &found[i]);
	free(ret->rows); /* of an earlier run of the unit */
	*ret = (struct api_token_list){ .rows = found, .count = rows.count, .total = total };
	return ERR_OK;
}

void api_token_list_done(struct api_token_list *list)
{
	free(list->rows);
	*list = (struct api_token_list){ .rows = NULL };
}

enum err_code api_token_revoke(struct db_tx *tx, const struct api_token_owner *owner, const struct uuid *id,
			       int64_t now_us, struct api_token *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(&owner->application), db_id(&owner->user), db_id(id), db_int(now_us) };
	enum err_code code = db_query(tx, &revoke_row, params, &rows, err);
	if (code)
		return code;
	if (rows.count == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no such token");
	read_row(&rows, 0, ret);
	return user_tell(tx, &owner->user, err);
}

/* -- looking up ------------------------------------------------------------------------------------ */

enum err_code api_token_look_up(struct db_tx *tx, const unsigned char hash[SHA256_BYTES], bool *ret_is_good,
				struct access *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_bytes(hash, SHA256_BYTES) };
	*ret_is_good = false;
	enum err_code code = db_query(tx, &look_up, params, &rows, err);
	if (code || rows.count == 0)
		return code;
	*ret_is_good = db_is_null(&rows, 0, 5) && db_get_int(&rows, 0, 6) != 0 && db_get_int(&rows, 0, 7) != 0;
	*ret = (struct access){ .kind = ACCESS_API_TOKEN,
				.token = db_get_id(&rows, 0, 0),
				.user = db_get_id(&rows, 0, 1),
				.application = db_get_id(&rows, 0, 2),
				.permissions = (int)db_get_int(&rows, 0, 3),
				.expires_s = db_is_null(&rows, 0, 4) ? INT64_MAX : db_get_int(&rows, 0, 4) / US_PER_S,
				.roles = roles_parse(db_get_text(&rows, 0, 8)) };
	return ERR_OK;
}

enum err_code api_token_touch(struct db_tx *tx, const struct uuid *id, int64_t now_us, struct err *err)
{
	struct db_value params[] = { db_id(id), db_int(now_us), db_int(now_us - ACCESS_AGE_US) };
	return db_query(tx, &touch, params, NULL, err);
}
