#include "jobs/sweep.h"

static const struct db_stmt under_way_stmt = { .sql = "SELECT 1 FROM jobs WHERE id = $1 AND state < 2", .params = "b" };
static const struct db_stmt succeeded_stmt = { .sql = "SELECT 1 FROM jobs WHERE id = $1 AND state < 3", .params = "b" };

static enum err_code has_parts(const struct files *files, const struct uuid *id, bool *ret, struct err *err)
{
	struct db_value params[] = { db_id(id) };
	return db_has_row(files->db, &under_way_stmt, params, ret, err);
}

/* One that is about to succeed has its result already. */
static enum err_code has_result(const struct files *files, const struct uuid *id, bool *ret, struct err *err)
{
	struct db_value params[] = { db_id(id) };
	return db_has_row(files->db, &succeeded_stmt, params, ret, err);
}

enum err_code jobs_sweep(const struct files *files, int64_t before_us, struct sweep_counts *counts, struct err *err)
{
	static const struct sweep_rule parts = { "parts/", has_parts };
	static const struct sweep_rule results = { "results/", has_result };
	*counts = (struct sweep_counts){ 0 };
	if (files_sweep(files, before_us, counts, err) != ERR_OK ||
	    files_sweep_objects(files, &parts, before_us, counts, err) != ERR_OK)
		return err->code;
	return files_sweep_objects(files, &results, before_us, counts, err);
}
