#include "jobs/job_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "jobs/events.h"
#include "jobs/job_admit.h"
#include "jobs/job_usage.h"
#include "jobs/job_work_priv.h"
#include "jobs/list.h"

#define SELECT_JOBS(rest)                                                                                              \
	"SELECT j.id, j.owner_id, j.file_id, f.name, j.state, j.priority, j.retries, j.progress, j.created_at, "       \
	"j.started_at, j.ended_at, j.duration_us, j.language, j.found_language, j.model, j.error_code, "               \
	"j.error_message FROM jobs j JOIN files f ON f.id = j.file_id " rest

static const struct db_stmt insert_stmt = {
	.sql = "INSERT INTO jobs (id, owner_id, file_id, kind, priority, weight, language, model, diarize, "
	       "created_at, application_id, duration_us, prompt, translate, temperature) "
	       "VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
	.params = "bbbiittiibitii"
};
static const struct db_stmt find_stmt = {
	.sql = SELECT_JOBS(
		"JOIN file_keys k ON k.file_id = j.file_id AND k.user_id = $2 WHERE j.id = $1 AND f.state <> 2"),
	.params = "bb",
};
static const struct db_stmt owned_stmt = {
	.sql = SELECT_JOBS("WHERE j.id = $1 AND j.owner_id = $2 AND f.state <> 2"),
	.params = "bb",
};
static const struct db_stmt list_stmt = {
	.sql = SELECT_JOBS("WHERE j.owner_id = $1 AND f.state <> 2 "
			   "ORDER BY j.created_at DESC, j.id DESC LIMIT $2 OFFSET $3"),
	.params = "bii",
};
static const struct db_stmt list_state_stmt = {
	.sql = SELECT_JOBS("WHERE j.owner_id = $1 AND f.state <> 2 AND j.state = $4 "
			   "ORDER BY j.created_at DESC, j.id DESC LIMIT $2 OFFSET $3"),
	.params = "biii",
};
/* What a user has of each state (store/migrations/0003_counts.sql); -1: of all. */
static const struct db_stmt count_stmt = {
	.sql = "SELECT CAST(coalesce(sum(n), 0) AS bigint) FROM user_counts "
	       "WHERE user_id = $1 AND what BETWEEN 0 AND 4 AND (what = $2 OR $2 < 0)",
	.params = "bi"
};
/* Locked, so that the number is that of the attempt that is cancelled. */
static const struct db_stmt number_stmt = {
	.sql = "SELECT queue_job, parts_planned FROM jobs WHERE id = $1 AND owner_id = $2 {lock_rows}", .params = "bb"
};
static const struct db_stmt cancel_stmt = {
	.sql = "UPDATE jobs SET state = 4, ended_at = $3, queue_job = NULL "
	       "WHERE id = $1 AND owner_id = $2 AND state < 2 RETURNING id",
	.params = "bbi",
};
static const struct db_stmt retry_stmt = {
	.sql = "UPDATE jobs SET state = 0, retries = retries + 1, planned = 0, parts_planned = 0, "
	       "parts_done = 0, cost_planned = 0, cost_done = 0, plan_fraction = 0, progress = 0, busy_us = 0, "
	       "finishes = 0, started_at = NULL, ended_at = NULL, error_code = NULL, error_message = NULL "
	       "WHERE id = $1 AND owner_id = $2 AND state = 3 RETURNING weight, priority",
	.params = "bb"
};
static const struct db_stmt file_jobs_stmt = {
	.sql = "SELECT id, queue_job, parts_planned, state, ended_at FROM jobs WHERE file_id = $1 {lock_rows}",
	.params = "b"
};
/* The jobs' rows change before their places in the queue, as everywhere. */
static const struct db_stmt cancel_file_jobs_stmt = {
	.sql = "UPDATE jobs SET state = 4 WHERE file_id = $1 AND state < 2", .params = "b"
};
static const struct db_stmt delete_file_jobs_stmt = { .sql = "DELETE FROM jobs WHERE file_id = $1", .params = "b" };

const char *job_state_name(enum job_state state)
{
	static const char *const names[JOB_STATES] = { "queued", "running", "succeeded", "failed", "cancelled" };
	return (unsigned)state < JOB_STATES ? names[state] : "unknown";
}

static void read_text(const struct db_rows *rows, size_t row, size_t column, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s", db_get_text(rows, row, column));
}

