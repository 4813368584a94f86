/* Once a second: the node is alive, what others left behind is taken up, what failed for good is told. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "jobs/worker_priv.h"

static enum err_code run_beat(struct db_tx *tx, void *arg, struct err *err)
{
	struct worker *worker = arg;
	struct part_queue *queue = worker->spec.queue;
	if (!worker->joined)
		return parts_join(queue, tx, db_is_alone(worker->spec.files->db), err);
	if (worker->is_keeping && parts_keep(queue, tx, worker->keep, worker->keep_count, err) != ERR_OK)
		return err->code;
	return parts_beat(queue, tx, &worker->beat_result, err);
}

/* Parts that took their nodes with them too often. */
struct given_up {
	struct http_work work;
	struct worker *worker;
	size_t count;
	int64_t jobs[];
};

static void run_given_up(struct http_work *work)
{
	struct given_up *given_up = (struct given_up *)work;
	struct err why, err;
	(void)err_set(&why, ERR_CRASHED, "a part of this file stopped its worker again and again");
	for (size_t i = 0; i < given_up->count; i++) {
		if (job_fail_row(given_up->worker->spec.files, given_up->jobs[i], &why, &err) != ERR_OK)
			log_line(LOG_ERROR, "a job could not be failed: %s", err.message);
	}
}

static void done_given_up(struct http_work *work)
{
	free(work);
}

static void fail_given_up(struct worker *worker)
{
	const struct parts_beat *beat = &worker->beat_result;
	if (beat->given_up_count == 0)
		return;
	struct given_up *given_up = calloc(1, sizeof *given_up + beat->given_up_count * sizeof given_up->jobs[0]);
	if (!given_up) {
		log_line(LOG_ERROR, "no memory to fail %zu jobs", beat->given_up_count);
		return;
	}
	given_up->worker = worker;
	given_up->work.run = run_given_up;
	given_up->work.done = done_given_up;
	for (; given_up->count < beat->given_up_count; given_up->count++)
		given_up->jobs[given_up->count] = beat->given_up[given_up->count].job;
	http_pool_continue(worker->spec.pool, &given_up->work);
}

static void check_drained(struct worker *worker)
{
	if (!worker->draining || !worker->on_drained)
		return;
	bool late = clock_monotonic_us() >= worker->drain_until_us;
	if (worker->tasks && !late)
		return;
	void (*on_drained)(void *owner) = worker->on_drained;
	worker->on_drained = NULL;
	on_drained(worker->drain_owner);
}

static void on_beaten(void *arg, enum err_code code, const struct err *why)
{
	struct worker *worker = arg;
	worker->beating = false;
	if (worker->closed) {
		worker_free_if_done(worker);
		return;
	}
	worker->join_why = *why;
	if (code == ERR_CANCELLED) {
		log_line(LOG_WARNING, "this node was taken for dead: its claims are gone, it joins again");
		worker->joined = false;
		worker_stop_tasks(worker, 0);
	} else if (code != ERR_OK) {
		log_line(LOG_WARNING, "no heartbeat: %s", why->message);
	} else if (worker->joined) {
		fail_given_up(worker);
	} else {
		worker->joined = true;
		worker->join_why.code = ERR_OK;
	}
	if (code == ERR_OK && worker->is_keeping)
		worker->may_hold_more = false;
	if (code == ERR_OK)
		worker_claim_soon(worker);
	check_drained(worker);
}

/* After a claim whose outcome is unknown, and once none is under way: what we hold is all that we hold. */
static void collect_claims(struct worker *worker)
{
	worker->is_keeping = worker->may_hold_more;
	for (int stage = 0; stage < PARTS_STAGES; stage++)
		worker->is_keeping &= !worker->claiming[stage].busy;
	worker->keep_count = 0;
	for (struct task *task = worker->tasks; task && worker->keep_count < ARRAY_LEN(worker->keep); task = task->next)
		worker->keep[worker->keep_count++] = task->claim;
}

void worker_on_beat(uv_timer_t *timer)
{
	struct worker *worker = timer->data;
	struct err err;
	struct db_work work = { .mode = DB_WRITE_RELAXED, .run = run_beat, .done = on_beaten, .arg = worker };
	check_drained(worker);
	if (worker->beating)
		return;
	worker->beat_result.given_up_count = 0;
	collect_claims(worker);
	worker->beating = db_submit(worker->spec.files->db, &work, &err) == ERR_OK;
	if (!worker->beating)
		log_line(LOG_WARNING, "no heartbeat: %s", err.message);
}
