#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "store/sqlite_priv.h"

enum {
	/* Steps of SQLite's machine between two looks at the clock: some 10 ms. */
	PROGRESS_STEPS = 100000
};

/* -- errors ----------------------------------------------------------------------------------------- */

static enum err_code constraint_error(int status, const char *text, struct err *err)
{
	switch (status) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return err_set(err, ERR_CONFLICT, "such a row exists already: %s", text);
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return err_set(err, ERR_REFERENCE, "a row that is referred to is missing, or still referred to");
	default:
		return err_set(err, ERR_INVALID, "the database refused a value: %s", text);
	}
}

enum err_code sqlite_conn_error(const struct sqlite_conn *conn, int status, struct err *err)
{
	/* SQLite's text names tables and columns, never values. */
	const char *text = sqlite3_errmsg(conn->db);
	switch (status & 0xff) {
	case SQLITE_CONSTRAINT:
		return constraint_error(status, text, err);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(err, ERR_BUSY, "another program holds the database's lock; try again");
	case SQLITE_FULL:
		return err_set(err, ERR_NO_SPACE, "the disk of the database is full");
	case SQLITE_READONLY:
		return err_set(err, ERR_READ_ONLY, "the database can only be read: %s", text);
	case SQLITE_INTERRUPT:
		return err_set(err, ERR_TIMEOUT, "the database took too long");
	case SQLITE_NOMEM:
		return err_set(err, ERR_NO_MEMORY, "no memory for the database");
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_set(err, ERR_CORRUPT, "the database is damaged: %s", text);
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		return err_set_errno(err, ERR_IO, sqlite3_system_errno(conn->db),
				     "the database could not be read or written");
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return err_set(err, ERR_DENIED, "access to the database was refused: %s", text);
	default:
		return err_set(err, ERR_INTERNAL, "a statement failed: %s", text);
	}
}

/* -- statements -------------------------------------------------------------------------------------- */

static int on_progress(void *arg)
{
	const struct sqlite_conn *conn = arg;
	return clock_monotonic_us() > conn->deadline_us;
}

static enum err_code prepare_new(struct sqlite_conn *conn, const struct db_stmt *stmt, sqlite3_stmt **ret,
				 struct err *err)
{
	cleanup_strbuf struct strbuf sql = STRBUF_INIT(DIALECT_SQL_MAX);
	enum err_code code = dialect_expand(DIALECT_SQLITE, stmt->sql, &sql, err);
	if (code != ERR_OK)
		return code;
	unsigned flags = stmt->is_once ? 0 : SQLITE_PREPARE_PERSISTENT;
	int status = sqlite3_prepare_v3(conn->db, strbuf_str(&sql), (int)sql.len + 1, flags, ret, NULL);
	return status == SQLITE_OK ? ERR_OK : sqlite_conn_error(conn, status, err);
}

/* A statement that is not kept is finalized by the caller. */
static enum err_code prepare(struct sqlite_conn *conn, const struct db_stmt *stmt, sqlite3_stmt **ret, struct err *err)
{
	if (stmt->is_once)
		return prepare_new(conn, stmt, ret, err);
	int number;
	enum err_code code = stmt_map_number(&conn->map, stmt, &number, err);
	if (code == ERR_OK && !conn->stmts[number])
		code = prepare_new(conn, stmt, &conn->stmts[number], err);
	if (code == ERR_OK)
		*ret = conn->stmts[number];
	return code;
}

static int bind_one(sqlite3_stmt *s, int index, const struct db_value *value)
{
	switch (value->type) {
	case DB_INT:
		return sqlite3_bind_int64(s, index, value->integer);
	case DB_TEXT:
		return sqlite3_bind_text64(s, index, value->data, value->size, SQLITE_STATIC, SQLITE_UTF8);
	case DB_BYTES:
		return sqlite3_bind_blob64(s, index, value->data, value->size, SQLITE_STATIC);
	case DB_NULL:
	default:
		return sqlite3_bind_null(s, index);
	}
}

static int bind_all(sqlite3_stmt *s, const struct db_stmt *stmt, const struct db_value *params)
{
	int status = SQLITE_OK;
	for (int i = 0; status == SQLITE_OK && stmt->params[i]; i++)
		status = bind_one(s, i + 1, &params[i]);
	return status;
}

static void fetch_cell(sqlite3_stmt *s, int column, struct db_rows *ret)
{
	switch (sqlite3_column_type(s, column)) {
	case SQLITE_INTEGER:
		rows_set_int(ret, (size_t)column, sqlite3_column_int64(s, column));
		break;
	case SQLITE_NULL:
		break;
	case SQLITE_BLOB:
		rows_set_bytes(ret, (size_t)column, DB_BYTES, sqlite3_column_blob(s, column),
			       (size_t)sqlite3_column_bytes(s, column));
		break;
	default:
		rows_set_bytes(ret, (size_t)column, DB_TEXT, sqlite3_column_text(s, column),
			       (size_t)sqlite3_column_bytes(s, column));
		break;
	}
}

static enum err_code fetch_row(sqlite3_stmt *s, struct db_rows *ret, struct err *err)
{
	enum err_code code = rows_begin(ret, err);
	if (code != ERR_OK)
		return code;
	for (int i = 0; i < (int)ret->columns; i++)
		fetch_cell(s, i, ret);
	return rows_check(ret, err);
}

