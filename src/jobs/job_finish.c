/*
 * The last stage: what was heard of each part, in order, becomes the recording's transcript. Where the recording's
 * language is another than a part was heard in, that part is published once more first, and the finish comes again when
 * it is done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asr/stitch.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "jobs/events.h"
#include "jobs/job_admit.h"
#include "jobs/job_heard.h"
#include "jobs/job_work_priv.h"

static const struct db_stmt again_stmt = {
	.sql = "UPDATE jobs SET parts_planned = parts_planned + $2, finishes = finishes + 1 WHERE queue_job = $1 "
	       "RETURNING id",
	.params = "ii"
};
/* Where a part finds the language that it is to be heard in. */
static const struct db_stmt wanted_stmt = {
	.sql = "INSERT INTO part_results (job, idx, data, language, confidence, cost) VALUES ($1, $2, $3, $4, 0, 0) "
	       "ON CONFLICT (job, idx) DO NOTHING",
	.params = "iibt"
};
static const struct db_stmt second_stmt = { .sql = "SELECT language FROM part_results WHERE job = $1 AND idx = $2",
					    .params = "ii" };
static const struct db_stmt job_stmt = {
	.sql = "SELECT duration_us, finishes, parts_planned FROM jobs WHERE queue_job = $1", .params = "i"
};
static const struct db_stmt done_stmt = {
	.sql = "UPDATE jobs SET state = 2, ended_at = $2, progress = 1000000, found_language = $3, queue_job = NULL "
	       "WHERE queue_job = $1 AND state < 2 RETURNING owner_id",
	.params = "iit"
};

struct finish {
	struct part_queue *queue;
	const struct files *files;
	const struct job_facts *facts;
	const struct part_claim *claim;
	int64_t duration_us, finishes;
	uint32_t parts;
	struct asr_transcript transcript;
	/* Parts to be heard once more. */
	struct {
		int64_t index;
		char language[ASR_LANGUAGE_SIZE];
	} again[PARTS_BATCH_MAX];
	size_t again_count;
};

/* -- what was heard --------------------------------------------------------------------------------------- */

static enum err_code take_part(void *arg, const struct job_heard_part *part, struct err *err)
{
	struct finish *f = arg;
	const struct part_layout *layout = part->layout;
	char language[ASR_LANGUAGE_SIZE];
	if (f->facts->heard.is_auto && !part->is_second && f->finishes == 0 && f->again_count < ARRAY_LEN(f->again) &&
	    speech_language_differs(&f->facts->heard, part->words, language)) {
		f->again[f->again_count].index = part->index;
		memcpy(f->again[f->again_count++].language, language, sizeof language);
	}
	return asr_stitch(&f->transcript, part->words, layout->spans, layout->span_count, layout->start_us, err);
}

