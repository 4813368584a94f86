#include "files/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "files/files_priv.h"

enum { ROWS_AT_ONCE = 200 };

static const struct db_stmt abandon_stmt = { .sql = "UPDATE files SET state = 2 WHERE id IN (SELECT id FROM files "
						    "WHERE state = 0 AND created_at < $1 LIMIT $2) "
						    "RETURNING id",
					     .params = "ii" };
static const struct db_stmt deleting_stmt = {
	.sql = "SELECT id FROM files WHERE state = 2 AND created_at < $1 AND id > $2 ORDER BY id LIMIT $3",
	.params = "ibi"
};
#define OF_DEAD_NODE "node_id <> 0 AND NOT EXISTS (SELECT 1 FROM queue_nodes n WHERE n.id = files.node_id)"
static const struct db_stmt abandon_dead_stmt = { .sql = "UPDATE files SET state = 2 WHERE state = 0 AND " OF_DEAD_NODE,
						  .params = "" };
static const struct db_stmt dead_stmt = { .sql = "SELECT id FROM files WHERE state = 2 AND " OF_DEAD_NODE
						 " AND id > $1 ORDER BY id LIMIT $2",
					  .params = "bi" };
static const struct db_stmt known_stmt = { .sql = "SELECT 1 FROM files WHERE id = $1", .params = "b" };

static enum err_code abandon_uploads(const struct files *files, int64_t before_us, struct sweep_counts *counts,
				     struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(before_us), db_int(ROWS_AT_ONCE) };
	do {
		if (db_run_stmt(files->db, DB_WRITE, &abandon_stmt, params, &rows, err) != ERR_OK)
			return err->code;
		counts->uploads += rows.count;
	} while (rows.count == ROWS_AT_ONCE);
	return ERR_OK;
}

/* One that fails does not keep the others from being removed; the next sweep comes back to it. *after is then the last.
 */
static void remove_all(const struct files *files, const struct db_rows *rows, struct uuid *after, uint64_t *count)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct err why;
		*after = db_get_id(rows, i, 0);
		if (files_remove(files, after, &why) == ERR_OK)
			++*count;
		else
			log_line(LOG_WARNING, "a deleted file could not be removed: %s", why.message);
	}
}

static enum err_code end_deletions(const struct files *files, int64_t before_us, struct sweep_counts *counts,
				   struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct uuid after = { 0 };
	do {
		struct db_value params[] = { db_int(before_us), db_id(&after), db_int(ROWS_AT_ONCE) };
		if (db_run_stmt(files->db, DB_READ, &deleting_stmt, params, &rows, err) != ERR_OK)
			return err->code;
		remove_all(files, &rows, &after, &counts->deletions);
	} while (rows.count == ROWS_AT_ONCE);
	return ERR_OK;
}

enum err_code files_sweep_dead_uploads(const struct files *files, uint64_t *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct uuid after = { 0 };
	*ret = 0;
	if (db_run_stmt(files->db, DB_WRITE, &abandon_dead_stmt, NULL, NULL, err) != ERR_OK)
		return err->code;
	do {
		struct db_value params[] = { db_id(&after), db_int(ROWS_AT_ONCE) };
		if (db_run_stmt(files->db, DB_READ, &dead_stmt, params, &rows, err) != ERR_OK)
			return err->code;
		remove_all(files, &rows, &after, ret);
	} while (rows.count == ROWS_AT_ONCE);
	return ERR_OK;
}

/* -- objects without a row --------------------------------------------------------------------------------- */

struct hunt {
	const struct files *files;
	const struct sweep_rule *rule;
	int64_t before_us;
	struct sweep_counts *counts;
	struct err *err;
};

/* "PREFIX" and an id, and nothing or a slash behind it. What is no name of ours is left alone. */
static bool read_key(const struct hunt *hunt, const char *key, struct uuid *ret)
{
	size_t prefix = strlen(hunt->rule->prefix);
	if (strncmp(key, hunt->rule->prefix, prefix) != 0)
		return false;
	size_t len = strcspn(key + prefix, "/");
	return uuid_parse(key + prefix, len, ret);
}

static bool look_at(void *owner, const struct blob_info *info)
{
	struct hunt *hunt = owner;
	struct uuid id;
	bool known = true;
	if (info->time_us >= hunt->before_us || !read_key(hunt, info->key, &id))
		return true;
	if (hunt->rule->is_known(hunt->files, &id, &known, hunt->err) != ERR_OK)
		return false;
	if (known)
		return true;
	hunt->counts->objects++;
	return blob_delete(hunt->files->blobs, info->key, hunt->err) == ERR_OK;
}

enum err_code files_sweep_objects(const struct files *files, const struct sweep_rule *rule, int64_t before_us,
				  struct sweep_counts *counts, struct err *err)
{
	struct hunt hunt = { files, rule, before_us, counts, err };
	err->code = ERR_OK;
	enum err_code code = blob_list(files->blobs, rule->prefix, look_at, &hunt, err);
	return code != ERR_OK ? code : err->code;
}

static enum err_code is_file(const struct files *files, const struct uuid *id, bool *ret, struct err *err)
{
	struct db_value params[] = { db_id(id) };
	return db_has_row(files->db, &known_stmt, params, ret, err);
}

enum err_code files_sweep(const struct files *files, int64_t before_us, struct sweep_counts *counts, struct err *err)
{
	static const struct sweep_rule rule = { "files/", is_file };
	uint64_t puts = 0;
	if (abandon_uploads(files, before_us, counts, err) != ERR_OK ||
	    end_deletions(files, before_us, counts, err) != ERR_OK ||
	    blob_abort_unfinished(files->blobs, before_us, &puts, err) != ERR_OK)
		return err->code;
	counts->puts += puts;
	return files_sweep_objects(files, &rule, before_us, counts, err);
}
