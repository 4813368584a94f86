#include "jobs/retention.h"

#include "jobs/job_row.h"
#include "jobs/job_work_priv.h"

enum { ROWS_AT_ONCE = 200 };

/* One look into an index for each user of a plan that ends; a hundred years are as good as more. */
static const struct db_stmt owners_stmt = {
	.sql = "SELECT u.id, $2 - {least}(p.history_days, 36500) * 86400000000 FROM users u "
	       "JOIN plans p ON p.name = u.plan WHERE u.id > $1 AND u.deleted_at IS NULL AND p.history_days IS NOT "
	       "NULL "
	       "AND EXISTS (SELECT 1 FROM jobs j WHERE j.owner_id = u.id "
	       "AND j.ended_at < $2 - {least}(p.history_days, 36500) * 86400000000) ORDER BY u.id LIMIT $3",
	.params = "bii"
};
static const struct db_stmt files_stmt = { .sql = "SELECT file_id FROM jobs WHERE owner_id = $1 AND ended_at < $2 "
						  "ORDER BY ended_at, id LIMIT $3 OFFSET $4",
					   .params = "biii" };

/* Files of one owner, until only those are left that another job still needs. */
static enum err_code expire_files(const struct files *files, const struct uuid *owner, int64_t before_us,
				  uint64_t *count, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	int64_t kept = 0;
	do {
		struct db_value params[] = { db_bytes(owner->bytes, sizeof owner->bytes), db_int(before_us),
					     db_int(ROWS_AT_ONCE), db_int(kept) };
		if (db_run_stmt(files->db, DB_READ, &files_stmt, params, &rows, err) != ERR_OK)
			return err->code;
		for (size_t i = 0; i < rows.count; i++) {
			struct uuid file;
			file = db_get_id(&rows, i, 0);
			enum err_code code = job_expire_file(files, owner, &file, before_us, err);
			if (code == ERR_OK)
				++*count;
			else if (code == ERR_CONFLICT)
				kept++;
			else if (code != ERR_NOT_FOUND) /* somebody else was faster */
				return code;
		}
	} while (rows.count == ROWS_AT_ONCE);
	return ERR_OK;
}

enum err_code jobs_sweep_history(const struct files *files, int64_t now_us, uint64_t *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct uuid owner = { 0 };
	*ret = 0;
	do {
		struct db_value params[] = { db_bytes(owner.bytes, sizeof owner.bytes), db_int(now_us),
					     db_int(ROWS_AT_ONCE) };
		if (db_run_stmt(files->db, DB_READ, &owners_stmt, params, &rows, err) != ERR_OK)
			return err->code;
		for (size_t i = 0; i < rows.count; i++) {
			owner = db_get_id(&rows, i, 0);
			if (expire_files(files, &owner, db_get_int(&rows, i, 1), ret, err) != ERR_OK)
				return err->code;
		}
	} while (rows.count == ROWS_AT_ONCE);
	return ERR_OK;
}
