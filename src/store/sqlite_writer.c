/*
 * The one thread that writes. It takes all units that wait and commits them together, so that they share one fsync;
 * each runs in a savepoint of its own, so that one that fails is undone alone. Answers go out after the commit.
 * Readers run one unit at a time, each on its own connection, and see the last commit.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/sqlite_priv.h"

enum {
	/* Units committed together: enough to hide an fsync, few enough that the first is not kept waiting. */
	GROUP_MAX = 256
};

/* How often the writer looks whether another program has written. */
#define FOREIGN_CHECK_US US_PER_S

static const struct db_stmt begin_write = { .sql = "BEGIN IMMEDIATE", .params = "" };
static const struct db_stmt begin_read = { .sql = "BEGIN", .params = "" };
static const struct db_stmt commit = { .sql = "COMMIT", .params = "" };
static const struct db_stmt rollback = { .sql = "ROLLBACK", .params = "" };
static const struct db_stmt savepoint = { .sql = "SAVEPOINT unit", .params = "" };
static const struct db_stmt undo = { .sql = "ROLLBACK TO unit", .params = "" };
static const struct db_stmt release = { .sql = "RELEASE unit", .params = "" };
static const struct db_stmt data_version = { .sql = "PRAGMA data_version", .params = "" };

struct writer {
	struct sqlite_store *store;
	struct sqlite_conn *conn;
	bool is_full_sync; /* what PRAGMA synchronous says now */
	int64_t foreign_version;
	int64_t foreign_check_us;
};

static bool is_in_transaction(const struct sqlite_conn *conn)
{
	return !sqlite3_get_autocommit(conn->db);
}

