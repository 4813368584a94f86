/*
 * The PostgreSQL back end's parts: what a connection is (pg_conn.c), how statements travel in a pipeline (pg_pipe.c),
 * how a unit of work runs on one (pg_unit.c), the pool (pg.c) and the listener (pg_listen.c).
 */
#ifndef TIRO_STORE_PG_PRIV_H
#define TIRO_STORE_PG_PRIV_H

#include <libpq-fe.h>
#include <stdatomic.h>

#include "store/db_priv.h"

enum {
	PG_POOL_MIN = 5,
	PG_POOL_MAX = 20,
	/* A pool that is set larger than this is a mistake: PostgreSQL itself takes 100 by default. */
	PG_POOL_LIMIT = 200,
	/* Statements in one pipeline. */
	PG_STEPS_MAX = 300,
};

/* The channel that all nodes listen on; our own channel's name stands before the text. */
#define PG_CHANNEL "tiro"

/* Whether the server can be reached, as its connections found: of all threads. */
struct pg_health {
	atomic_int live; /* connections that are open, as far as their threads know */
	atomic_bool has_failed; /* the last try to open one */
};

struct pg_settings {
	char *host, *user, *dbname, *password;
	char port[12];
	char options[512]; /* session settings */
	int timeout_ms;
	struct pg_health *health;
};

/* What a result in a pipeline belongs to. */
enum pg_step_kind { PG_STEP_OTHER, PG_STEP_PREPARE, PG_STEP_SYNC_COMMIT, PG_STEP_COMMIT };

struct pg_step {
	enum pg_step_kind kind;
	int number; /* of the prepared statement; or the new value of synchronous_commit */
};

/* One connection, used by one thread. */
struct pg_conn {
	struct db_tx tx; /* first: what units of work are given */
	const struct pg_settings *settings;
	PGconn *pg; /* NULL while there is none */
	struct stmt_map map;
	bool is_prepared[STMT_MAP_MAX];
	int sync_commit; /* 0 off, 1 on, -1 unknown */
	struct pg_step steps[PG_STEPS_MAX];
	int step_count;
	/* Of the unit that runs. */
	const struct db_job *job;
	bool has_begun;
	bool is_commit_sent; /* from here on a lost connection leaves the outcome unknown */
	bool is_committed;
	bool is_retry; /* it failed in a way that trying again may mend */
};

/* Connects, once. Errors: ERR_NETWORK, ERR_DENIED. */
enum err_code pg_connect(struct pg_conn *conn, struct err *err) MUST_CHECK;
void pg_disconnect(struct pg_conn *conn);

/* No connection is left, and none could be had. */
bool pg_is_away(const struct pg_settings *settings);

/* False where the server has hung up meanwhile; also takes in what it said. */
bool pg_is_alive(struct pg_conn *conn);

/* How long to wait before the next try to connect, microseconds: 50 ms, doubled up to 2 s, and jitter. */
int64_t pg_backoff_us(int attempt);

/* Turns a result that failed into an error. */
enum err_code pg_result_error(const PGresult *result, struct err *err);

/* -- pipelines -------------------------------------------------------------------------------------- */

/* Sends a statement without waiting. */
enum err_code pg_send(struct pg_conn *conn, const struct db_stmt *stmt, const struct db_value *params, struct err *err)
	MUST_CHECK;

/* Sends SQL of ours without parameters. */
enum err_code pg_send_plain(struct pg_conn *conn, const char *sql, struct pg_step step, struct err *err) MUST_CHECK;

/*
 * Waits for all that was sent; the last statement's rows go to `ret` (may be NULL). A lost connection is closed, and
 * reported as ERR_NETWORK, or ERR_OUTCOME_UNKNOWN where it may have been the commit that was lost.
 */
enum err_code pg_collect(struct pg_conn *conn, struct db_rows *ret, struct err *err) MUST_CHECK;

/* Copies a result's rows (pg_rows.c). */
enum err_code pg_fetch(const PGresult *result, struct db_rows *ret, struct err *err) MUST_CHECK;

/* -- units ------------------------------------------------------------------------------------------ */

/* Runs a unit of the list, again where that can help, until the list closes. The outcome is in the job. While the
 * server is away it also ends those units of the list that do not wait. */
void pg_unit_run(struct pg_conn *conn, struct db_job *job, struct job_list *jobs);

/* -- the listener ----------------------------------------------------------------------------------- */

struct pg_listener;

enum err_code pg_listener_start(struct db *db, const struct pg_settings *settings, struct pg_listener **ret,
				struct err *err) MUST_CHECK;
void pg_listener_stop(struct pg_listener *listener);

#endif
