/* Tasks, claims, life; the heartbeat is in worker_beat.c. */
#include "jobs/worker.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "jobs/job_row.h"
#include "jobs/worker_priv.h"

enum {
	BEAT_MS = 1000,
	/* Jails open beyond one per engine thread, so that the next file is being read while this one is recognised. */
	JAILS_AHEAD = 1,
	/* Parts in hand for each thread: one is being loaded or stored while the other is recognised. */
	PARTS_PER_THREAD = 2,
	FINISHES = 2
};

/* -- tasks ------------------------------------------------------------------------------------------------ */

void task_init(struct task *task, struct worker *worker, const struct part_claim *claim,
	       void (*stop)(struct task *task))
{
	task->worker = worker;
	task->claim = *claim;
	task->stop = stop;
	task->next = worker->tasks;
	worker->tasks = task;
	worker->in_hand[claim->stage]++;
}

void task_work(struct task *task, void (*run)(struct http_work *work), void (*done)(struct http_work *work))
{
	task->working = true;
	task->work.run = run;
	task->work.done = done;
	http_pool_continue(task->worker->spec.pool, &task->work);
}

bool task_worked(struct task *task)
{
	task->working = false;
	return !task->stopped && !task->work.dropped;
}

void task_end(struct task *task)
{
	struct worker *worker = task->worker;
	struct task **link = &worker->tasks;
	while (*link != task)
		link = &(*link)->next;
	*link = task->next;
	worker->in_hand[task->claim.stage]--;
	job_facts_done(&task->facts);
	free(task);
	if (worker->closed)
		worker_free_if_done(worker);
	else
		worker_claim_soon(worker);
}

static void run_fail(struct http_work *work)
{
	struct task *task = (struct task *)work;
	struct worker *worker = task->worker;
	struct err err;
	enum err_code code = job_give_back(worker->spec.queue, worker->spec.files, &task->claim, &task->why, &err);
	task->is_kept = code != ERR_OK && code != ERR_CANCELLED;
	if (task->is_kept)
		log_line(LOG_WARNING, "a part could not be given back yet: %s", err.message);
}

static void done_fail(struct http_work *work)
{
	struct task *task = (struct task *)work;
	(void)task_worked(task);
	/* The database still thinks that it is ours: a beat tells what is, once the database is back. */
	task->worker->may_hold_more |= task->is_kept;
	task_end(task);
}

void task_fail(struct task *task)
{
	char id[UUID_TEXT_SIZE] = "that could not be read";
	if (task->facts.number)
		uuid_text(&task->facts.id, id);
	if (task->why.code != ERR_CANCELLED)
		log_line(LOG_WARNING, "part %" PRId64 " of job %s (%" PRId64 " in the queue), stage %d: %s",
			 task->claim.index, id, task->claim.job, task->claim.stage, task->why.message);
	task_work(task, run_fail, done_fail);
}

/* Stops the tasks of a job (or all: job 0). */
void worker_stop_tasks(struct worker *worker, int64_t job)
{
	for (struct task *task = worker->tasks, *next; task; task = next) {
		next = task->next;
		if (task->stopped || (job != 0 && task->claim.job != job))
			continue;
		task->stopped = true;
		task->stop(task);
	}
}

/* -- claims ------------------------------------------------------------------------------------------------ */

static int capacity(const struct worker *worker, int stage)
{
	int threads = hands_threads(worker->hands);
	switch (stage) {
	case PARTS_PLAN:
		return threads + JAILS_AHEAD;
	case PARTS_RECOGNISE:
		return threads * PARTS_PER_THREAD;
	default:
		return FINISHES;
	}
}

static enum err_code run_claim(struct db_tx *tx, void *arg, struct err *err)
{
	struct claiming *c = arg;
	c->count = c->room;
	return parts_claim(c->worker->spec.queue, tx, c->stage, c->claims, &c->count, err);
}

static enum err_code start_task(struct worker *worker, const struct part_claim *claim, struct err *err)
{
	switch (claim->stage) {
	case PARTS_PLAN:
		return plan_task_start(worker, claim, err);
	case PARTS_RECOGNISE:
		return part_task_start(worker, claim, err);
	default:
		return finish_task_start(worker, claim, err);
	}
}

static void claim_stage(struct worker *worker, int stage);

static void on_claimed(void *arg, enum err_code code, const struct err *why)
{
	struct claiming *c = arg;
	struct worker *worker = c->worker;
	struct err err;
	c->busy = false;
	if (worker->closed) {
		worker_free_if_done(worker);
		return;
	}
	worker->may_hold_more |= code == ERR_OUTCOME_UNKNOWN;
	if (code != ERR_OK && code != ERR_CANCELLED)
		log_line(LOG_WARNING, "parts could not be claimed: %s", why->message);
	/* What cannot be started here stays claimed until the lease ends: memory is short, others may do better. */
	for (size_t i = 0; code == ERR_OK && i < c->count; i++) {
		if (start_task(worker, &c->claims[i], &err) != ERR_OK)
			log_line(LOG_ERROR, "a part could not be started: %s", err.message);
	}
	if (c->again)
		claim_stage(worker, c->stage);
}

