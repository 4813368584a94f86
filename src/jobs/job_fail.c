/* Jobs that fail, and parts that are given back to be tried again. */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "jobs/events.h"
#include "jobs/job_admit.h"
#include "jobs/job_work_priv.h"

static const struct db_stmt fail_stmt = {
	.sql = "UPDATE jobs SET state = 3, ended_at = $2, error_code = $3, error_message = $4, queue_job = NULL "
	       "WHERE queue_job = $1 AND state < 2 RETURNING file_id, id, parts_planned, owner_id",
	.params = "iitt"
};

struct fail_call {
	struct part_queue *queue;
	const struct part_claim *claim; /* NULL: no claim */
	int64_t number;
	const struct err *why;
	bool may_pass;
	/* Set where the job has failed. */
	struct uuid job;
	uint32_t parts;
};

static enum err_code fail_job(struct db_tx *tx, struct fail_call *call, struct err *err)
{
	const struct err *why = call->why;
	int64_t number = call->number;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(number), db_int(clock_wall_us()), db_text(err_name(why->code)),
				     db_text(why->message) };
	if (db_query(tx, &fail_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return ERR_OK;
	struct uuid file = db_get_id(&rows, 0, 0);
	call->job = db_get_id(&rows, 0, 1);
	call->parts = (uint32_t)db_get_int(&rows, 0, 2);
	struct job_ending ending = { .id = call->job, .number = number, .outcome = USAGE_FAILED };
	ending.owner = db_get_id(&rows, 0, 3);
	cleanup_strbuf struct strbuf text = STRBUF_INIT(EVENT_DATA_MAX);
	struct json json = JSON_INIT(&text);
	json_object(&json);
	json_key_str(&json, "code", err_name(why->code));
	json_key_str(&json, "message", why->message);
	json_object_end(&json);
	if (strbuf_check(&text, "an event", err) != ERR_OK || job_leave(call->queue, tx, &ending, err) != ERR_OK)
		return err->code;
	return event_add(tx, &file, "failed", strbuf_str(&text), err);
}

static enum err_code run_fail(struct db_tx *tx, void *arg, struct err *err)
{
	return fail_job(tx, arg, err);
}

static enum err_code run_and_clean(const struct files *files, struct fail_call *call,
				   enum err_code (*run)(struct db_tx *tx, void *arg, struct err *err), struct err *err)
{
	struct db_work work = { .mode = DB_WRITE, .run = run, .arg = call };
	enum err_code code = db_run(files->db, &work, err);
	struct err later;
	if (code == ERR_OK && job_parts_remove(files, &call->job, call->number, call->parts, &later) != ERR_OK)
		log_line(LOG_WARNING, "the parts of a job that failed are left to the sweep: %s", later.message);
	return code;
}

enum err_code job_fail_row(const struct files *files, int64_t number, const struct err *why, struct err *err)
{
	struct fail_call call = { .queue = files->queue, .number = number, .why = why };
	return run_and_clean(files, &call, run_fail, err);
}

static bool is_crash(enum err_code code)
{
	return code == ERR_CRASHED || code == ERR_TIMEOUT;
}

bool job_may_pass(enum err_code code, const struct part_claim *claim)
{
	static const enum err_code passing[] = { ERR_NETWORK,	      ERR_IO,	     ERR_NO_SPACE,    ERR_BUSY,
						 ERR_OUTCOME_UNKNOWN, ERR_NO_MEMORY, ERR_UNAVAILABLE, ERR_SYSTEM };
	for (size_t i = 0; i < ARRAY_LEN(passing); i++) {
		if (code == passing[i])
			return true;
	}
	/* What takes a child down twice is the part's fault. */
	return code == ERR_INTERRUPTED || (is_crash(code) && claim->crashes + 1 < PARTS_CRASHES_MAX);
}

static enum parts_reason reason_of(enum err_code code)
{
	return code == ERR_INTERRUPTED ? PARTS_RETURNED : is_crash(code) ? PARTS_CRASHED : PARTS_FAILED;
}

static enum err_code run_give_back(struct db_tx *tx, void *arg, struct err *err)
{
	struct fail_call *call = arg;
	enum parts_fate fate = PARTS_GIVEN_UP;
	/* A late worker's reasons count no more than its results. */
	enum err_code code =
		call->may_pass ? parts_release(call->queue, tx, call->claim, reason_of(call->why->code), &fate, err)
			       : parts_hold(tx, call->claim, err);
	if (code != ERR_OK)
		return code;
	return fate == PARTS_GIVEN_UP ? fail_job(tx, call, err) : ERR_OK;
}

enum err_code job_give_back(struct part_queue *queue, const struct files *files, const struct part_claim *claim,
			    const struct err *why, struct err *err)
{
	if (why->code == ERR_CANCELLED)
		return ERR_OK;
	struct fail_call call = { .queue = queue,
				  .claim = claim,
				  .number = claim->job,
				  .why = why,
				  .may_pass = job_may_pass(why->code, claim) };
	return run_and_clean(files, &call, run_give_back, err);
}
