#include "accounts/users.h"

#include "accounts/users_priv.h"

#define COLUMNS                                                                                                        \
	"id, email, username, phone, first_name, last_name, plan, roles, is_active, generation, created_at, "          \
	"updated_at, public_key, password_hash"
enum { HASH_COLUMN = 13 };

static const struct db_stmt by_id = { .sql = "SELECT " COLUMNS " FROM users WHERE id = $1", .params = "b" };
static const struct db_stmt by_login[] = {
	[LOGIN_EMAIL] = { .sql = "SELECT " COLUMNS " FROM users WHERE email = $1", .params = "t" },
	[LOGIN_PHONE] = { .sql = "SELECT " COLUMNS " FROM users WHERE phone = $1", .params = "t" },
	[LOGIN_USERNAME] = { .sql = "SELECT " COLUMNS " FROM users WHERE username = $1", .params = "t" },
};
static const struct db_stmt list_after = { .sql = "SELECT " COLUMNS " FROM users WHERE id > $1 ORDER BY id LIMIT $2",
					   .params = "bi" };
/* Few installations have more than a handful before the first administrator. */
static const struct db_stmt find_admin = {
	.sql = "SELECT 1 FROM users WHERE is_active = 1 AND ' ' || roles || ' ' LIKE '% admin %' ORDER BY id LIMIT 1",
	.params = ""
};

static void read_user(const struct db_rows *rows, size_t row, struct user *ret)
{
	size_t size;
	*ret = (struct user){
		.id = db_get_id(rows, row, 0),
		.roles = roles_parse(db_get_text(rows, row, 7)),
		.is_active = db_get_int(rows, row, 8) != 0,
		.generation = db_get_int(rows, row, 9),
		.created_us = db_get_int(rows, row, 10),
		.updated_us = db_get_int(rows, row, 11),
	};
	text_cell(rows, row, 1, ret->email, sizeof ret->email);
	text_cell(rows, row, 2, ret->username, sizeof ret->username);
	text_cell(rows, row, 3, ret->phone, sizeof ret->phone);
	text_cell(rows, row, 4, ret->first_name, sizeof ret->first_name);
	text_cell(rows, row, 5, ret->last_name, sizeof ret->last_name);
	text_cell(rows, row, 6, ret->plan, sizeof ret->plan);
	const void *key = db_get_bytes(rows, row, 12, &size);
	if (size == sizeof ret->public_key.bytes)
		memcpy(ret->public_key.bytes, key, size);
}

static enum err_code not_found(struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "there is no such user");
}

enum err_code user_find(struct db_tx *tx, const struct uuid *id, struct user *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(id) };
	enum err_code code = db_query(tx, &by_id, params, &rows, err);
	if (code)
		return code;
	if (rows.count == 0)
		return not_found(err);
	read_user(&rows, 0, ret);
	return ERR_OK;
}

enum err_code user_find_login(struct db_tx *tx, const char *login, struct user *ret, char ret_hash[PASSWORD_HASH_SIZE],
			      struct err *err)
{
	char name[EMAIL_MAX + 1];
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	enum login_kind kind = text_login(login, name);
	if (kind == LOGIN_NONE)
		return not_found(err);
	struct db_value params[] = { db_text(name) };
	enum err_code code = db_query(tx, &by_login[kind], params, &rows, err);
	if (code)
		return code;
	if (rows.count == 0)
		return not_found(err);
	read_user(&rows, 0, ret);
	if (ret_hash)
		text_cell(&rows, 0, HASH_COLUMN, ret_hash, PASSWORD_HASH_SIZE);
	return ERR_OK;
}

enum err_code user_list(struct db_tx *tx, const struct user_page *page, struct user_list *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	if (page->limit < 1 || page->limit > USERS_LIST_MAX)
		return err_set(err, ERR_INVALID, "users are listed in pages of 1 to %d", USERS_LIST_MAX);
	struct db_value params[] = { db_id(&page->after), db_int((int64_t)page->limit) };
	enum err_code code = db_query(tx, &list_after, params, &rows, err);
	if (code)
		return code;
	struct user *users = calloc(rows.count + 1, sizeof *users);
	if (!users)
		return err_set(err, ERR_NO_MEMORY, "no memory for a list of users");
	for (size_t i = 0; i < rows.count; i++)
		read_user(&rows, i, &users[i]);
	free(ret->rows); /* of an earlier run of the unit */
	*ret = (struct user_list){ .rows = users, .count = rows.count };
	return ERR_OK;
}

void user_list_done(struct user_list *list)
{
	free(list->rows);
	*list = (struct user_list){ .rows = NULL };
}

enum err_code user_admin_exists(struct db_tx *tx, bool *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	enum err_code code = db_query(tx, &find_admin, NULL, &rows, err);
	if (!code)
		*ret = rows.count > 0;
	return code;
}

/* -- changing -------------------------------------------------------------------------------------- */

static const struct db_stmt set_roles = { .sql = "UPDATE users SET roles = $2, updated_at = $3 WHERE id = $1",
					  .params = "bti" };
static const struct db_stmt set_active = {
	.sql = "UPDATE users SET is_active = $2, updated_at = $3 WHERE id = $1 AND deleted_at IS NULL", .params = "bii"
};
static const struct db_stmt set_plan = { .sql = "UPDATE users SET plan = $2, updated_at = $3 WHERE id = $1",
					 .params = "bti" };
