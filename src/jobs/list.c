#include "jobs/list.h"

struct reading {
	const struct list_query *query;
	struct db_rows *rows;
	uint64_t total;
};

static enum err_code run(struct db_tx *tx, void *arg, struct err *err)
{
	struct reading *reading = arg;
	const struct list_query *query = reading->query;
	if (db_query(tx, query->total, query->total_params, reading->rows, err) != ERR_OK)
		return err->code;
	reading->total = reading->rows->count > 0 ? (uint64_t)db_get_int(reading->rows, 0, 0) : 0;
	return db_query(tx, query->page, query->page_params, reading->rows, err);
}

enum err_code list_read(struct db *db, const struct list_query *query, struct db_rows *ret_rows, uint64_t *ret_total,
			struct err *err)
{
	if (query->limit < 1 || query->limit > query->limit_max)
		return err_set(err, ERR_INVALID, "a list has 1 to %zu rows", query->limit_max);
	struct reading reading = { .query = query, .rows = ret_rows };
	struct db_work work = { .mode = DB_READ, .run = run, .arg = &reading };
	enum err_code code = db_run(db, &work, err);
	if (code == ERR_OK)
		*ret_total = reading.total;
	return code;
}