static void read_row(const struct db_rows *rows, size_t row, struct job_row *ret)
{
	*ret = (struct job_row){ 0 };
	ret->id = db_get_id(rows, row, 0);
	ret->owner = db_get_id(rows, row, 1);
	ret->file = db_get_id(rows, row, 2);
	read_text(rows, row, 3, ret->file_name, sizeof ret->file_name);
	ret->state = (enum job_state)db_get_int(rows, row, 4);
	ret->priority = (int)db_get_int(rows, row, 5);
	ret->retries = (int)db_get_int(rows, row, 6);
	ret->progress = ret->state == JOB_SUCCEEDED ? 1 : (double)db_get_int(rows, row, 7) / JOB_FRACTION;
	ret->created_us = db_get_int(rows, row, 8);
	ret->started_us = db_get_int(rows, row, 9);
	ret->ended_us = db_get_int(rows, row, 10);
	ret->duration_us = db_is_null(rows, row, 11) ? -1 : db_get_int(rows, row, 11);
	read_text(rows, row, db_get_text(rows, row, 13)[0] ? 13 : 12, ret->language, sizeof ret->language);
	read_text(rows, row, 14, ret->model, sizeof ret->model);
	read_text(rows, row, 15, ret->error_code, sizeof ret->error_code);
	read_text(rows, row, 16, ret->error_message, sizeof ret->error_message);
}

static enum err_code not_found(struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "there is no such job");
}

/* -- making one ---------------------------------------------------------------------------------------- */

static bool is_zero(const struct uuid *id)
{
	static const struct uuid zero;
	return memcmp(id, &zero, sizeof zero) == 0;
}

enum err_code job_add(struct part_queue *queue, struct db_tx *tx, const struct job_new *job,
		      struct usage_shortage *ret_shortage, struct err *err)
{
	struct job_entry entry = {
		.id = job->id, .owner = job->owner, .weight = job->weight, .priority = job->priority
	};
	bool entered;
	struct db_value params[] = { db_id(&job->id),
				     db_id(&job->owner),
				     db_id(&job->file),
				     db_int(job->priority),
				     db_int((int64_t)(job->weight * JOB_FRACTION)),
				     db_text(job->language),
				     db_text(job->model),
				     db_int(job->diarize),
				     db_int(clock_wall_us()),
				     db_id(is_zero(&job->application) ? &job->owner : &job->application),
				     job->length_us ? db_int(job->length_us) : db_null(),
				     db_text(job->prompt),
				     db_int(job->translate),
				     db_int((int64_t)(job->temperature * JOB_FRACTION)) };
	if (db_query(tx, &insert_stmt, params, NULL, err) != ERR_OK ||
	    job_admit(queue, tx, &entry, &entered, err) != ERR_OK)
		return err->code;
	return job_usage_hold(tx, &job->id, job->length_us, ret_shortage, err);
}

/* -- looking -------------------------------------------------------------------------------------------- */