static const struct db_stmt set_hash = { .sql = "UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1",
					 .params = "bti" };
static const struct db_stmt set_rehash = {
	.sql = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2", .params = "btt"
};
static const struct db_stmt raise_generation = { .sql = "UPDATE users SET generation = generation + 1 WHERE id = $1",
						 .params = "b" };
static const struct db_stmt drop_tokens = { .sql = "DELETE FROM refresh_tokens WHERE user_id = $1", .params = "b" };
static const struct db_stmt mark_deleted = {
	.sql = "UPDATE users SET is_active = 0, deleted_at = $2, updated_at = $3 WHERE id = $1", .params = "bii"
};
static const struct db_stmt list_deleted = {
	.sql = "SELECT id FROM users WHERE deleted_at IS NOT NULL ORDER BY id LIMIT $1", .params = "i"
};
static const struct db_stmt drop_user = { .sql = "DELETE FROM users WHERE id = $1", .params = "b" };

enum err_code user_lock(struct db_tx *tx, const struct uuid *id, struct err *err)
{
	static const struct db_stmt lock = { .sql = "SELECT id FROM users WHERE id = $1 {lock_rows}", .params = "b" };
	struct db_value params[] = { db_id(id) };
	return db_post(tx, &lock, params, err);
}

enum err_code user_tell(struct db_tx *tx, const struct uuid *id, struct err *err)
{
	char text[UUID_TEXT_SIZE];
	uuid_text(id, text);
	return db_notify(tx, USERS_CHANNEL, text, err);
}

enum err_code user_end_tokens(struct db_tx *tx, const struct uuid *id, struct err *err)
{
	struct db_value params[] = { db_id(id) };
	enum err_code code = db_post(tx, &raise_generation, params, err);
	if (!code)
		code = db_post(tx, &drop_tokens, params, err);
	return code ? code : user_tell(tx, id, err);
}

/* Sets one column; ERR_NOT_FOUND where there is no such user. */
static enum err_code set(struct db_tx *tx, const struct db_stmt *stmt, const struct uuid *id, struct db_value value,
			 int64_t now_us, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(id), value, db_int(now_us) };
	enum err_code code = db_query(tx, stmt, params, &rows, err);
	return code == ERR_OK && rows.changed == 0 ? not_found(err) : code;
}

enum err_code user_change(struct db_tx *tx, const struct uuid *id, const struct user_change *change, int64_t now_us,
			  struct err *err)
{
	char roles[ROLES_TEXT_SIZE];
	enum err_code code = ERR_OK;
	if (change->roles) {
		roles_text(*change->roles, roles);
		code = set(tx, &set_roles, id, db_text(roles), now_us, err);
	}
	if (!code && change->plan)
		code = set(tx, &set_plan, id, db_text(change->plan), now_us, err);
	if (!code && change->is_active)
		code = set(tx, &set_active, id, db_int(*change->is_active), now_us, err);
	if (!code && change->is_active && !*change->is_active)
		return user_end_tokens(tx, id, err);
	return code ? code : user_tell(tx, id, err);
}

enum err_code user_change_role(struct db_tx *tx, const struct uuid *id, enum role role, bool is_grant, int64_t now_us,
			       struct err *err)
{
	struct user user;
	if (user_lock(tx, id, err) != ERR_OK || user_find(tx, id, &user, err) != ERR_OK)
		return err->code;
	unsigned bit = roles_of(role).bits;
	struct roles roles = { is_grant ? user.roles.bits | bit : user.roles.bits & ~bit };
	if (!roles.bits)
		return err_set(err, ERR_INVALID, "\"%s\" is the only role of %s", role_name(role), user.email);
	return user_change(tx, id, &(struct user_change){ .roles = &roles }, now_us, err);
}

enum err_code user_set_password(struct db_tx *tx, const struct uuid *id, const char *hash, int64_t now_us,
				struct err *err)
{
	enum err_code code = set(tx, &set_hash, id, db_text(hash), now_us, err);
	return code ? code : user_end_tokens(tx, id, err);
}

enum err_code user_rehash(struct db_tx *tx, const struct uuid *id, const char *old_hash, const char *hash,
			  struct err *err)
{
	struct db_value params[] = { db_id(id), db_text(old_hash), db_text(hash) };
	return db_post(tx, &set_rehash, params, err);
}

enum err_code user_mark_deleted(struct db_tx *tx, const struct uuid *id, int64_t now_us, struct err *err)
{
	enum err_code code = set(tx, &mark_deleted, id, db_int(now_us), now_us, err);
	return code ? code : user_end_tokens(tx, id, err);
}

enum err_code user_list_deleted(struct db_tx *tx, struct db_rows *ret, struct err *err)
{
	struct db_value params[] = { db_int(USERS_LIST_MAX) };
	return db_query(tx, &list_deleted, params, ret, err);
}

enum err_code user_delete(struct db_tx *tx, const struct uuid *id, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(id) };
	enum err_code code = db_query(tx, &drop_user, params, &rows, err);
	if (code == ERR_REFERENCE)
		return err_set(err, code, "the user still has files or jobs");
	if (!code && rows.changed == 0)
		return not_found(err);
	return code ? code : user_tell(tx, id, err);
}
