/* The units of work of a worker: facts, plan, parts, the end. Objects are in job_objects.c, the finish in job_finish.c.
 */
#include "jobs/job_work.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "blob/note.h"
#include "jobs/events.h"
#include "jobs/job_row.h"
#include "jobs/job_usage.h"
#include "jobs/job_work_priv.h"

static const struct db_stmt facts_stmt = {
	.sql = "SELECT j.id, j.file_id, j.language, f.name, j.prompt, j.translate, j.temperature FROM jobs j "
	       "JOIN files f ON f.id = j.file_id WHERE j.queue_job = $1",
	.params = "i"
};
static const struct db_stmt heard_stmt = {
	.sql = "SELECT language, confidence, cost FROM part_results WHERE job = $1 AND idx < $2 ORDER BY idx",
	.params = "ii"
};
static const struct db_stmt begin_stmt = {
	.sql = "UPDATE jobs SET state = 1, started_at = coalesce(started_at, $2) WHERE queue_job = $1 AND state < 2 "
	       "RETURNING id",
	.params = "ii"
};
static const struct db_stmt grow_stmt = {
	.sql = "UPDATE jobs SET parts_planned = {greatest}(parts_planned, $2), "
	       "cost_planned = {greatest}(cost_planned, $3), plan_fraction = {greatest}(plan_fraction, $4) "
	       "WHERE queue_job = $1 RETURNING id",
	.params = "iiii"
};
static const struct db_stmt planned_stmt = {
	.sql = "UPDATE jobs SET planned = 1, plan_fraction = 1000000, duration_us = $2, error_code = $3, "
	       "error_message = $4 WHERE queue_job = $1 RETURNING parts_planned, parts_done, finishes",
	.params = "iitt"
};
static const struct db_stmt insert_result_stmt = {
	.sql = "INSERT INTO part_results (job, idx, data, language, confidence, cost) VALUES ($1, $2, $3, $4, $5, $6) "
	       "ON CONFLICT (job, idx) DO UPDATE SET data = excluded.data, language = excluded.language, "
	       "confidence = excluded.confidence, cost = excluded.cost",
	.params = "iibtii"
};
/* The whole is only reached where the job has ended: parts may be heard once more, and the finish is still to come. */
static const struct db_stmt part_done_stmt = {
	.sql = "UPDATE jobs SET parts_done = parts_done + 1, cost_done = cost_done + $2, busy_us = busy_us + $3, "
	       "progress = {greatest}(progress, {least}(990000, "
	       "plan_fraction * (cost_done + $2) / {greatest}(cost_planned, 1))) "
	       "WHERE queue_job = $1 "
	       "RETURNING planned, parts_planned, parts_done, finishes, progress, busy_us",
	.params = "iii"
};

enum err_code job_run_again(struct db *db, const struct db_work *work, struct err *err)
{
	enum err_code code = db_run(db, work, err);
	return code == ERR_OUTCOME_UNKNOWN ? db_run(db, work, err) : code;
}

static enum err_code ended(struct err *err)
{
	return err_set(err, ERR_CANCELLED, "the job has ended");
}

/* -- facts ------------------------------------------------------------------------------------------------- */

struct facts_call {
	int64_t number;
	struct job_facts *ret;
	struct db_rows rows;
};

/* What parts of a job spoke, from the database: a node that joins in hears what the others heard. */
static void read_heard(const struct db_rows *rows, struct speech_language *ret)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct asr_transcript part = { 0 };
		(void)snprintf(part.language, sizeof part.language, "%s", db_get_text(rows, i, 0));
		part.language_confidence = (float)db_get_int(rows, i, 1) / JOB_FRACTION;
		speech_language_heard(ret, &part, (double)db_get_int(rows, i, 2) / 1000);
	}
}

static void read_asked(const struct db_rows *rows, struct asr_options *ret)
{
	(void)snprintf(ret->language, sizeof ret->language, "%s", db_get_text(rows, 0, 2));
	(void)snprintf(ret->prompt, sizeof ret->prompt, "%s", db_get_text(rows, 0, 4));
	ret->translate = db_get_int(rows, 0, 5) != 0;
	ret->temperature = (float)db_get_int(rows, 0, 6) / JOB_FRACTION;
}

