#include "store/migrate.h"

#include "base/clock.h"

enum {
	/* A migration may rebuild a large table. */
	MIGRATION_TIMEOUT_MS = 3600 * 1000
};

static const struct db_stmt no_timeout = { .sql = "{no_timeout}", .params = "" };
static const struct db_stmt take_lock = { .sql = "{migration_lock}", .params = "" };
static const struct db_stmt make_table = {
	.sql = "CREATE TABLE IF NOT EXISTS schema_versions (version {int} PRIMARY KEY, name text NOT NULL, "
	       "program text NOT NULL, applied_at {int} NOT NULL) {table}",
	.params = ""
};
static const struct db_stmt has_table = { .sql = "{has_table schema_versions}", .params = "" };
static const struct db_stmt get_version = { .sql = "SELECT coalesce(max(version), 0) FROM schema_versions",
					    .params = "" };
static const struct db_stmt add_version = {
	.sql = "INSERT INTO schema_versions (version, name, program, applied_at) VALUES ($1, $2, $3, $4)",
	.params = "itti"
};

static enum err_code read_version(struct db_tx *tx, int *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	enum err_code code = db_query(tx, &get_version, NULL, &rows, err);
	if (code == ERR_OK)
		*ret = (int)db_get_int(&rows, 0, 0);
	return code;
}

/* Without creating anything: a dry run and a database that can only be read work too. */
static enum err_code version_unit(struct db_tx *tx, void *arg, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	enum err_code code = db_query(tx, &has_table, NULL, &rows, err);
	if (code != ERR_OK)
		return code;
	if (rows.count == 0) {
		*(int *)arg = 0;
		return ERR_OK;
	}
	return read_version(tx, arg, err);
}

enum err_code migrate_version(struct db *db, int *ret, struct err *err)
{
	struct db_work work = { .mode = DB_READ, .run = version_unit, .arg = ret };
	return db_run(db, &work, err);
}

static enum err_code run_statements(struct db_tx *tx, const char *const *statements, struct err *err)
{
	enum err_code code = ERR_OK;
	for (; code == ERR_OK && *statements; statements++) {
		struct db_stmt stmt = { .sql = *statements, .params = "", .is_once = true };
		code = db_query(tx, &stmt, NULL, NULL, err);
	}
	return code;
}

/* The version is read under the lock: another node may have been faster. */
static enum err_code step_unit(struct db_tx *tx, void *arg, struct err *err)
{
	const struct migration *m = *(const struct migration **)arg;
	int version = 0;
	enum err_code code = db_query(tx, &no_timeout, NULL, NULL, err);
	if (code == ERR_OK)
		code = db_query(tx, &take_lock, NULL, NULL, err);
	if (code == ERR_OK)
		code = db_query(tx, &make_table, NULL, NULL, err);
	if (code == ERR_OK)
		code = read_version(tx, &version, err);
	if (code != ERR_OK || version >= m->version)
		return code;
	code = run_statements(tx, m->statements, err);
	struct db_value params[] = { db_int(m->version), db_text(m->name), db_text(TIRO_VERSION),
				     db_int(clock_wall_us()) };
	return code == ERR_OK ? db_query(tx, &add_version, params, NULL, err) : code;
}

static enum err_code run_step(struct db *db, const struct migration *migration, struct err *err)
{
	struct db_work work = {
		.mode = DB_WRITE, .run = step_unit, .arg = (void *)&migration, .timeout_ms = MIGRATION_TIMEOUT_MS
	};
	enum err_code code = db_run(db, &work, err);
	return code == ERR_OK ? ERR_OK : err_prefix(err, "migration %d (%s)", migration->version, migration->name);
}

enum err_code migrate_run(struct db *db, const struct migrate_plan *plan, struct err *err)
{
	int version;
	enum err_code code = migrate_version(db, &version, err);
	if (code != ERR_OK)
		return code;
	if (version > plan->count)
		return err_set(err, ERR_UNAVAILABLE,
			       "the database has version %d, this program knows %d: use a newer program", version,
			       plan->count);
	for (int i = version; code == ERR_OK && i < plan->count; i++) {
		if (plan->on_step)
			plan->on_step(plan->arg, &plan->list[i]);
		if (!plan->is_dry)
			code = run_step(db, &plan->list[i], err);
	}
	return code;
}

enum err_code migrate_up(struct db *db, struct err *err)
{
	struct migrate_plan plan = { .list = migrations, .count = migration_count };
	return migrate_run(db, &plan, err);
}
