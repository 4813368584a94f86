#include "accounts/applications.h"

#include <stdlib.h>

#include "accounts/users_priv.h"

#define COLUMNS "id, owner_id, name, description, is_active, created_at, updated_at"

static const struct db_stmt count = { .sql = "SELECT count(*) FROM applications WHERE owner_id = $1", .params = "b" };
static const struct db_stmt insert = { .sql = "INSERT INTO applications (" COLUMNS
					      ") VALUES ($1, $2, $3, $4, 1, $5, $5)",
				       .params = "bbtti" };
static const struct db_stmt find = { .sql = "SELECT " COLUMNS " FROM applications WHERE id = $1 AND owner_id = $2",
				     .params = "bb" };
static const struct db_stmt list_page = { .sql = "SELECT " COLUMNS " FROM applications WHERE owner_id = $1 "
						 "ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3",
					  .params = "bii" };
static const struct db_stmt change_row = {
	.sql = "UPDATE applications SET name = coalesce($3, name), description = coalesce($4, description), "
	       "is_active = coalesce($5, is_active), updated_at = $6 WHERE id = $1 AND owner_id = $2 "
	       "RETURNING " COLUMNS,
	.params = "bbttii"
};
static const struct db_stmt drop_tokens = { .sql = "DELETE FROM api_tokens WHERE application_id = $1", .params = "b" };
static const struct db_stmt drop = { .sql = "DELETE FROM applications WHERE id = $1 AND owner_id = $2",
				     .params = "bb" };

static void read_row(const struct db_rows *rows, size_t row, struct application *ret)
{
	*ret = (struct application){
		.id = db_get_id(rows, row, 0),
		.owner = db_get_id(rows, row, 1),
		.is_active = db_get_int(rows, row, 4) != 0,
		.created_us = db_get_int(rows, row, 5),
		.updated_us = db_get_int(rows, row, 6),
	};
	text_cell(rows, row, 2, ret->name, sizeof ret->name);
	text_cell(rows, row, 3, ret->description, sizeof ret->description);
}

static enum err_code not_found(struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "there is no such application");
}

static enum err_code check_name(const char *name, struct err *err)
{
	return *name ? ERR_OK : err_set(err, ERR_INVALID, "an application needs a name");
}

static enum err_code count_owned(struct db_tx *tx, const struct uuid *owner, int64_t *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(owner) };
	enum err_code code = db_query(tx, &count, params, &rows, err);
	if (!code)
		*ret = db_get_int(&rows, 0, 0);
	return code;
}

enum err_code application_add(struct db_tx *tx, struct application *application, int64_t now_us, struct err *err)
{
	int64_t owned = 0;
	enum err_code code = check_name(application->name, err);
	if (!code)
		code = user_lock(tx, &application->owner, err);
	if (!code)
		code = count_owned(tx, &application->owner, &owned, err);
	if (!code && owned >= APPLICATIONS_MAX)
		code = err_set(err, ERR_TOO_BIG, "a user has at most %d applications", APPLICATIONS_MAX);
	if (!code)
		code = uuid_new(now_us, &application->id, err);
	if (code)
		return code;
	application->is_active = true;
	application->created_us = now_us;
	application->updated_us = now_us;
	struct db_value params[] = { db_id(&application->id), db_id(&application->owner), db_text(application->name),
				     db_text(application->description), db_int(now_us) };
	return db_query(tx, &insert, params, NULL, err);
}

enum err_code application_find(struct db_tx *tx, const struct uuid *owner, const struct uuid *id,
			       struct application *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(id), db_id(owner) };
	enum err_code code = db_query(tx, &find, params, &rows, err);
	if (code)
		return code;
	if (rows.count == 0)
		return not_found(err);
	read_row(&rows, 0, ret);
	return ERR_OK;
}

enum err_code application_list(struct db_tx *tx, const struct uuid *owner, size_t limit, size_t offset,
			       struct application_list *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(owner), db_int((int64_t)limit), db_int((int64_t)offset) };
	int64_t total = 0;
	enum err_code code = count_owned(tx, owner, &total, err);
	if (!code)
		code = db_query(tx, &list_page, params, &rows, err);
	if (code)
		return code;
	struct application *found = calloc(rows.count + 1, sizeof *found);
	if (!found)
		return err_set(err, ERR_NO_MEMORY, "no memory for a list of applications");
	for (size_t i = 0; i < rows.count; i++)
		read_row(&rows, i, &found[i]);
	free(ret->rows); /* of an earlier run of the unit */
	*ret = (struct application_list){ .rows = found, .count = rows.count, .total = total };
	return ERR_OK;
}

void application_list_done(struct application_list *list)
{
	free(list->rows);
	*list = (struct application_list){ .rows = NULL };
}

enum err_code application_change(struct db_tx *tx, const struct uuid *owner, const struct uuid *id,
				 const struct application_change *change, int64_t now_us, struct application *ret,
				 struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(id),
				     db_id(owner),
				     db_text(change->name),
				     db_text(change->description),
				     change->is_active ? db_int(*change->is_active) : db_null(),
				     db_int(now_us) };
	if (change->name && check_name(change->name, err) != ERR_OK)
		return err->code;
	enum err_code code = db_query(tx, &change_row, params, &rows, err);
	if (code)
		return code;
	if (rows.count == 0)
		return not_found(err);
	read_row(&rows, 0, ret);
	return change->is_active ? user_tell(tx, owner, err) : ERR_OK;
}

enum err_code application_delete(struct db_tx *tx, const struct uuid *owner, const struct uuid *id, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(id), db_id(owner) };
	if (memcmp(id, owner, sizeof *id) == 0)
		return err_set(err, ERR_CONFLICT, "the default application stays as long as its owner");
	/* A token that is added at this moment is seen, or sees that there is no application. */
	enum err_code code = user_lock(tx, owner, err);
	if (!code)
		code = db_query(tx, &drop, params, &rows, err);
	if (!code && rows.changed == 0)
		return not_found(err);
	if (!code)
		code = db_post(tx, &drop_tokens, params, err);
	return code ? code : user_tell(tx, owner, err);
}