/* Only a group that asks for it waits for the disk. The setting cannot change inside a transaction. */
static enum err_code set_sync(struct writer *w, const struct db_job *jobs, int count, struct err *err)
{
	bool full = false;
	for (const struct db_job *job = jobs; count > 0; job = job->next, count--)
		full = full || job->work.mode == DB_WRITE;
	if (full == w->is_full_sync)
		return ERR_OK;
	enum err_code code =
		sqlite_conn_exec(w->conn, full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", err);
	if (code == ERR_OK)
		w->is_full_sync = full;
	return code;
}

/* In memory the writer reads too, and must not write for a reader. */
static void set_read_only(struct writer *w, const struct db_job *job, bool on)
{
	if (!w->store->is_memory || job->work.mode != DB_READ)
		return;
	struct err err;
	if (sqlite_conn_exec(w->conn, on ? "PRAGMA query_only = ON" : "PRAGMA query_only = OFF", &err) != ERR_OK)
		abort();
}

/* Runs one unit inside the open transaction; false where SQLite has undone the whole transaction. */
static bool run_unit(struct writer *w, struct db_job *job)
{
	struct sqlite_conn *conn = w->conn;
	size_t notices = conn->notices.len;
	int status = sqlite_conn_step(conn, &savepoint);
	if (status != SQLITE_DONE) {
		job->code = sqlite_conn_error(conn, status, &job->err);
		return is_in_transaction(conn);
	}
	set_read_only(w, job, true);
	job->code = sqlite_conn_run(conn, job);
	set_read_only(w, job, false);
	if (!is_in_transaction(conn))
		return false;
	if (job->code != ERR_OK) {
		conn->notices.len = notices;
		conn->notices.failed = false;
		(void)sqlite_conn_step(conn, &undo);
	}
	(void)sqlite_conn_step(conn, &release);
	return is_in_transaction(conn);
}

/* A commit that fails for lack of space wrote nothing. After any other failure of the disk nobody knows. */
static enum err_code commit_error(const struct sqlite_conn *conn, int status, struct err *err)
{
	enum err_code code = sqlite_conn_error(conn, status, err);
	if (code == ERR_IO)
		code = err_set(err, ERR_OUTCOME_UNKNOWN, "the disk failed while the database was written");
	return code;
}

static enum err_code commit_group(struct writer *w, struct err *err)
{
	int status = sqlite_conn_step(w->conn, &commit);
	if (status == SQLITE_DONE)
		return ERR_OK;
	enum err_code code = commit_error(w->conn, status, err);
	if (is_in_transaction(w->conn))
		(void)sqlite_conn_step(w->conn, &rollback);
	return code;
}

static enum err_code try_group(struct writer *w, struct db_job *jobs, int count, struct err *err)
{
	strbuf_clear(&w->conn->notices);
	struct db_job *job = jobs;
	for (int i = 0; i < count; i++, job = job->next)
		job->code = ERR_OK;
	enum err_code code = set_sync(w, jobs, count, err);
	if (code != ERR_OK)
		return code;
	int status = sqlite_conn_step(w->conn, &begin_write);
	if (status != SQLITE_DONE)
		return sqlite_conn_error(w->conn, status, err);
	for (job = jobs; count > 0; job = job->next, count--) {
		if (!run_unit(w, job))
			return err_set(err, ERR_IO, "%s",
				       job->code == ERR_OK ? "the database undid a transaction" : job->err.message);
	}
	return commit_group(w, err);
}

static void tell_notices(struct writer *w)
{
	const struct strbuf *notices = &w->conn->notices;
	for (size_t at = 0; at < notices->len;) {
		const char *channel = notices->data + at;
		const char *text = channel + strlen(channel) + 1;
		db_tell(&w->store->db, channel, text);
		at = (size_t)(text + strlen(text) + 1 - notices->data);
	}
}

/* Runs a group and answers it; returns the job after it. */
static struct db_job *run_group(struct writer *w, struct db_job *jobs, int count)
{
	struct err err;
	enum err_code code = try_group(w, jobs, count, &err);
	struct db_job *job = jobs;
	if (code == ERR_OK)
		tell_notices(w);
	/* One unit's failure (a full disk, a time-out) may undo its neighbours: then each has a transaction of its own.
	 */
	bool again = code != ERR_OK && code != ERR_OUTCOME_UNKNOWN && code != ERR_BUSY && count > 1;
	for (; count > 0; count--) {
		struct db_job *next = job->next;
		if (again)
			(void)run_group(w, job, 1);
		else if (code == ERR_OK || job->code != ERR_OK)
			job_end(job, job->code, &job->err);
		else
			job_end(job, code, &err);
		job = next;
	}
	return job;
}

/* `tiro admin` writes with a connection of its own: nobody announces that, but SQLite counts it. */
static void check_foreign(struct writer *w)
{
	int64_t now = clock_monotonic_us();
	if (now < w->foreign_check_us)
		return;
	w->foreign_check_us = now + FOREIGN_CHECK_US;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct err err;
	if (w->conn->tx.ops->query(&w->conn->tx, &data_version, NULL, &rows, &err) != ERR_OK || rows.count == 0)
		return;
	int64_t version = db_get_int(&rows, 0, 0);
	if (w->foreign_version != 0 && version != w->foreign_version)
		db_tell(&w->store->db, "", NULL);
	w->foreign_version = version;
}

static int chain_length(const struct db_job *job, int max)
{
	int count = 0;
	for (; job && count < max; job = job->next)
		count++;
	return count;
}

void *sqlite_writer_main(void *arg)
{
	struct sqlite_store *store = arg;
	struct writer w = { .store = store, .conn = store->writer, .is_full_sync = true };
	check_foreign(&w);
	for (;;) {
		struct db_job *jobs = job_list_take(&store->writes, clock_monotonic_us() + FOREIGN_CHECK_US, true);
		if (!jobs && job_list_is_closing(&store->writes))
			return NULL;
		while (jobs)
			jobs = run_group(&w, jobs, chain_length(jobs, GROUP_MAX));
		check_foreign(&w);
	}
}

static void run_read(struct sqlite_conn *conn, struct db_job *job)
{
	int status = sqlite_conn_step(conn, &begin_read);
	if (status != SQLITE_DONE) {
		job->code = sqlite_conn_error(conn, status, &job->err);
	} else {
		job->code = sqlite_conn_run(conn, job);
		(void)sqlite_conn_step(conn, is_in_transaction(conn) ? &commit : &rollback);
	}
	job_end(job, job->code, &job->err);
}

void *sqlite_reader_main(void *arg)
{
	struct sqlite_reader reader = *(struct sqlite_reader *)arg;
	free(arg);
	struct db_job *job;
	while ((job = job_list_take(&reader.store->reads, 0, false)))
		run_read(reader.conn, job);
	return NULL;
}
