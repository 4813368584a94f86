/* Jobs come and go, parts become ready. */
#include <math.h>

#include "store/queue_priv.h"

enum {
	/* A weight of 1; the database knows integers only. */
	WEIGHT_UNIT = 1000,
	/* Jobs of one owner that count: beyond it the share is small enough, and products stay below 2^63. */
	ACTIVE_MAX = 10000,
};

/* One part's cost at most: the longest recording as one part, in virtual microseconds. */
#define COST_MAX_S ((double)48 * 3600)

/* WHERE true: without it SQLite takes ON for the condition of a join. */
static const struct db_stmt insert_owner = {
	.sql = "INSERT INTO queue_owners (owner, active, start) "
	       "SELECT $1, 1, {greatest}(now, $2) FROM queue_clock WHERE true "
	       "ON CONFLICT (owner) DO UPDATE SET active = queue_owners.active + 1, "
	       "start = {greatest}(queue_owners.start + $3, excluded.start) WHERE queue_owners.active < $4 RETURNING "
	       "start",
	.params = "biii"
};
static const struct db_stmt insert_job = {
	.sql = "INSERT INTO queue_jobs (owner, weight, rank_offset, finish_plan, finish_recognise, finish_finish) "
	       "VALUES ($1, $2, $3, $4, $4, $4) RETURNING id",
	.params = "biii"
};
static const struct db_stmt lock_job = {
	.sql = "SELECT weight, rank_offset, finish_plan, finish_recognise, finish_finish, "
	       "coalesce((SELECT active FROM queue_owners o WHERE o.owner = queue_jobs.owner), 1), "
	       "(SELECT now FROM queue_clock) FROM queue_jobs WHERE id = $1 {lock_rows}",
	.params = "i"
};
static const struct db_stmt update_job = {
	.sql = "UPDATE queue_jobs SET finish_plan = $2, finish_recognise = $3, finish_finish = $4 WHERE id = $1",
	.params = "iiii"
};
static const struct db_stmt insert_part = {
	.sql = "INSERT INTO parts (job, stage, idx, rank, start, cost) VALUES ($1, $2, $3, $4, $5, $6) "
	       "ON CONFLICT (job, stage, idx) DO NOTHING",
	.params = "iiiiii"
};
static const struct db_stmt delete_job = { .sql = "DELETE FROM queue_jobs WHERE id = $1 RETURNING owner",
					   .params = "i" };
static const struct db_stmt forget_owner = { .sql = "DELETE FROM queue_owners WHERE owner = $1 AND active = 0",
					     .params = "b" };
static const struct db_stmt leave_owner = { .sql = "UPDATE queue_owners SET active = active - 1 WHERE owner = $1",
					    .params = "b" };

/* -- jobs ------------------------------------------------------------------------------------------ */

/* Where the job starts at the earliest, in all stages, so that a thousand jobs do not all start now. */
static enum err_code add_to_owner(struct part_queue *queue, struct db_tx *tx, const struct parts_job *job,
				  int64_t weight, int64_t *ret_start, bool *ret_has_place, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_bytes(job->owner, PARTS_OWNER_BYTES), db_int(queue_now(queue)),
				     db_int(PARTS_JOB_SPACING * WEIGHT_UNIT / weight),
				     db_int(job->owner_max ? job->owner_max : INT64_MAX) };
	enum err_code code = db_query(tx, &insert_owner, params, &rows, err);
	if (code != ERR_OK)
		return code;
	*ret_has_place = rows.count > 0;
	if (*ret_has_place)
		*ret_start = db_get_int(&rows, 0, 0);
	return ERR_OK;
}

enum err_code parts_add_job(struct part_queue *queue, struct db_tx *tx, const struct parts_job *job, int64_t *ret_job,
			    struct err *err)
{
	if (!(job->weight >= 0.001 && job->weight <= 1e6))
		return err_set(err, ERR_INVALID, "a job's weight is between 0.001 and 1000000");
	if (job->priority < -10 || job->priority > 10)
		return err_set(err, ERR_INVALID, "a job's priority is between -10 and 10");
	int64_t weight = llround(job->weight * WEIGHT_UNIT);
	int64_t start = 0;
	bool has_place = true;
	enum err_code code = job->owner ? add_to_owner(queue, tx, job, weight, &start, &has_place, err) : ERR_OK;
	*ret_job = 0;
	if (code != ERR_OK || !has_place)
		return code;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_bytes(job->owner, PARTS_OWNER_BYTES), db_int(weight),
				     db_int(-job->priority * PARTS_PRIORITY_COST), db_int(start) };
	code = db_query(tx, &insert_job, params, &rows, err);
	if (code == ERR_OK)
		*ret_job = db_get_int(&rows, 0, 0);
	return code;
}

