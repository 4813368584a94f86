/*
 * A unit of work on a connection. Its transaction begins with its first statement and in the same pipeline, so that a
 * unit of one statement that says so takes one round trip and any other takes two beside its own.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/pg_priv.h"

enum {
	/* A deadlock that happens this often is no accident. */
	TRIES_MAX = 8
};

static const struct db_stmt notify_stmt = { .sql = "SELECT pg_notify('" PG_CHANNEL "', $1)", .params = "t" };

/* -- statements -------------------------------------------------------------------------------------- */

static enum err_code send_sync_commit(struct pg_conn *conn, struct err *err)
{
	enum db_mode mode = conn->job->work.mode;
	int wanted = mode == DB_WRITE;
	if (mode == DB_READ || wanted == conn->sync_commit)
		return ERR_OK;
	struct pg_step step = { .kind = PG_STEP_SYNC_COMMIT, .number = wanted };
	return pg_send_plain(conn, wanted ? "SET synchronous_commit = on" : "SET synchronous_commit = off", step, err);
}

static enum err_code begin_once(struct pg_conn *conn, struct err *err)
{
	if (conn->has_begun)
		return ERR_OK;
	conn->has_begun = true;
	enum err_code code = send_sync_commit(conn, err);
	if (code != ERR_OK || conn->job->work.is_single)
		return code;
	const char *begin =
		conn->job->work.mode == DB_READ ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "BEGIN";
	return pg_send_plain(conn, begin, (struct pg_step){ .kind = PG_STEP_OTHER }, err);
}

static enum err_code pg_query(struct db_tx *tx, const struct db_stmt *stmt, const struct db_value *params,
			      struct db_rows *ret, struct err *err)
{
	struct pg_conn *conn = (struct pg_conn *)tx;
	if (conn->is_commit_sent)
		return err_set(err, ERR_INTERNAL, "a second statement in a unit of one: %.60s", stmt->sql);
	enum err_code code = begin_once(conn, err);
	if (code == ERR_OK)
		code = pg_send(conn, stmt, params, err);
	if (code != ERR_OK)
		return code;
	/* Of a unit of one statement the end of the pipeline is the commit. */
	conn->is_commit_sent = conn->job->work.is_single && conn->job->work.mode != DB_READ;
	code = pg_collect(conn, ret, err);
	conn->is_committed = conn->is_commit_sent && code == ERR_OK;
	return code;
}

static enum err_code pg_post(struct db_tx *tx, const struct db_stmt *stmt, const struct db_value *params,
			     struct err *err)
{
	struct pg_conn *conn = (struct pg_conn *)tx;
	enum err_code code = begin_once(conn, err);
	/* A statement may need three steps, and the end one. */
	if (code == ERR_OK && conn->step_count > PG_STEPS_MAX - 8) {
		if (conn->job->work.is_single)
			return err_set(err, ERR_INTERNAL, "too many statements for a unit of one");
		code = pg_collect(conn, NULL, err);
	}
	return code == ERR_OK ? pg_send(conn, stmt, params, err) : code;
}

static enum err_code pg_notify(struct db_tx *tx, const char *channel, const char *text, struct err *err)
{
	char payload[DB_NOTICE_MAX];
	(void)snprintf(payload, sizeof payload, "%s %s", channel, text);
	struct db_value params[] = { db_text(payload) };
	return pg_post(tx, &notify_stmt, params, err);
}

static const struct db_tx_ops pg_tx_ops = { .query = pg_query, .post = pg_post, .notify = pg_notify };

/* -- one try ----------------------------------------------------------------------------------------- */

