#include "accounts/plans.h"

/* Weights in the database are integers: this is 1. */
#define WEIGHT_ONE 1000000.0

static const struct db_stmt find_stmt = {
	.sql = "SELECT p.file_bytes, p.storage_bytes, p.weight, p.priority_max FROM users u "
	       "JOIN plans p ON p.name = u.plan WHERE u.id = $1",
	.params = "b"
};

static int64_t limit_of(const struct db_rows *rows, size_t column)
{
	return db_is_null(rows, 0, column) ? PLAN_UNLIMITED : db_get_int(rows, 0, column);
}

enum err_code plan_of_user(struct db_tx *tx, const struct uuid *user, struct plan *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_bytes(user->bytes, sizeof user->bytes) };
	if (db_query(tx, &find_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return err_set(err, ERR_REFERENCE, "there is no such user");
	*ret = (struct plan){ .file_bytes = limit_of(&rows, 0),
			      .storage_bytes = limit_of(&rows, 1),
			      .weight = (double)db_get_int(&rows, 0, 2) / WEIGHT_ONE,
			      .priority_max = (int)db_get_int(&rows, 0, 3) };
	return ERR_OK;
}