static enum err_code find_row(struct db_tx *tx, const struct db_stmt *stmt, const struct uuid *id,
			      const struct uuid *user, struct job_row *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(id), db_id(user) };
	if (db_query(tx, stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return not_found(err);
	read_row(&rows, 0, ret);
	return ERR_OK;
}

struct find {
	const struct uuid *id, *viewer;
	struct job_row *ret;
};

static enum err_code run_find(struct db_tx *tx, void *arg, struct err *err)
{
	const struct find *find = arg;
	return find_row(tx, &find_stmt, find->id, find->viewer, find->ret, err);
}

enum err_code job_find(struct db *db, const struct uuid *viewer, const struct uuid *id, struct job_row *ret,
		       struct err *err)
{
	struct find find = { id, viewer, ret };
	struct db_work work = { .mode = DB_READ, .is_single = true, .run = run_find, .arg = &find };
	return db_run(db, &work, err);
}

enum err_code job_find_all(struct db *db, const struct job_page *page, struct job_rows *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value owner = db_id(&page->owner);
	struct db_value total_params[] = { owner, db_int(page->state) };
	struct db_value page_params[] = { owner, db_int((int64_t)page->limit), db_int((int64_t)page->offset),
					  db_int(page->state) };
	struct list_query query = { &count_stmt, total_params, page->state >= 0 ? &list_state_stmt : &list_stmt,
				    page_params, page->limit,  JOB_LIST_MAX };
	*ret = (struct job_rows){ 0 };
	if (list_read(db, &query, &rows, &ret->total, err) != ERR_OK)
		return err->code;
	ret->rows = calloc(rows.count + 1, sizeof *ret->rows);
	if (!ret->rows)
		return err_set(err, ERR_NO_MEMORY, "no memory for a list of jobs");
	for (; ret->count < rows.count; ret->count++)
		read_row(&rows, ret->count, &ret->rows[ret->count]);
	return ERR_OK;
}

void job_rows_done(struct job_rows *list)
{
	free(list->rows);
	*list = (struct job_rows){ 0 };
}

enum err_code job_result(const struct files *files, const struct uuid *viewer, const struct uuid *id,
			 struct job_row *ret_job, struct asr_transcript *ret, struct err *err)
{
	asr_transcript_init(ret);
	if (job_find(files->db, viewer, id, ret_job, err) != ERR_OK)
		return err->code;
	if (ret_job->state != JOB_SUCCEEDED)
		return err_set(err, ERR_BUSY, "the job is %s", job_state_name(ret_job->state));
	return job_result_read(files, id, &ret_job->file, ret, err);
}

/* -- changing -------------------------------------------------------------------------------------------- */

struct change {
	struct part_queue *queue;
	const struct uuid *id, *owner;
	struct job_row *ret;
	/* Of a job that was cancelled: */
	int64_t number; /* in the queue; 0: it waited */
	uint32_t parts; /* planned */
};

static enum err_code run_cancel(struct db_tx *tx, void *arg, struct err *err)
{
	struct change *change = arg;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value find[] = { db_id(change->id), db_id(change->owner) };
	if (db_query(tx, &number_stmt, find, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return not_found(err);
	change->number = db_get_int(&rows, 0, 0);
	change->parts = (uint32_t)db_get_int(&rows, 0, 1);
	if (find_row(tx, &owned_stmt, change->id, change->owner, change->ret, err) != ERR_OK)
		return err->code;
	struct db_value params[] = { find[0], find[1], db_int(clock_wall_us()) };
	if (db_query(tx, &cancel_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return err_set(err, ERR_CONFLICT, "the job has ended: it %s", job_state_name(change->ret->state));
	struct job_ending ending = {
		.id = *change->id, .owner = *change->owner, .number = change->number, .outcome = USAGE_CANCELLED
	};
	if (job_leave(change->queue, tx, &ending, err) != ERR_OK ||
	    event_add(tx, &change->ret->file, "cancelled", "{}", err) != ERR_OK)
		return err->code;
	return find_row(tx, &owned_stmt, change->id, change->owner, change->ret, err);
}

enum err_code job_cancel_row(const struct files *files, const struct uuid *owner, const struct uuid *id,
			     struct job_row *ret, struct err *err)
{
	struct change change = { .queue = files->queue, .id = id, .owner = owner, .ret = ret };
	struct db_work work = { .mode = DB_WRITE, .run = run_cancel, .arg = &change };
	enum err_code code = db_run(files->db, &work, err);
	struct err later;
	if (code == ERR_OK && job_objects_remove(files, id, change.number, change.parts, &later) != ERR_OK)
		log_line(LOG_WARNING, "objects of a cancelled job are left to the sweep: %s", later.message);
	return code;
}

static enum err_code run_retry(struct db_tx *tx, void *arg, struct err *err)
{
	const struct change *change = arg;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(change->id), db_id(change->owner) };
	if (find_row(tx, &owned_stmt, change->id, change->owner, change->ret, err) != ERR_OK ||
	    db_query(tx, &retry_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return err_set(err, ERR_CONFLICT, "only a failed job can be tried again; this one is %s",
			       job_state_name(change->ret->state));
	struct job_entry entry = { .id = *change->id,
				   .owner = *change->owner,
				   .weight = (double)db_get_int(&rows, 0, 0) / JOB_FRACTION,
				   .priority = change->ret->priority };
	bool entered;
	struct usage_shortage shortage;
	int64_t length_us = change->ret->duration_us > 0 ? change->ret->duration_us : 0;
	if (job_admit(change->queue, tx, &entry, &entered, err) != ERR_OK ||
	    job_usage_hold(tx, change->id, length_us, &shortage, err) != ERR_OK ||
	    event_add(tx, &change->ret->file, "job_progress", "{\"progress\":0}", err) != ERR_OK)
		return err->code;
	return find_row(tx, &owned_stmt, change->id, change->owner, change->ret, err);
}

enum err_code job_retry(struct part_queue *queue, struct db *db, const struct uuid *owner, const struct uuid *id,
			struct job_row *ret, struct err *err)
{
	struct change change = { .queue = queue, .id = id, .owner = owner, .ret = ret };
	struct db_work work = { .mode = DB_WRITE, .run = run_retry, .arg = &change };
	return db_run(db, &work, err);
}

/* -- deletion ---------------------------------------------------------------------------------------------- */

struct deletion {
	struct part_queue *queue;
	const struct uuid *owner, *file;
	int64_t ended_before_us; /* or its jobs keep the file; 0: they do not */
	struct db_rows jobs;
};

static bool is_kept(const struct deletion *deletion)
{
	for (size_t i = 0; deletion->ended_before_us && i < deletion->jobs.count; i++) {
		if (db_is_null(&deletion->jobs, i, 4) || db_get_int(&deletion->jobs, i, 4) >= deletion->ended_before_us)
			return true;
	}
	return false;
}

static enum err_code run_delete(struct db_tx *tx, void *arg, struct err *err)
{
	struct deletion *deletion = arg;
	struct db_value params[] = { db_id(deletion->file) };
	if (files_mark_deleted(tx, deletion->owner, deletion->file, err) != ERR_OK ||
	    db_query(tx, &file_jobs_stmt, params, &deletion->jobs, err) != ERR_OK)
		return err->code;
	if (is_kept(deletion))
		return err_set(err, ERR_CONFLICT, "a job of the file has not ended, or not long ago");
	if (db_post(tx, &cancel_file_jobs_stmt, params, err) != ERR_OK)
		return err->code;
	for (size_t i = 0; i < deletion->jobs.count; i++) {
		struct job_ending ending = { .id = db_get_id(&deletion->jobs, i, 0),
					     .owner = *deletion->owner,
					     .number = db_get_int(&deletion->jobs, i, 1),
					     .outcome = USAGE_CANCELLED };
		bool is_under_way = db_get_int(&deletion->jobs, i, 3) <= JOB_RUNNING;
		if (is_under_way && job_leave(deletion->queue, tx, &ending, err) != ERR_OK)
			return err->code;
	}
	if (db_post(tx, &delete_file_jobs_stmt, params, err) != ERR_OK)
		return err->code;
	return event_tell_gone(tx, deletion->file, err);
}

static enum err_code delete_file(const struct files *files, const struct uuid *owner, const struct uuid *file,
				 int64_t ended_before_us, struct err *err)
{
	struct deletion deletion = { files->queue, owner, file, ended_before_us, DB_ROWS_INIT };
	struct db_work work = { .mode = DB_WRITE, .run = run_delete, .arg = &deletion };
	enum err_code code = db_run(files->db, &work, err);
	struct err later;
	/* From here on the file is gone for everybody: what fails now is the sweep's. One that had ended has no parts.
	 */
	for (size_t i = 0; code == ERR_OK && i < deletion.jobs.count; i++) {
		struct uuid id = db_get_id(&deletion.jobs, i, 0);
		uint32_t parts = db_is_null(&deletion.jobs, i, 1) ? 0 : (uint32_t)db_get_int(&deletion.jobs, i, 2);
		if (job_objects_remove(files, &id, db_get_int(&deletion.jobs, i, 1), parts, &later) != ERR_OK)
			log_line(LOG_WARNING, "objects of a deleted file are left to the sweep: %s", later.message);
	}
	if (code == ERR_OK && files_remove(files, file, &later) != ERR_OK)
		log_line(LOG_WARNING, "a deleted file is left to the sweep: %s", later.message);
	db_rows_done(&deletion.jobs);
	return code;
}

enum err_code job_delete_file(const struct files *files, const struct uuid *owner, const struct uuid *file,
			      struct err *err)
{
	return delete_file(files, owner, file, 0, err);
}

enum err_code job_expire_file(const struct files *files, const struct uuid *owner, const struct uuid *file,
			      int64_t before_us, struct err *err)
{
	return delete_file(files, owner, file, before_us, err);
}