static enum err_code run_facts(struct db_tx *tx, void *arg, struct err *err)
{
	struct facts_call *call = arg;
	struct job_facts *ret = call->ret;
	struct db_value params[] = { db_int(call->number), db_int(PART_SECOND_HEARING) };
	if (db_query(tx, &facts_stmt, params, &call->rows, err) != ERR_OK)
		return err->code;
	if (call->rows.count == 0)
		return ended(err);
	ret->number = call->number;
	ret->id = db_get_id(&call->rows, 0, 0);
	ret->file = db_get_id(&call->rows, 0, 1);
	read_asked(&call->rows, &ret->asked);
	(void)snprintf(ret->file_name, sizeof ret->file_name, "%s", db_get_text(&call->rows, 0, 3));
	speech_language_init(&ret->heard, ret->asked.language);
	if (!ret->heard.is_auto)
		return ERR_OK;
	if (db_query(tx, &heard_stmt, params, &call->rows, err) != ERR_OK)
		return err->code;
	read_heard(&call->rows, &ret->heard);
	return ERR_OK;
}

enum err_code job_facts_read(const struct files *files, int64_t number, struct job_facts *ret, struct err *err)
{
	*ret = (struct job_facts){ .number = 0 };
	struct facts_call call = { number, ret, DB_ROWS_INIT };
	struct db_work work = { .mode = DB_READ, .run = run_facts, .arg = &call };
	enum err_code code = db_run(files->db, &work, err);
	db_rows_done(&call.rows);
	if (code != ERR_OK)
		return code;
	code = files_data_key(files, &ret->file, &ret->key, err);
	return code == ERR_NOT_FOUND ? ended(err) : code;
}

void job_facts_done(struct job_facts *facts)
{
	data_key_done(&facts->key);
}

/* -- shared by units ----------------------------------------------------------------------------------------- */

enum err_code job_accept(struct db_tx *tx, const struct part_claim *claim, struct err *err)
{
	bool accepted = false;
	if (parts_complete(tx, claim, 1, &accepted, err) != ERR_OK)
		return err->code;
	return accepted ? ERR_OK : err_set(err, ERR_CANCELLED, "the part was given to another worker");
}

enum err_code job_publish_finish(struct part_queue *queue, struct db_tx *tx, int64_t number, int64_t finishes,
				 struct err *err)
{
	static const double nothing = 0;
	struct parts_new finish = {
		.job = number, .stage = PARTS_FINISH, .first = finishes, .costs = &nothing, .count = 1
	};
	return parts_publish(queue, tx, &finish, err);
}

/* -- plan ------------------------------------------------------------------------------------------------ */