static enum err_code read_job(struct finish *f, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(f->facts->number) };
	if (db_run_stmt(f->files->db, DB_READ, &job_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return err_set(err, ERR_CANCELLED, "the job has ended");
	f->duration_us = db_get_int(&rows, 0, 0);
	f->finishes = db_get_int(&rows, 0, 1);
	f->parts = (uint32_t)db_get_int(&rows, 0, 2);
	return ERR_OK;
}

/* -- once more ---------------------------------------------------------------------------------------------- */

static enum err_code run_again(struct db_tx *tx, void *arg, struct err *err)
{
	const struct finish *f = arg;
	static const double cost = LIMIT_PART_PACK_S;
	struct db_value params[] = { db_int(f->facts->number), db_int((int64_t)f->again_count) };
	if (job_accept(tx, f->claim, err) != ERR_OK || db_query(tx, &again_stmt, params, NULL, err) != ERR_OK)
		return err->code;
	for (size_t i = 0; i < f->again_count; i++) {
		struct parts_new part = { .job = f->facts->number,
					  .stage = PARTS_RECOGNISE,
					  .first = PART_SECOND_HEARING + f->again[i].index,
					  .costs = &cost,
					  .count = 1 };
		struct db_value wanted[] = { params[0], db_int(part.first), db_bytes("", 0),
					     db_text(f->again[i].language) };
		if (db_post(tx, &wanted_stmt, wanted, err) != ERR_OK ||
		    parts_publish(f->queue, tx, &part, err) != ERR_OK)
			return err->code;
	}
	return ERR_OK;
}

enum err_code job_second_language(struct db *db, int64_t number, int64_t index, char ret[ASR_LANGUAGE_SIZE],
				  struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(number), db_int(index) };
	if (db_run_stmt(db, DB_READ, &second_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return err_set(err, ERR_CANCELLED, "the job has ended");
	(void)snprintf(ret, ASR_LANGUAGE_SIZE, "%s", db_get_text(&rows, 0, 0));
	return ERR_OK;
}

/* -- the end ------------------------------------------------------------------------------------------------- */

static enum err_code tell_end(struct db_tx *tx, const struct finish *f, struct err *err)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(EVENT_DATA_MAX);
	struct json json = JSON_INIT(&text);
	json_object(&json);
	json_key_str(&json, "status", "completed");
	json_key_real(&json, "progress", 1, 0);
	json_key_str(&json, "language", f->transcript.language);
	json_key_seconds(&json, "duration", f->duration_us);
	json_key_int(&json, "word_count", (int64_t)f->transcript.word_count);
	json_object_end(&json);
	if (strbuf_check(&text, "an event", err) != ERR_OK)
		return err->code;
	return event_add(tx, &f->facts->file, "completed", strbuf_str(&text), err);
}

static enum err_code run_done(struct db_tx *tx, void *arg, struct err *err)
{
	const struct finish *f = arg;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(f->facts->number), db_int(clock_wall_us()),
				     db_text(f->transcript.language) };
	if (job_accept(tx, f->claim, err) != ERR_OK || db_query(tx, &done_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return err_set(err, ERR_CANCELLED, "the job has ended");
	struct job_ending ending = { .id = f->facts->id, .number = f->facts->number, .outcome = USAGE_SUCCEEDED };
	ending.owner = db_get_id(&rows, 0, 0);
	if (job_leave(f->queue, tx, &ending, err) != ERR_OK)
		return err->code;
	return tell_end(tx, f, err);
}

static enum err_code end_or_go_on(struct finish *f, struct err *err)
{
	if (f->again_count > 0) {
		struct db_work work = { .mode = DB_WRITE, .run = run_again, .arg = f };
		return job_run_again(f->files->db, &work, err);
	}
	f->transcript.duration_us = f->duration_us;
	speech_language_of_all(&f->facts->heard, &f->transcript);
	if (job_result_write(f->files, f->facts, &f->transcript, err) != ERR_OK)
		return err->code;
	struct db_work work = { .mode = DB_WRITE, .run = run_done, .arg = f };
	if (job_run_again(f->files->db, &work, err) != ERR_OK) {
		if (err->code == ERR_CANCELLED)
			job_result_forget(f->files, f->facts);
		return err->code;
	}
	struct err later;
	if (job_parts_remove(f->files, &f->facts->id, f->facts->number, f->parts, &later) != ERR_OK)
		log_line(LOG_WARNING, "the parts of a job that ended are left to the sweep: %s", later.message);
	return ERR_OK;
}

enum err_code job_finish(struct part_queue *queue, const struct files *files, const struct job_facts *facts,
			 const struct part_claim *claim, struct err *err)
{
	struct finish *f = calloc(1, sizeof *f);
	if (!f)
		return err_set(err, ERR_NO_MEMORY, "no memory to finish a job");
	*f = (struct finish){ .queue = queue, .files = files, .facts = facts, .claim = claim };
	asr_transcript_init(&f->transcript);
	memcpy(f->transcript.language, facts->asked.language, sizeof f->transcript.language);
	f->transcript.language_confidence = facts->heard.is_auto ? 0 : 1;
	enum err_code code = read_job(f, err);
	if (code == ERR_OK)
		code = job_heard_each(files, facts, 0, take_part, f, err);
	if (code == ERR_OK)
		code = end_or_go_on(f, err);
	asr_transcript_done(&f->transcript);
	free(f);
	return code;
}
