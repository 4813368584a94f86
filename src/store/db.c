#include "store/db.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/bus_priv.h"

/* What db_run waits on. */
struct sync_wait {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool is_over;
};

/* -- statements ----------------------------------------------------------------------------------- */

static enum db_type type_of_letter(char letter)
{
	switch (letter) {
	case 'i':
		return DB_INT;
	case 't':
		return DB_TEXT;
	default:
		return DB_BYTES;
	}
}

static enum err_code check_params(const struct db_stmt *stmt, const struct db_value *params, struct err *err)
{
	size_t count = strlen(stmt->params);
	if (count > DB_PARAMS_MAX)
		return err_set(err, ERR_INTERNAL, "a statement with too many parameters: %.60s", stmt->sql);
	for (size_t i = 0; i < count; i++) {
		if (params[i].type != DB_NULL && params[i].type != type_of_letter(stmt->params[i]))
			return err_set(err, ERR_INTERNAL, "parameter %zu has the wrong type in: %.60s", i + 1,
				       stmt->sql);
		if (params[i].size > DB_VALUE_MAX)
			return err_set(err, ERR_TOO_BIG, "a value is larger than the database may hold");
	}
	return ERR_OK;
}

/* Remembers the first error of a unit, so that it cannot be committed by a caller who overlooks it. */
static enum err_code remember(struct db_tx *tx, enum err_code code, const struct err *err)
{
	if (code != ERR_OK)
		tx->failed = *err;
	return code;
}

static enum err_code repeat_failure(const struct db_tx *tx, struct err *err)
{
	*err = tx->failed;
	return err->code;
}

enum err_code db_query(struct db_tx *tx, const struct db_stmt *stmt, const struct db_value *params, struct db_rows *ret,
		       struct err *err)
{
	if (tx->failed.code != ERR_OK)
		return repeat_failure(tx, err);
	enum err_code code = check_params(stmt, params, err);
	if (code == ERR_OK)
		code = tx->ops->query(tx, stmt, params, ret, err);
	return remember(tx, code, err);
}

enum err_code db_post(struct db_tx *tx, const struct db_stmt *stmt, const struct db_value *params, struct err *err)
{
	if (tx->failed.code != ERR_OK)
		return repeat_failure(tx, err);
	enum err_code code = check_params(stmt, params, err);
	if (code == ERR_OK)
		code = tx->ops->post(tx, stmt, params, err);
	return remember(tx, code, err);
}

static bool is_channel(const char *channel)
{
	size_t len = strspn(channel, "abcdefghijklmnopqrstuvwxyz_");
	return len > 0 && channel[len] == '\0' && len < sizeof((struct db_listener *)0)->channel;
}

enum err_code db_notify(struct db_tx *tx, const char *channel, const char *text, struct err *err)
{
	if (tx->failed.code != ERR_OK)
		return repeat_failure(tx, err);
	enum err_code code = ERR_OK;
	if (!is_channel(channel) || strlen(text) > DB_NOTICE_MAX - sizeof((struct db_listener *)0)->channel)
		code = err_set(err, ERR_INTERNAL, "a notice that cannot be sent on \"%.40s\"", channel);
	else
		code = tx->ops->notify(tx, channel, text, err);
	return remember(tx, code, err);
}

/* -- units of work --------------------------------------------------------------------------------- */

void job_end(struct db_job *job, enum err_code code, const struct err *err)
{
	job->code = code;
	if (code != ERR_OK && err != &job->err)
		job->err = *err;
	if (job->on_end)
		job->on_end(job);
	if (!job->sync) {
		link_deliver(job->db->link, job);
		return;
	}
	struct sync_wait *sync = job->sync;
	(void)pthread_mutex_lock(&sync->mutex);
	sync->is_over = true;
	(void)pthread_cond_signal(&sync->cond);
	(void)pthread_mutex_unlock(&sync->mutex);
}

static enum err_code new_job(struct db *db, const struct db_work *work, struct db_job **ret, struct err *err)
{
	struct db_job *job = calloc(1, sizeof *job);
	if (!job)
		return err_set(err, ERR_NO_MEMORY, "no memory for a unit of work");
	job->db = db;
	job->work = *work;
	int timeout_ms = work->timeout_ms > 0 ? work->timeout_ms : db->timeout_ms;
	job->deadline_us = clock_monotonic_us() + timeout_ms * US_PER_MS;
	*ret = job;
	return ERR_OK;
}