static enum err_code run_begin(struct db_tx *tx, void *arg, struct err *err)
{
	const struct job_facts *facts = arg;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(facts->number), db_int(clock_wall_us()) };
	if (db_query(tx, &begin_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return ended(err);
	return event_add(tx, &facts->file, "job_progress", "{\"status\":\"processing\",\"progress\":0}", err);
}

enum err_code job_begin(struct db *db, const struct job_facts *facts, struct err *err)
{
	struct db_work work = { .mode = DB_WRITE_RELAXED, .run = run_begin, .arg = (void *)(uintptr_t)facts };
	return db_run(db, &work, err);
}

struct publish_call {
	struct part_queue *queue;
	const struct job_facts *facts;
	const struct part_claim *claim;
	const struct job_parts *parts;
};

static enum err_code run_publish(struct db_tx *tx, void *arg, struct err *err)
{
	const struct publish_call *call = arg;
	const struct job_parts *parts = call->parts;
	struct parts_new new = { .job = call->facts->number,
				 .stage = PARTS_RECOGNISE,
				 .first = parts->first,
				 .costs = parts->costs_s,
				 .count = parts->count };
	if (parts_hold(tx, call->claim, err) != ERR_OK || parts_publish(call->queue, tx, &new, err) != ERR_OK)
		return err->code;
	struct db_value params[] = { db_int(call->facts->number), db_int((int64_t)parts->first + parts->count),
				     db_int(llround(parts->total_cost_s * 1000)),
				     db_int(llround(parts->fraction * JOB_FRACTION)) };
	struct usage_shortage shortage;
	if (db_query(tx, &grow_stmt, params, NULL, err) != ERR_OK)
		return err->code;
	return job_usage_hold(tx, &call->facts->id, parts->length_us, &shortage, err);
}

enum err_code job_publish_parts(struct part_queue *queue, struct db *db, const struct job_facts *facts,
				const struct part_claim *claim, const struct job_parts *parts, struct err *err)
{
	struct publish_call call = { queue, facts, claim, parts };
	/* On disk: the plan does not come back to parts that it has published, whatever happens to the database. */
	struct db_work work = { .mode = DB_WRITE, .run = run_publish, .arg = &call };
	return db_run(db, &work, err);
}

struct planned_call {
	struct part_queue *queue;
	const struct job_facts *facts;
	const struct part_claim *claim;
	int64_t duration_us;
	const struct err *why;
};

static enum err_code run_planned(struct db_tx *tx, void *arg, struct err *err)
{
	const struct planned_call *call = arg;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	bool whole = call->why->code == ERR_OK;
	struct db_value params[] = { db_int(call->facts->number), db_int(call->duration_us),
				     db_text(whole ? NULL : err_name(call->why->code)),
				     db_text(whole ? NULL : call->why->message) };
	if (job_accept(tx, call->claim, err) != ERR_OK || db_query(tx, &planned_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return ended(err);
	struct usage_shortage shortage;
	if (job_usage_hold(tx, &call->facts->id, call->duration_us, &shortage, err) != ERR_OK)
		return err->code;
	if (db_get_int(&rows, 0, 0) != db_get_int(&rows, 0, 1))
		return ERR_OK;
	return job_publish_finish(call->queue, tx, call->facts->number, db_get_int(&rows, 0, 2), err);
}

enum err_code job_planned_all(struct part_queue *queue, struct db *db, const struct job_facts *facts,
			      const struct part_claim *claim, int64_t duration_us, const struct err *why,
			      struct err *err)
{
	struct planned_call call = { queue, facts, claim, duration_us, why };
	struct db_work work = { .mode = DB_WRITE, .run = run_planned, .arg = &call };
	return job_run_again(db, &work, err);
}

/* -- parts ------------------------------------------------------------------------------------------------- */

struct part_call {
	struct part_queue *queue;
	const struct job_facts *facts;
	const struct job_part_done *done;
	const struct strbuf *sealed;
};

static enum err_code tell_part(struct db_tx *tx, const struct part_call *call, const struct db_rows *rows,
			       struct err *err)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(EVENT_DATA_MAX);
	struct json json = JSON_INIT(&text);
	json_object(&json);
	json_key_str(&json, "status", "processing");
	json_key_real(&json, "progress", (double)db_get_int(rows, 0, 4) / JOB_FRACTION, 4);
	json_key_int(&json, "parts_done", db_get_int(rows, 0, 2));
	json_key_int(&json, "parts_planned", db_get_int(rows, 0, 1));
	json_object_end(&json);
	if (strbuf_check(&text, "an event", err) != ERR_OK)
		return err->code;
	return event_add(tx, &call->facts->file, "job_progress", strbuf_str(&text), err);
}

static enum err_code run_part(struct db_tx *tx, void *arg, struct err *err)
{
	const struct part_call *call = arg;
	const struct job_part_done *done = call->done;
	double cost_s = (double)done->layout->sample_count / AUDIO_RATE;
	int64_t cost_ms = llround(cost_s * 1000);
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value result[] = { db_int(call->facts->number),
				     db_int(done->claim->index),
				     db_bytes(call->sealed->data, call->sealed->len),
				     db_text(done->words->language),
				     db_int(llround((double)done->words->language_confidence * JOB_FRACTION)),
				     db_int(cost_ms) };
	bool again = done->claim->index >= PART_SECOND_HEARING;
	struct db_value params[] = { result[0], db_int(again ? 0 : cost_ms), db_int(done->busy_us) };
	if (job_accept(tx, done->claim, err) != ERR_OK || db_post(tx, &insert_result_stmt, result, err) != ERR_OK ||
	    db_query(tx, &part_done_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return ended(err);
	if (db_get_int(&rows, 0, 5) > done->busy_max_us)
		return err_set(err, ERR_TIMEOUT, "the job took more than %" PRId64 " minutes of processing",
			       done->busy_max_us / US_PER_S / 60);
	if (tell_part(tx, call, &rows, err) != ERR_OK)
		return err->code;
	if (db_get_int(&rows, 0, 0) == 0 || db_get_int(&rows, 0, 1) != db_get_int(&rows, 0, 2))
		return ERR_OK;
	return job_publish_finish(call->queue, tx, call->facts->number, db_get_int(&rows, 0, 3), err);
}

enum err_code job_store_part(struct part_queue *queue, struct db *db, const struct job_facts *facts,
			     const struct job_part_done *done, struct err *err)
{
	cleanup_strbuf struct strbuf plain = STRBUF_INIT(LIMIT_BULK_BYTES);
	cleanup_strbuf struct strbuf sealed = STRBUF_INIT(LIMIT_BULK_BYTES);
	char place[NOTE_PLACE_MAX];
	part_result_pack(done->layout, done->words, &plain);
	job_part_place(facts, done->claim->index, place);
	if (strbuf_check(&plain, "a part's words", err) != ERR_OK ||
	    note_seal(&facts->key, place, plain.data, plain.len, &sealed, err) != ERR_OK)
		return err->code;
	secret_wipe(plain.data, plain.len);
	struct part_call call = { queue, facts, done, &sealed };
	/* Not on disk at once: after a power cut the part is claimed and recognised again. */
	struct db_work work = { .mode = DB_WRITE_RELAXED, .run = run_part, .arg = &call };
	return job_run_again(db, &work, err);
}