static enum err_code step_all(struct sqlite_conn *conn, sqlite3_stmt *s, struct db_rows *ret, struct err *err)
{
	if (ret)
		rows_clear(ret, (size_t)sqlite3_column_count(s));
	int status;
	while ((status = sqlite3_step(s)) == SQLITE_ROW) {
		enum err_code code = ret ? fetch_row(s, ret, err) : ERR_OK;
		if (code != ERR_OK)
			return code;
	}
	if (status != SQLITE_DONE)
		return sqlite_conn_error(conn, status, err);
	if (ret)
		ret->changed = sqlite3_stmt_readonly(s) ? 0 : sqlite3_changes(conn->db);
	return ERR_OK;
}

static enum err_code sqlite_query(struct db_tx *tx, const struct db_stmt *stmt, const struct db_value *params,
				  struct db_rows *ret, struct err *err)
{
	struct sqlite_conn *conn = (struct sqlite_conn *)tx;
	sqlite3_stmt *s = NULL;
	enum err_code code = prepare(conn, stmt, &s, err);
	if (code != ERR_OK)
		return code;
	int status = bind_all(s, stmt, params);
	code = status == SQLITE_OK ? step_all(conn, s, ret, err) : sqlite_conn_error(conn, status, err);
	if (stmt->is_once) {
		(void)sqlite3_finalize(s);
	} else {
		(void)sqlite3_reset(s);
		(void)sqlite3_clear_bindings(s);
	}
	return code;
}

static enum err_code sqlite_post(struct db_tx *tx, const struct db_stmt *stmt, const struct db_value *params,
				 struct err *err)
{
	return sqlite_query(tx, stmt, params, NULL, err);
}

static enum err_code sqlite_notify(struct db_tx *tx, const char *channel, const char *text, struct err *err)
{
	struct strbuf *notices = &((struct sqlite_conn *)tx)->notices;
	strbuf_add(notices, channel, strlen(channel) + 1);
	strbuf_add(notices, text, strlen(text) + 1);
	return strbuf_check(notices, "the notices of a transaction", err);
}

static const struct db_tx_ops sqlite_tx_ops = { .query = sqlite_query, .post = sqlite_post, .notify = sqlite_notify };

enum err_code sqlite_conn_run(struct sqlite_conn *conn, struct db_job *job)
{
	conn->tx = (struct db_tx){ .ops = &sqlite_tx_ops };
	conn->deadline_us = job->deadline_us;
	if (clock_monotonic_us() > job->deadline_us)
		return err_set(&job->err, ERR_TIMEOUT, "the database has too much to do");
	enum err_code code = job->work.run(&conn->tx, job->work.arg, &job->err);
	if (code == ERR_OK && conn->tx.failed.code != ERR_OK) {
		job->err = conn->tx.failed;
		code = job->err.code;
	}
	/* What ends the transaction is not the unit's and must not be cut short by its deadline. */
	conn->deadline_us = INT64_MAX;
	return code;
}

/* -- connections ------------------------------------------------------------------------------------- */

int sqlite_conn_step(struct sqlite_conn *conn, const struct db_stmt *stmt)
{
	sqlite3_stmt *s = NULL;
	struct err err;
	if (prepare(conn, stmt, &s, &err) != ERR_OK)
		return SQLITE_ERROR;
	int status = sqlite3_step(s);
	(void)sqlite3_reset(s);
	return status;
}

enum err_code sqlite_conn_exec(struct sqlite_conn *conn, const char *sql, struct err *err)
{
	int status = sqlite3_exec(conn->db, sql, NULL, NULL, NULL);
	return status == SQLITE_OK ? ERR_OK : sqlite_conn_error(conn, status, err);
}

enum err_code sqlite_conn_open(const char *path, bool create, struct sqlite_conn **ret, struct err *err)
{
	struct sqlite_conn *conn = calloc(1, sizeof *conn);
	if (!conn)
		return err_set(err, ERR_NO_MEMORY, "no memory for the database");
	conn->notices = (struct strbuf)STRBUF_INIT(SQLITE_NOTICES_MAX);
	conn->deadline_us = INT64_MAX;
	conn->tx.ops = &sqlite_tx_ops;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
	int status = sqlite3_open_v2(path, &conn->db, flags, NULL);
	enum err_code code = status == SQLITE_OK ? ERR_OK : sqlite_conn_error(conn, status, err);
	if (code == ERR_OK) {
		(void)sqlite3_extended_result_codes(conn->db, 1);
		(void)sqlite3_busy_timeout(conn->db, SQLITE_BUSY_MS);
		sqlite3_progress_handler(conn->db, PROGRESS_STEPS, on_progress, conn);
		/* The cache is 16 MiB; what is larger is the system's page cache anyway. A log that one large write
		 * made long is cut to 64 MiB when it begins anew. */
		code = sqlite_conn_exec(
			conn,
			"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; "
			"PRAGMA trusted_schema = OFF; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; "
			"PRAGMA journal_size_limit = 67108864",
			err);
	}
	if (code != ERR_OK) {
		sqlite_conn_close(conn);
		return code;
	}
	*ret = conn;
	return ERR_OK;
}

void sqlite_conn_close(struct sqlite_conn *conn)
{
	if (!conn)
		return;
	for (int i = 0; i < conn->map.count; i++)
		(void)sqlite3_finalize(conn->stmts[i]);
	(void)sqlite3_close(conn->db);
	strbuf_done(&conn->notices);
	free(conn);
}
