#include "jobs/job_usage.h"

#include "base/clock.h"
#include "jobs/job_work_priv.h"

static const struct db_stmt find_stmt = {
	.sql = "SELECT owner_id, application_id, model, reserved_us, duration_us FROM jobs WHERE id = $1", .params = "b"
};
static const struct db_stmt reserved_stmt = { .sql = "UPDATE jobs SET reserved_us = $2 WHERE id = $1", .params = "bi" };

static enum err_code find(struct db_tx *tx, const struct uuid *job, struct db_rows *rows, struct err *err)
{
	struct db_value params[] = { db_id(job) };
	if (db_query(tx, &find_stmt, params, rows, err) != ERR_OK)
		return err->code;
	return rows->count == 1 ? ERR_OK : err_set(err, ERR_CANCELLED, "the job has ended");
}

static enum err_code set_reserved(struct db_tx *tx, const struct uuid *job, int64_t us, struct err *err)
{
	struct db_value params[] = { db_id(job), db_int(us) };
	return db_post(tx, &reserved_stmt, params, err);
}

enum err_code job_usage_hold(struct db_tx *tx, const struct uuid *job, int64_t us, struct usage_shortage *ret_shortage,
			     struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct uuid owner;
	if (find(tx, job, &rows, err) != ERR_OK)
		return err->code;
	int64_t held = db_get_int(&rows, 0, 3);
	if (us <= held)
		return ERR_OK;
	struct usage more = { .us = us - held };
	owner = db_get_id(&rows, 0, 0);
	if (usage_reserve(tx, &owner, &more, clock_wall_us(), ret_shortage, err) != ERR_OK)
		return err->code;
	return set_reserved(tx, job, us, err);
}

enum err_code job_usage_settle(struct db_tx *tx, const struct uuid *job, enum usage_outcome outcome, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	if (find(tx, job, &rows, err) != ERR_OK)
		return err->code;
	struct usage_settlement settlement = { .model = db_get_text(&rows, 0, 2),
					       .reserved = { .us = db_get_int(&rows, 0, 3) },
					       .used = { .us = db_get_int(&rows, 0, 4) },
					       .outcome = outcome };
	settlement.user = db_get_id(&rows, 0, 0);
	settlement.application = settlement.user;
	if (!db_is_null(&rows, 0, 1))
		settlement.application = db_get_id(&rows, 0, 1);
	if (set_reserved(tx, job, 0, err) != ERR_OK)
		return err->code;
	return usage_settle(tx, &settlement, clock_wall_us(), err);
}