static enum err_code commit(struct pg_conn *conn, struct err *err)
{
	bool is_single = conn->job->work.is_single;
	if (!conn->has_begun || conn->is_commit_sent || (is_single && conn->step_count == 0))
		return ERR_OK;
	enum err_code code = ERR_OK;
	if (!is_single)
		code = pg_send_plain(conn, "COMMIT", (struct pg_step){ .kind = PG_STEP_COMMIT }, err);
	if (code != ERR_OK)
		return code;
	conn->is_commit_sent = conn->job->work.mode != DB_READ;
	code = pg_collect(conn, NULL, err);
	if (code == ERR_OK && !is_single && !conn->is_committed)
		return err_set(err, ERR_INTERNAL, "the database undid a transaction");
	return code;
}

/* What cannot be rolled back is rolled back by hanging up. */
static void rollback(struct pg_conn *conn)
{
	struct err err;
	conn->sync_commit = -1;
	if (!conn->pg)
		return;
	struct pg_step step = { .kind = PG_STEP_OTHER };
	bool has_begun = conn->has_begun && !conn->job->work.is_single;
	if (conn->step_count > 0 || (has_begun && (pg_send_plain(conn, "ROLLBACK", step, &err) != ERR_OK ||
						   pg_collect(conn, NULL, &err) != ERR_OK)))
		pg_disconnect(conn);
}

static enum err_code try_once(struct pg_conn *conn, struct db_job *job)
{
	conn->tx = (struct db_tx){ .ops = &pg_tx_ops };
	conn->job = job;
	conn->has_begun = conn->is_commit_sent = conn->is_committed = conn->is_retry = false;
	conn->step_count = 0;
	enum err_code code = job->work.run(&conn->tx, job->work.arg, &job->err);
	if (code == ERR_OK && conn->tx.failed.code != ERR_OK) {
		job->err = conn->tx.failed;
		code = job->err.code;
	}
	if (code == ERR_OK)
		code = commit(conn, &job->err);
	if (code != ERR_OK)
		rollback(conn);
	return code;
}

/* -- tries ------------------------------------------------------------------------------------------- */

static bool is_over(const struct db_job *job, struct job_list *jobs)
{
	return clock_monotonic_us() >= job->deadline_us || job_list_is_closing(jobs);
}

/* In slices, so that closing the database does not wait. */
static void wait_before_retry(int attempt, const struct db_job *job, struct job_list *jobs)
{
	int64_t until_us = clock_monotonic_us() + pg_backoff_us(attempt);
	while (clock_monotonic_us() < until_us && !is_over(job, jobs))
		clock_sleep_us(10 * US_PER_MS);
}

/* Those that were taken in before it was known: all threads may wait, and none would get to them. */
static void end_impatient(struct job_list *jobs, const struct err *why)
{
	for (struct db_job *job = job_list_take_impatient(jobs), *next; job; job = next) {
		next = job->next;
		job_end(job, why->code, why);
	}
}

static enum err_code connect_until(struct pg_conn *conn, struct db_job *job, struct job_list *jobs)
{
	enum err_code code = pg_connect(conn, &job->err);
	for (int attempt = 0; code == ERR_NETWORK && !job->is_impatient && !is_over(job, jobs); attempt++) {
		if (pg_is_away(conn->settings))
			end_impatient(jobs, &job->err);
		wait_before_retry(attempt, job, jobs);
		code = pg_connect(conn, &job->err);
	}
	return code;
}

void pg_unit_run(struct pg_conn *conn, struct db_job *job, struct job_list *jobs)
{
	if (clock_monotonic_us() >= job->deadline_us) {
		job->code = err_set(&job->err, ERR_TIMEOUT, "the database has too much to do");
		return;
	}
	for (int attempt = 0;; attempt++) {
		/* A connection that died while it was idle would leave a write's outcome unknown without need. */
		job->code = pg_is_alive(conn) ? ERR_OK : connect_until(conn, job, jobs);
		if (job->code != ERR_OK)
			return;
		job->code = try_once(conn, job);
		if (job->code == ERR_OK || !conn->is_retry || attempt >= TRIES_MAX || is_over(job, jobs))
			return;
		wait_before_retry(0, job, jobs);
	}
}