enum err_code parts_end_job(struct db_tx *tx, int64_t job, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(job) };
	enum err_code code = db_query(tx, &delete_job, params, &rows, err);
	if (code != ERR_OK || rows.count == 0 || db_is_null(&rows, 0, 0))
		return code;
	size_t size;
	const void *owner = db_get_bytes(&rows, 0, 0, &size);
	struct db_value owner_params[] = { db_bytes(owner, size) };
	return db_post(tx, &leave_owner, owner_params, err);
}

/* -- parts ----------------------------------------------------------------------------------------- */

/* A job's state while parts are added to it. */
struct share {
	int64_t weight, offset, active, now;
	int64_t finish[PARTS_STAGES];
};

static enum err_code read_share(struct part_queue *queue, struct db_tx *tx, const struct parts_new *parts,
				struct share *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(parts->job) };
	enum err_code code = db_query(tx, &lock_job, params, &rows, err);
	if (code != ERR_OK)
		return code;
	if (rows.count == 0)
		return err_set(err, ERR_NOT_FOUND, "no job %lld in the queue", (long long)parts->job);
	ret->weight = db_get_int(&rows, 0, 0);
	ret->offset = db_get_int(&rows, 0, 1);
	for (int stage = 0; stage < PARTS_STAGES; stage++)
		ret->finish[stage] = db_get_int(&rows, 0, (size_t)stage + 2);
	int64_t active = db_get_int(&rows, 0, 5);
	ret->active = active < 1 ? 1 : active > ACTIVE_MAX ? ACTIVE_MAX : active;
	queue_note_now(queue, db_get_int(&rows, 0, 6));
	ret->now = queue_now(queue);
	return ERR_OK;
}

#define VIRTUAL_TIME_MAX (INT64_MAX / 4)

/* 48 h in microseconds, times 10000 jobs, times 1000, by a weight of at least 1: below 2^61. */
static int64_t charge_of(const struct share *share, double cost_s)
{
	double charge = cost_s * 1e6 * (double)share->active * WEIGHT_UNIT / (double)share->weight;
	return llround(charge);
}

static enum err_code add_parts(struct db_tx *tx, const struct parts_new *parts, struct share *share,
			       int64_t *ret_lowest, struct err *err)
{
	int64_t *finish = &share->finish[parts->stage];
	int64_t start = *finish > share->now ? *finish : share->now;
	*ret_lowest = start + share->offset;
	for (size_t i = 0; i < parts->count; i++) {
		struct db_value params[] = { db_int(parts->job),
					     db_int(parts->stage),
					     db_int(parts->first + (int64_t)i),
					     db_int(start + share->offset),
					     db_int(start),
					     db_int(llround(parts->costs[i] * 1e6)) };
		enum err_code code = db_post(tx, &insert_part, params, err);
		if (code != ERR_OK)
			return code;
		/* Far beyond any job that ends: only the sum must not overflow. */
		if (start < VIRTUAL_TIME_MAX)
			start += charge_of(share, parts->costs[i]);
	}
	*finish = start;
	return ERR_OK;
}

enum err_code parts_publish(struct part_queue *queue, struct db_tx *tx, const struct parts_new *parts, struct err *err)
{
	if (parts->count == 0 || parts->count > PARTS_BATCH_MAX || parts->stage < 0 || parts->stage >= PARTS_STAGES)
		return err_set(err, ERR_INVALID, "parts are published in groups of 1 to %d", PARTS_BATCH_MAX);
	for (size_t i = 0; i < parts->count; i++) {
		if (!(parts->costs[i] >= 0 && parts->costs[i] <= COST_MAX_S))
			return err_set(err, ERR_INVALID, "a part's cost is out of range");
	}
	struct share share = { .weight = 1 };
	int64_t lowest = 0;
	enum err_code code = read_share(queue, tx, parts, &share, err);
	if (code == ERR_OK)
		code = add_parts(tx, parts, &share, &lowest, err);
	if (code != ERR_OK)
		return code;
	struct db_value params[] = { db_int(parts->job), db_int(share.finish[0]), db_int(share.finish[1]),
				     db_int(share.finish[2]) };
	code = db_post(tx, &update_job, params, err);
	return code == ERR_OK ? queue_tell_ready(queue, tx, parts->stage, lowest, err) : code;
}

enum err_code parts_forget_owner(struct db_tx *tx, const void *owner, struct err *err)
{
	struct db_value params[] = { db_bytes(owner, PARTS_OWNER_BYTES) };
	return db_post(tx, &forget_owner, params, err);
}
