/*
 * PostgreSQL: a pool of threads, each with a connection of its own, which take units of work from one list. `pool_min`
 * of them run from the start, more are added while units wait and none is free; those hang up when they have had
 * nothing to do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/pg_priv.h"

/* An extra connection without work is closed after this. */
#define IDLE_US (60 * US_PER_S)

struct pg_store {
	struct db db;
	struct pg_settings settings;
	struct pg_health health;
	struct job_list jobs;
	int pool_min, pool_max;
	pthread_mutex_t mutex; /* of the three below */
	pthread_t threads[PG_POOL_LIMIT];
	int thread_count;
	struct pg_listener *listener;
};

struct pg_thread {
	struct pg_store *store;
	struct pg_conn conn;
	bool is_extra;
};

static void *pool_main(void *arg)
{
	struct pg_thread *self = arg;
	struct job_list *jobs = &self->store->jobs;
	for (;;) {
		struct db_job *job = job_list_take(jobs, self->is_extra ? clock_monotonic_us() + IDLE_US : 0, false);
		if (job) {
			pg_unit_run(&self->conn, job, jobs);
			job_end(job, job->code, &job->err);
		} else if (job_list_is_closing(jobs)) {
			break;
		} else {
			pg_disconnect(&self->conn);
		}
	}
	pg_disconnect(&self->conn);
	free(self);
	return NULL;
}

static enum err_code add_thread(struct pg_store *store, bool is_extra, struct err *err)
{
	struct pg_thread *thread = calloc(1, sizeof *thread);
	if (!thread)
		return err_set(err, ERR_NO_MEMORY, "no memory for a connection");
	thread->store = store;
	thread->conn.settings = &store->settings;
	thread->is_extra = is_extra;
	int status = pthread_create(&store->threads[store->thread_count], NULL, pool_main, thread);
	if (status != 0) {
		free(thread);
		return err_set_errno(err, ERR_SYSTEM, status, "cannot start a thread");
	}
	store->thread_count++;
	return ERR_OK;
}

static enum err_code pg_begin(struct db *db, struct err *err)
{
	struct pg_store *store = (struct pg_store *)db;
	enum err_code code = ERR_OK;
	while (code == ERR_OK && store->thread_count < store->pool_min)
		code = add_thread(store, false, err);
	return code;
}

static enum err_code pg_start(struct db *db, struct db_job *job, struct err *err)
{
	struct pg_store *store = (struct pg_store *)db;
	if (job->is_impatient && pg_is_away(&store->settings))
		return err_set(err, ERR_NETWORK, "the database cannot be reached");
	enum err_code code = job_list_put(&store->jobs, job, err);
	if (code != ERR_OK || !job_list_is_behind(&store->jobs))
		return code;
	(void)pthread_mutex_lock(&store->mutex);
	/* Where no thread can be had, those that run will get to it. */
	struct err ignored;
	if (store->thread_count < store->pool_max)
		(void)!add_thread(store, true, &ignored);
	(void)pthread_mutex_unlock(&store->mutex);
	return ERR_OK;
}

static enum err_code pg_listen(struct db *db, struct err *err)
{
	struct pg_store *store = (struct pg_store *)db;
	(void)pthread_mutex_lock(&store->mutex);
	enum err_code code = store->listener ? ERR_OK : pg_listener_start(db, &store->settings, &store->listener, err);
	(void)pthread_mutex_unlock(&store->mutex);
	return code;
}

static void free_secret(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void pg_close(struct db *db)
{
	struct pg_store *store = (struct pg_store *)db;
	job_list_close(&store->jobs);
	for (int i = 0; i < store->thread_count; i++)
		(void)pthread_join(store->threads[i], NULL);
	pg_listener_stop(store->listener);
	job_list_done(&store->jobs);
	(void)pthread_mutex_destroy(&store->mutex);
	free(store->settings.host);
	free(store->settings.user);
	free(store->settings.dbname);
	free_secret(store->settings.password);
	free(store);
}

static const struct db_ops pg_ops = { .begin = pg_begin, .close = pg_close, .start = pg_start, .listen = pg_listen };

/* -- opening ------------------------------------------------------------------------------------------ */

/*
 * Every query of ours finds its rows by an index and joins few of them. The planner is told so, because it plans a
 * statement once, perhaps while the tables are still empty, and then scans a million rows as if they were ten.
 */
#define PLANNER                                                                                                        \
	"-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off " \
	"-c enable_mergejoin=off -c jit=off "

static enum err_code copy_settings(const struct db_config *config, struct pg_settings *s, struct err *err)
{
	s->timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : DB_TIMEOUT_DEFAULT_MS;
	s->host = strdup(config->host ? config->host : "localhost");
	s->user = strdup(config->user ? config->user : "tiro");
	s->dbname = strdup(config->dbname ? config->dbname : "tiro");
	s->password = strdup(config->password ? config->password : "");
	if (!s->host || !s->user || !s->dbname || !s->password)
		return err_set(err, ERR_NO_MEMORY, "no memory for the database");
	(void)snprintf(s->port, sizeof s->port, "%d", config->port > 0 ? config->port : 5432);
	(void)snprintf(s->options, sizeof s->options,
		       PLANNER "-c default_transaction_isolation=read\\ committed -c statement_timeout=%d "
			       "-c idle_in_transaction_session_timeout=%d",
		       s->timeout_ms, s->timeout_ms * 2);
	return ERR_OK;
}

/* A wrong address or password is told when the server starts, not at the first request. */
static enum err_code try_connection(const struct pg_settings *settings, struct err *err)
{
	struct pg_conn *conn = calloc(1, sizeof *conn);
	if (!conn)
		return err_set(err, ERR_NO_MEMORY, "no memory for a connection");
	conn->settings = settings;
	enum err_code code = pg_connect(conn, err);
	pg_disconnect(conn);
	free(conn);
	return code;
}

static int within(int value, int fallback, int max)
{
	if (value <= 0)
		return fallback;
	return value < max ? value : max;
}

enum err_code pg_open(const struct db_config *config, struct db **ret, struct err *err)
{
	struct pg_store *store = calloc(1, sizeof *store);
	if (!store)
		return err_set(err, ERR_NO_MEMORY, "no memory for the database");
	store->db.ops = &pg_ops;
	store->settings.health = &store->health;
	job_list_init(&store->jobs);
	(void)pthread_mutex_init(&store->mutex, NULL);
	store->pool_max = within(config->pool_max, PG_POOL_MAX, PG_POOL_LIMIT);
	store->pool_min = within(config->pool_min, PG_POOL_MIN, store->pool_max);
	enum err_code code = copy_settings(config, &store->settings, err);
	store->db.timeout_ms = store->settings.timeout_ms;
	if (code == ERR_OK)
		code = try_connection(&store->settings, err);
	if (code != ERR_OK) {
		pg_close((struct db *)store);
		return code;
	}
	*ret = (struct db *)store;
	return ERR_OK;
}
