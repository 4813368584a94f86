#include "jobs/job_admit.h"

#include <inttypes.h>
#include <stdio.h>

#include "accounts/plans.h"
#include "jobs/job_row.h"
#include "jobs/job_usage.h"
#include "jobs/job_work_priv.h"

enum { ADMIT_AT_ONCE = 32 }; /* in one unit of work: a raised limit lets in many */

static const struct db_stmt queued_stmt = { .sql = "UPDATE jobs SET queue_job = $2 WHERE id = $1", .params = "bi" };
/* The unit may hold its owner's place in the queue already, which others take after a job's row: so it waits for none.
 */
static const struct db_stmt next_stmt = {
	.sql = "SELECT id, weight, priority FROM jobs WHERE owner_id = $1 AND state = 0 AND queue_job IS NULL "
	       "ORDER BY priority DESC, created_at, id LIMIT 1 {skip_locked}",
	.params = "b"
};
/* One owner after the other, however many jobs of theirs wait. */
static const struct db_stmt next_owner_stmt = {
	.sql = "SELECT j.owner_id, coalesce(o.active, 0), p.concurrency, u.deleted_at FROM (SELECT owner_id FROM jobs "
	       "WHERE state = 0 AND queue_job IS NULL AND owner_id > $1 ORDER BY owner_id LIMIT 1) j "
	       "JOIN users u ON u.id = j.owner_id JOIN plans p ON p.name = u.plan "
	       "LEFT JOIN queue_owners o ON o.owner = j.owner_id",
	.params = "b"
};

/* -- in ---------------------------------------------------------------------------------------------------- */

enum err_code job_admit(struct part_queue *queue, struct db_tx *tx, const struct job_entry *job, bool *ret_entered,
			struct err *err)
{
	static const double nothing = 0;
	struct plan plan;
	if (plan_of_user(tx, &job->owner, &plan, err) != ERR_OK)
		return err->code;
	struct parts_job queued = { .owner = job->owner.bytes,
				    .weight = job->weight,
				    .priority = job->priority,
				    .owner_max = plan.concurrency };
	int64_t number;
	if (parts_add_job(queue, tx, &queued, &number, err) != ERR_OK)
		return err->code;
	*ret_entered = number != 0;
	if (number == 0)
		return ERR_OK;
	struct db_value params[] = { db_id(&job->id), db_int(number) };
	struct parts_new first = { .job = number, .stage = PARTS_PLAN, .costs = &nothing, .count = 1 };
	if (db_post(tx, &queued_stmt, params, err) != ERR_OK)
		return err->code;
	return parts_publish(queue, tx, &first, err);
}

/* *ret is how many entered. */
static enum err_code admit_next(struct part_queue *queue, struct db_tx *tx, const struct uuid *owner, int *ret,
				struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(owner) };
	for (*ret = 0; *ret < ADMIT_AT_ONCE; ++*ret) {
		struct job_entry next = { .owner = *owner };
		bool entered = false;
		if (db_query(tx, &next_stmt, params, &rows, err) != ERR_OK)
			return err->code;
		if (rows.count == 0)
			return ERR_OK;
		next.id = db_get_id(&rows, 0, 0);
		next.weight = (double)db_get_int(&rows, 0, 1) / JOB_FRACTION;
		next.priority = (int)db_get_int(&rows, 0, 2);
		enum err_code code = job_admit(queue, tx, &next, &entered, err);
		if (code != ERR_OK || !entered)
			return code;
	}
	return ERR_OK;
}

/* -- out --------------------------------------------------------------------------------------------------- */

/* The nodes that work on it are told. */
static enum err_code leave_queue(struct db_tx *tx, int64_t number, struct err *err)
{
	char text[24];
	(void)snprintf(text, sizeof text, "%" PRId64, number);
	enum err_code code = parts_end_job(tx, number, err);
	return code == ERR_OK ? db_notify(tx, JOBS_CHANNEL, text, err) : code;
}

enum err_code job_leave(struct part_queue *queue, struct db_tx *tx, const struct job_ending *ending, struct err *err)
{
	int entered;
	bool was_in_queue = ending->number != 0;
	if ((was_in_queue && leave_queue(tx, ending->number, err) != ERR_OK) ||
	    job_usage_settle(tx, &ending->id, ending->outcome, err) != ERR_OK)
		return err->code;
	return was_in_queue && queue ? admit_next(queue, tx, &ending->owner, &entered, err) : ERR_OK;
}

/* -- what nobody let in ------------------------------------------------------------------------------------ */

struct admission {
	struct part_queue *queue;
	struct uuid owner;
	int entered;
};

static enum err_code run_admit(struct db_tx *tx, void *arg, struct err *err)
{
	struct admission *admission = arg;
	return admit_next(admission->queue, tx, &admission->owner, &admission->entered, err);
}

static enum err_code admit_all_of(const struct files *files, struct admission *admission, uint64_t *count,
				  struct err *err)
{
	struct db_work work = { .mode = DB_WRITE, .run = run_admit, .arg = admission };
	do {
		if (db_run(files->db, &work, err) != ERR_OK)
			return err->code;
		*count += (uint64_t)admission->entered;
	} while (admission->entered == ADMIT_AT_ONCE);
	return ERR_OK;
}

enum err_code jobs_admit_waiting(const struct files *files, uint64_t *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct admission admission = { .queue = files->queue };
	*ret = 0;
	for (;;) {
		struct db_value params[] = { db_id(&admission.owner) };
		if (db_run_stmt(files->db, DB_READ, &next_owner_stmt, params, &rows, err) != ERR_OK)
			return err->code;
		if (rows.count == 0)
			return ERR_OK;
		admission.owner = db_get_id(&rows, 0, 0);
		bool has_place = db_is_null(&rows, 0, 2) || db_get_int(&rows, 0, 1) < db_get_int(&rows, 0, 2);
		bool is_leaving = !db_is_null(&rows, 0, 3);
		if (has_place && !is_leaving && admit_all_of(files, &admission, ret, err) != ERR_OK)
			return err->code;
	}
}
