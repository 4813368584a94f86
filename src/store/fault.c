#include "store/fault.h"

#include <stdlib.h>

#include "store/db_priv.h"

struct fault_db {
	struct db db;
	struct db *inner;
	pthread_mutex_t mutex; /* of what follows */
	enum fault_kind kind;
	int left; /* statements or units until it happens */
	enum err_code code;
};

/* Stands between a unit and its database; freed when the unit ends. */
struct fault_call {
	struct fault_db *fault;
	struct db_work work; /* the caller's */
	void (*on_end)(struct db_job *job); /* who stood there before */
	bool loses_answer;
};

struct fault_tx {
	struct db_tx tx;
	struct db_tx *inner;
	struct fault_db *fault;
};

/* Counts one statement or unit; true where the fault is now. */
static bool happens(struct fault_db *fault, enum fault_kind kind)
{
	(void)pthread_mutex_lock(&fault->mutex);
	bool is_now = fault->kind == kind && --fault->left == 0;
	if (is_now)
		fault->kind = FAULT_NONE;
	(void)pthread_mutex_unlock(&fault->mutex);
	return is_now;
}

static enum err_code fail_statement(const struct fault_db *fault, struct err *err)
{
	return err_set(err, fault->code, "a fault was injected");
}

static enum err_code fault_query(struct db_tx *tx, const struct db_stmt *stmt, const struct db_value *params,
				 struct db_rows *ret, struct err *err)
{
	struct fault_tx *t = (struct fault_tx *)tx;
	if (happens(t->fault, FAULT_STATEMENT))
		return fail_statement(t->fault, err);
	return db_query(t->inner, stmt, params, ret, err);
}

static enum err_code fault_post(struct db_tx *tx, const struct db_stmt *stmt, const struct db_value *params,
				struct err *err)
{
	struct fault_tx *t = (struct fault_tx *)tx;
	if (happens(t->fault, FAULT_STATEMENT))
		return fail_statement(t->fault, err);
	return db_post(t->inner, stmt, params, err);
}

static enum err_code fault_notify(struct db_tx *tx, const char *channel, const char *text, struct err *err)
{
	return db_notify(((struct fault_tx *)tx)->inner, channel, text, err);
}

static const struct db_tx_ops fault_tx_ops = { .query = fault_query, .post = fault_post, .notify = fault_notify };

static enum err_code fault_run(struct db_tx *inner, void *arg, struct err *err)
{
	struct fault_call *call = arg;
	struct fault_tx t = { .tx = { .ops = &fault_tx_ops }, .inner = inner, .fault = call->fault };
	enum err_code code = call->work.run(&t.tx, call->work.arg, err);
	if (code == ERR_OK && t.tx.failed.code != ERR_OK) {
		*err = t.tx.failed;
		code = err->code;
	}
	if (code == ERR_OK && happens(call->fault, FAULT_BEFORE_COMMIT))
		return err_set(err, ERR_NETWORK, "the connection was lost on purpose");
	call->loses_answer = code == ERR_OK && happens(call->fault, FAULT_AFTER_COMMIT);
	return code;
}

static void on_end(struct db_job *job)
{
	struct fault_call *call = job->work.arg;
	if (job->code == ERR_OK && call->loses_answer)
		job->code = err_set(&job->err, ERR_OUTCOME_UNKNOWN, "the connection was lost on purpose");
	job->work = call->work;
	job->on_end = call->on_end;
	free(call);
	if (job->on_end)
		job->on_end(job);
}

static enum err_code fault_start(struct db *db, struct db_job *job, struct err *err)
{
	struct fault_db *fault = (struct fault_db *)db;
	struct fault_call *call = calloc(1, sizeof *call);
	if (!call)
		return err_set(err, ERR_NO_MEMORY, "no memory for a unit of work");
	*call = (struct fault_call){ .fault = fault, .work = job->work, .on_end = job->on_end };
	job->on_end = on_end;
	job->work.run = fault_run;
	job->work.arg = call;
	/* A unit that is undone on purpose must be one that can be undone. */
	job->work.is_single = false;
	enum err_code code = fault->inner->ops->start(fault->inner, job, err);
	if (code != ERR_OK)
		free(call);
	return code;
}

static enum err_code fault_begin(struct db *db, struct err *err)
{
	(void)db, (void)err;
	return ERR_OK;
}

static enum err_code fault_listen(struct db *db, struct err *err)
{
	struct fault_db *fault = (struct fault_db *)db;
	return fault->inner->ops->listen(fault->inner, err);
}

static void fault_close(struct db *db)
{
	struct fault_db *fault = (struct fault_db *)db;
	fault->inner->ops->close(fault->inner);
	(void)pthread_mutex_destroy(&fault->mutex);
	free(fault);
}

static const struct db_ops fault_ops = {
	.begin = fault_begin, .close = fault_close, .start = fault_start, .listen = fault_listen
};

enum err_code fault_open(struct db *inner, struct db **ret, struct err *err)
{
	struct fault_db *fault = calloc(1, sizeof *fault);
	if (!fault)
		return err_set(err, ERR_NO_MEMORY, "no memory for a database");
	fault->db = *inner;
	fault->db.ops = &fault_ops;
	fault->inner = inner;
	(void)pthread_mutex_init(&fault->mutex, NULL);
	*ret = (struct db *)fault;
	return ERR_OK;
}

void fault_arm(struct db *db, enum fault_kind kind, int n, enum err_code code)
{
	struct fault_db *fault = (struct fault_db *)db;
	(void)pthread_mutex_lock(&fault->mutex);
	fault->kind = kind;
	fault->left = n;
	fault->code = code;
	(void)pthread_mutex_unlock(&fault->mutex);
}