enum err_code db_submit(struct db *db, const struct db_work *work, struct err *err)
{
	assert(db->link && work->done);
	cleanup_free struct db_job *job = NULL;
	enum err_code code = new_job(db, work, &job, err);
	if (code != ERR_OK)
		return code;
	code = db->ops->start(db, job, err);
	if (code != ERR_OK)
		return code;
	/* The outcome is delivered on this thread, so it cannot come before this line. */
	link_expect(db->link);
	(void)steal_ptr(&job);
	return ERR_OK;
}

enum err_code db_run(struct db *db, const struct db_work *work, struct err *err)
{
	cleanup_free struct db_job *job = NULL;
	enum err_code code = new_job(db, work, &job, err);
	if (code != ERR_OK)
		return code;
	struct sync_wait sync = { .mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };
	job->sync = &sync;
	code = db->ops->start(db, job, err);
	if (code != ERR_OK)
		return code;
	(void)pthread_mutex_lock(&sync.mutex);
	while (!sync.is_over)
		(void)pthread_cond_wait(&sync.cond, &sync.mutex);
	(void)pthread_mutex_unlock(&sync.mutex);
	if (job->code != ERR_OK)
		*err = job->err;
	return job->code;
}

struct stmt_call {
	const struct db_stmt *stmt;
	const struct db_value *params;
	struct db_rows *ret;
};

static enum err_code run_stmt(struct db_tx *tx, void *arg, struct err *err)
{
	const struct stmt_call *call = arg;
	return db_query(tx, call->stmt, call->params, call->ret, err);
}

enum err_code db_run_stmt(struct db *db, enum db_mode mode, const struct db_stmt *stmt, const struct db_value *params,
			  struct db_rows *ret, struct err *err)
{
	struct stmt_call call = { .stmt = stmt, .params = params, .ret = ret };
	struct db_work work = { .mode = mode, .is_single = true, .run = run_stmt, .arg = &call };
	return db_run(db, &work, err);
}

enum err_code db_has_row(struct db *db, const struct db_stmt *stmt, const struct db_value *params, bool *ret,
			 struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	enum err_code code = db_run_stmt(db, DB_READ, stmt, params, &rows, err);
	if (code == ERR_OK)
		*ret = rows.count > 0;
	return code;
}

/* -- notices --------------------------------------------------------------------------------------- */

enum err_code db_listen(struct db *db, const char *channel, void (*on_notice)(void *arg, const char *text), void *arg,
			struct db_listener **ret, struct err *err)
{
	assert(db->bus && is_channel(channel));
	enum err_code code = db->ops->listen(db, err);
	if (code != ERR_OK)
		return code;
	struct db_listener *listener = calloc(1, sizeof *listener);
	if (!listener)
		return err_set(err, ERR_NO_MEMORY, "no memory for a listener");
	memcpy(listener->channel, channel, strlen(channel) + 1);
	listener->on_notice = on_notice;
	listener->arg = arg;
	bus_add(db->bus, listener);
	*ret = listener;
	return ERR_OK;
}

void db_tell(struct db *db, const char *channel, const char *text)
{
	if (!db->bus)
		return;
	bus_put(db->bus, channel, text);
	link_wake(db->link);
}

/* -- opening --------------------------------------------------------------------------------------- */

static enum err_code open_link(uv_loop_t *loop, struct db *db, struct err *err)
{
	struct bus *bus = bus_new();
	if (!bus)
		return err_set(err, ERR_NO_MEMORY, "no memory for a database");
	enum err_code code = link_open(loop, bus, &db->link, err);
	if (code == ERR_OK)
		db->bus = bus;
	else
		bus_free(bus);
	return code;
}

enum err_code db_open(const struct db_config *config, uv_loop_t *loop, struct db **ret, struct err *err)
{
	struct db *db = NULL;
	enum err_code code = config->kind == DB_POSTGRES ? pg_open(config, &db, err) : sqlite_open(config, &db, err);
	if (code == ERR_OK && loop)
		code = open_link(loop, db, err);
	if (code == ERR_OK)
		code = db->ops->begin(db, err);
	if (code != ERR_OK) {
		db_close(db);
		return code;
	}
	*ret = db;
	return ERR_OK;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	struct loop_link *link = db->is_view ? NULL : db->link;
	db->ops->close(db);
	link_close(link);
}

bool db_is_alone(const struct db *db)
{
	return db->is_alone;
}
