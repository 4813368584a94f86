#include "jobs/job_request.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum { SWEEP_MAX = 100 };

static const struct db_stmt file_stmt = { .sql = "SELECT sha256 FROM files WHERE id = $1", .params = "b" };
/* One that failed or was cancelled is no use to who asks again without a key. */
static const struct db_stmt find_same_stmt = {
	.sql = "SELECT j.id, j.file_id FROM job_requests r JOIN jobs j ON j.id = r.job_id JOIN files f ON f.id = "
	       "j.file_id "
	       "WHERE r.application_id = $1 AND r.fingerprint = $2 AND f.state = 1 "
	       "AND (j.state < 2 OR (j.state = 2 AND j.ended_at > $3)) ORDER BY j.id LIMIT 1",
	.params = "bbi"
};
static const struct db_stmt find_key_stmt = {
	.sql = "SELECT j.id, j.file_id, r.fingerprint FROM job_requests r JOIN jobs j ON j.id = r.job_id "
	       "JOIN files f ON f.id = j.file_id WHERE r.application_id = $1 AND r.key_hash = $2 AND f.state = 1 "
	       "AND (j.state < 2 OR j.ended_at > $3) ORDER BY j.id LIMIT 1",
	.params = "bbi"
};
static const struct db_stmt insert_stmt = {
	.sql = "INSERT INTO job_requests (job_id, application_id, fingerprint, key_hash, wanted_until) "
	       "VALUES ($1, $2, $3, $4, $5)",
	.params = "bbbbi"
};
static const struct db_stmt want_stmt = {
	.sql = "UPDATE job_requests SET wanted_until = {greatest}(wanted_until, $2) WHERE job_id = $1", .params = "bi"
};
static const struct db_stmt unwanted_stmt = {
	.sql = "SELECT j.id, j.owner_id FROM job_requests r JOIN jobs j ON j.id = r.job_id "
	       "WHERE r.wanted_until < $1 AND j.state < 2 LIMIT $2",
	.params = "ii"
};
static const struct db_stmt forget_stmt = { .sql = "DELETE FROM job_requests WHERE wanted_until < $1 AND "
						   "job_id IN (SELECT id FROM jobs WHERE state >= 2)",
					    .params = "i" };

/* -- the same ---------------------------------------------------------------------------------------- */

/* Texts are ended by 0, so that none runs into the next. */
static enum err_code add_text(struct sha256 *hash, const char *text, struct err *err)
{
	return sha256_add(hash, text, strlen(text) + 1, err);
}

static enum err_code fingerprint(struct db_tx *tx, const struct job_new *job, unsigned char ret[SHA256_BYTES],
				 struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	cleanup_sha256 struct sha256 *hash = NULL;
	struct db_value params[] = { db_id(&job->file) };
	char flags[48];
	(void)snprintf(flags, sizeof flags, "%d %d %.6f", job->diarize, job->translate, job->temperature);
	if (db_query(tx, &file_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return err_set(err, ERR_REFERENCE, "the file of a job is not there");
	size_t len;
	const void *file = db_get_bytes(&rows, 0, 0, &len);
	if (sha256_new(&hash, err) != ERR_OK || sha256_add(hash, file, len, err) != ERR_OK ||
	    add_text(hash, job->language, err) != ERR_OK || add_text(hash, job->model, err) != ERR_OK ||
	    add_text(hash, job->prompt, err) != ERR_OK || add_text(hash, flags, err) != ERR_OK)
		return err->code;
	return sha256_finish_bytes(hash, ret, err);
}

static bool is_fingerprint(const struct db_rows *rows, size_t column, const unsigned char wanted[SHA256_BYTES])
{
	size_t len;
	const void *bytes = db_get_bytes(rows, 0, column, &len);
	return len == SHA256_BYTES && memcmp(bytes, wanted, SHA256_BYTES) == 0;
}

enum err_code job_request_match(struct db_tx *tx, const struct job_new *job, struct job_request *request,
				struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	unsigned char print[SHA256_BYTES];
	request->match = JOB_REQUEST_NEW;
	if (fingerprint(tx, job, print, err) != ERR_OK)
		return err->code;
	struct db_value params[] = { db_id(&job->application),
				     request->has_key ? db_bytes(request->key_hash, sizeof request->key_hash)
						      : db_bytes(print, sizeof print),
				     db_int(clock_wall_us() - JOB_REQUEST_KEPT_US) };
	if (db_query(tx, request->has_key ? &find_key_stmt : &find_same_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return ERR_OK;
	request->same_job = db_get_id(&rows, 0, 0);
	request->same_file = db_get_id(&rows, 0, 1);
	bool is_other = request->has_key && !is_fingerprint(&rows, 2, print);
	request->match = is_other ? JOB_REQUEST_OTHER : JOB_REQUEST_SAME;
	return err_set(err, ERR_CONFLICT,
		       is_other ? "the idempotency key was used for another request: take a new one"
				: "there is a job for this request");
}

enum err_code job_request_add(struct db_tx *tx, const struct job_new *job, const struct job_request *request,
			      int64_t wanted_until_us, struct err *err)
{
	unsigned char print[SHA256_BYTES];
	if (fingerprint(tx, job, print, err) != ERR_OK)
		return err->code;
	struct db_value params[] = { db_id(&job->id), db_id(&job->application), db_bytes(print, sizeof print),
				     request->has_key ? db_bytes(request->key_hash, sizeof request->key_hash)
						      : db_null(),
				     db_int(wanted_until_us) };
	return db_post(tx, &insert_stmt, params, err);
}

/* -- waiting ----------------------------------------------------------------------------------------- */

enum err_code job_request_want(struct db *db, const struct uuid *job, int64_t until_us, struct err *err)
{
	struct db_value params[] = { db_id(job), db_int(until_us) };
	return db_run_stmt(db, DB_WRITE_RELAXED, &want_stmt, params, NULL, err);
}

static enum err_code cancel(const struct files *files, const struct db_rows *rows, size_t row, struct err *err)
{
	struct uuid job = db_get_id(rows, row, 0), owner = db_get_id(rows, row, 1);
	struct job_row ignored;
	enum err_code code = job_cancel_row(files, &owner, &job, &ignored, err);
	/* It has ended, or gone, in this moment. */
	return code == ERR_CONFLICT || code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code job_requests_sweep(const struct files *files, uint64_t *ret_cancelled, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	int64_t now = clock_wall_us();
	struct db_value params[] = { db_int(now), db_int(SWEEP_MAX) };
	struct db_value old[] = { db_int(now - JOB_REQUEST_KEPT_US) };
	*ret_cancelled = 0;
	if (db_run_stmt(files->db, DB_READ, &unwanted_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	for (size_t i = 0; i < rows.count; i++) {
		if (cancel(files, &rows, i, err) != ERR_OK)
			return err->code;
		++*ret_cancelled;
	}
	return db_run_stmt(files->db, DB_WRITE_RELAXED, &forget_stmt, old, NULL, err);
}