static void claim_stage(struct worker *worker, int stage)
{
	struct claiming *c = &worker->claiming[stage];
	int room = capacity(worker, stage) - worker->in_hand[stage];
	c->again = c->busy;
	if (c->busy || room <= 0 || !worker->joined || worker->draining || worker->may_hold_more)
		return;
	struct err err;
	c->room = (size_t)room < ARRAY_LEN(c->claims) ? (size_t)room : ARRAY_LEN(c->claims);
	struct db_work work = {
		.mode = DB_WRITE_RELAXED, .is_single = true, .run = run_claim, .done = on_claimed, .arg = c
	};
	c->busy = db_submit(worker->spec.files->db, &work, &err) == ERR_OK;
	if (!c->busy)
		log_line(LOG_WARNING, "parts could not be claimed: %s", err.message);
}

static void claim_now(uv_idle_t *soon)
{
	struct worker *worker = soon->data;
	(void)uv_idle_stop(soon);
	for (int stage = PARTS_STAGES - 1; stage >= 0; stage--)
		claim_stage(worker, stage);
}

/* Once in the loop's next turn, however many parts ended in this one. */
void worker_claim_soon(struct worker *worker)
{
	if (!worker->closed)
		(void)uv_idle_start(&worker->soon, claim_now);
}

/* Where notices were missed the database was away, and may have come back without its last relaxed commits: parts that
 * we completed are in our name again, and nobody works on them. */
static void on_parts_notice(void *arg, const char *text)
{
	struct worker *worker = arg;
	worker->may_hold_more |= text == NULL && !db_is_alone(worker->spec.files->db);
	int stage = parts_heard(worker->spec.queue, text);
	if (stage >= 0)
		claim_stage(worker, stage);
	else
		worker_claim_soon(worker);
}

/* A job has ended early. A notice that was missed costs work, not truth: results of ended jobs are refused. */
static void on_jobs_notice(void *arg, const char *text)
{
	if (text)
		worker_stop_tasks(arg, strtoll(text, NULL, 10));
}

/* -- life ------------------------------------------------------------------------------------------------------ */

static void on_free_thread(void *owner)
{
	struct worker *worker = owner;
	part_tasks_hand_out(worker);
	worker_claim_soon(worker);
}

static void start_handles(struct worker *worker)
{
	/* None of these can fail. */
	(void)uv_timer_init(worker->loop, &worker->beat);
	(void)uv_idle_init(worker->loop, &worker->soon);
	worker->beat.data = worker->soon.data = worker;
	worker->open_handles = 2;
	(void)uv_timer_start(&worker->beat, worker_on_beat, 0, BEAT_MS);
}

enum err_code worker_new(uv_loop_t *loop, const struct worker_spec *spec, struct worker **ret, struct err *err)
{
	struct worker *worker = calloc(1, sizeof *worker);
	if (!worker)
		return err_set(err, ERR_NO_MEMORY, "no memory for a worker");
	worker->loop = loop;
	worker->spec = *spec;
	if (worker->spec.job_timeout_us <= 0)
		worker->spec.job_timeout_us = LIMIT_JOB_PROCESSING_US;
	for (int stage = 0; stage < PARTS_STAGES; stage++)
		worker->claiming[stage] = (struct claiming){ .worker = worker, .stage = stage };
	struct hands_spec hands = { .engine = spec->engine,
				    .part_timeout_us =
					    spec->part_timeout_us > 0 ? spec->part_timeout_us : LIMIT_ENGINE_PART_US,
				    .on_free = on_free_thread,
				    .owner = worker };
	enum err_code code =
		db_listen(spec->files->db, PARTS_CHANNEL, on_parts_notice, worker, &worker->parts_listener, err);
	if (code == ERR_OK)
		code = db_listen(spec->files->db, JOBS_CHANNEL, on_jobs_notice, worker, &worker->jobs_listener, err);
	if (code == ERR_OK)
		code = hands_new(loop, &hands, &worker->hands, err);
	if (code != ERR_OK) {
		if (worker->parts_listener)
			db_unlisten(worker->parts_listener);
		if (worker->jobs_listener)
			db_unlisten(worker->jobs_listener);
		free(worker);
		return code;
	}
	start_handles(worker);
	*ret = worker;
	return ERR_OK;
}

void worker_drain(struct worker *worker, uint32_t timeout_ms, void (*on_drained)(void *owner), void *owner)
{
	worker->draining = true;
	worker->drain_until_us = clock_monotonic_us() + (int64_t)timeout_ms * US_PER_MS;
	worker->on_drained = on_drained;
	worker->drain_owner = owner;
}

void worker_free_if_done(struct worker *worker)
{
	bool busy = worker->beating || worker->tasks || worker->open_handles > 0;
	for (int stage = 0; stage < PARTS_STAGES; stage++)
		busy |= worker->claiming[stage].busy;
	if (!busy)
		free(worker);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct worker *worker = handle->data;
	worker->open_handles--;
	worker_free_if_done(worker);
}

void worker_close(struct worker *worker)
{
	if (!worker)
		return;
	worker->closed = true;
	db_unlisten(worker->parts_listener);
	db_unlisten(worker->jobs_listener);
	worker_stop_tasks(worker, 0);
	hands_close(worker->hands);
	uv_close((uv_handle_t *)&worker->beat, on_handle_closed);
	uv_close((uv_handle_t *)&worker->soon, on_handle_closed);
}

bool worker_is_ready(const struct worker *worker, struct err *why)
{
	if (!hands_are_ready(worker->hands, why))
		return false;
	*why = worker->join_why;
	return worker->joined && !worker->draining;
}
