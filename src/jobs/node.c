#include "jobs/node.h"

#include <sched.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "jobs/job_priv.h"

/* Jails open beyond one per engine thread, so that the next file is being read while this one is recognised. */
enum { JAILS_AHEAD = 1 };

/* One thread of the engine. */
struct slot {
	bool busy;
	uint32_t task;
	struct queue_claim claim;
	struct job *job; /* NULL where the job has ended meanwhile */
};

struct node {
	uv_loop_t *loop;
	uv_idle_t pump; /* runs node work once per turn of the loop, never inside a callback */
	struct node_spec spec;
	struct queue *queue;
	struct engine *engine;
	bool engine_ready;
	bool engine_was_ready; /* once in its life; an engine that never was is not started again */
	struct err engine_why; /* why there is none */
	bool closing;
	struct job *jobs;
	int jails; /* jobs that are planning */
	uint32_t last_task;
	struct slot *slots; /* spec.threads of them */
};

static void pump_soon(struct node *node);

/* -- what kinds of jobs call ------------------------------------------------------------------------- */

enum err_code job_publish(struct job *job, uint32_t index, double cost, struct err *err)
{
	pump_soon(job->node);
	return queue_publish(job->node->queue, job->id, QUEUE_RECOGNISE, index, cost, err);
}

static void tell_progress(struct job *job)
{
	if (job->events->on_progress && !job->ending)
		job->events->on_progress(job->owner, &job->progress);
}

/* Publishes stage three when all parts are there and done. */
static void check_finished(struct job *job)
{
	if (!job->progress.planned || job->finishing || job->ending ||
	    job->progress.parts_done < job->progress.parts_planned)
		return;
	struct err err;
	job->finishing = true;
	if (queue_publish(job->node->queue, job->id, QUEUE_FINISH, 0, 0, &err) != ERR_OK)
		job_fail(job, &err);
	pump_soon(job->node);
}

static void end_planning(struct job *job)
{
	if (job->planning) {
		job->planning = false;
		job->node->jails--;
		pump_soon(job->node);
	}
}

void job_planned(struct job *job, bool jail_closed)
{
	struct err err;
	job->progress.planned = true;
	if (queue_complete(job->node->queue, &job->plan, &err) != ERR_OK)
		log_line(LOG_DEBUG, "the plan of a job had ended already: %s", err.message);
	if (jail_closed)
		end_planning(job);
	check_finished(job);
}

void job_part_done(struct job *job)
{
	job->progress.parts_done++;
	tell_progress(job);
	check_finished(job);
}

void job_progressed(struct job *job, double fraction)
{
	if (fraction > job->progress.fraction)
		job->progress.fraction = fraction < 1 ? fraction : 1;
	tell_progress(job);
}

static void end_job(struct job *job)
{
	struct node *node = job->node;
	for (int i = 0; i < node->spec.threads; i++) {
		struct slot *slot = &node->slots[i];
		if (slot->busy && slot->job == job) {
			slot->job = NULL;
			if (node->engine)
				engine_abort(node->engine, slot->task);
		}
	}
	job->ops->stop(job);
	end_planning(job);
	queue_end_job(node->queue, job->id);
	job->ending = true;
	pump_soon(node);
}

void job_fail(struct job *job, const struct err *why)
{
	if (job->ending)
		return;
	job->why = *why;
	end_job(job);
}

void job_finished(struct job *job)
{
	if (job->ending)
		return;
	job->progress.fraction = 1;
	tell_progress(job);
	end_job(job);
}

void job_cancel(struct job *job)
{
	struct err why;
	(void)err_set(&why, ERR_CANCELLED, "the job was cancelled");
	job_fail(job, &why);
}

struct engine *job_engine(const struct job *job)
{
	return job->node->engine;
}

int job_threads(const struct job *job)
{
	return job->node->spec.threads;
}

int job_vad_fd(const struct job *job)
{
	return job->node->spec.vad_fd;
}

uv_loop_t *job_loop(const struct job *job)
{
	return job->node->loop;
}

enum err_code job_start(struct node *node, struct job *job, double weight, int priority, struct err *err)
{
	job->node = node;
	job->progress.duration_us = -1;
	enum err_code code = queue_add_job(node->queue, weight > 0 ? weight : 1, priority, &job->id, err);
	if (code == ERR_OK)
		code = queue_publish(node->queue, job->id, QUEUE_PLAN, 0, 0, err);
	if (code != ERR_OK) {
		queue_end_job(node->queue, job->id);
		job->ops->free(job);
		return code;
	}
	struct job **tail = &node->jobs;
	while (*tail)
		tail = &(*tail)->next;
	*tail = job;
	pump_soon(node);
	return ERR_OK;
}

/* -- the engine ---------------------------------------------------------------------------------------- */

static struct slot *slot_of(struct node *node, uint32_t task)
{
	for (int i = 0; i < node->spec.threads; i++) {
		if (node->slots[i].busy && node->slots[i].task == task)
			return &node->slots[i];
	}
	return NULL;
}

static void on_result(struct node *node, uint32_t task, struct asr_transcript *speech, struct ocr_page *page,
		      const struct err *why)
{
	struct slot *slot = slot_of(node, task);
	if (!slot)
		return; /* an engine that answers twice gains nothing */
	struct queue_claim claim = slot->claim;
	struct job *job = slot->job;
	*slot = (struct slot){ 0 };
	pump_soon(node);
	struct err err;
	if (!job || queue_complete(node->queue, &claim, &err) != ERR_OK)
		return; /* the job has ended meanwhile */
	job->ops->recognised(job, claim.index, speech, page, why);
}

static void on_speech(void *owner, uint32_t task, struct asr_transcript *result, int64_t busy_us, const struct err *why)
{
	(void)busy_us;
	on_result(owner, task, result, NULL, why);
}

static void on_page(void *owner, uint32_t task, struct ocr_page *result, int64_t busy_us, const struct err *why)
{
	(void)busy_us;
	on_result(owner, task, NULL, result, why);
}

static void on_ready(void *owner)
{
	struct node *node = owner;
	node->engine_ready = node->engine_was_ready = true;
	pump_soon(node);
}

/* The parts that a dead engine had in hand are ready again; one that was in hand too often fails its job. */
static void give_back_parts(struct node *node, const struct err *why)
{
	for (int i = 0; i < node->spec.threads; i++) {
		struct slot slot = node->slots[i];
		node->slots[i] = (struct slot){ 0 };
		if (!slot.busy || !slot.job)
			continue;
		bool given_up = false;
		struct err err;
		if (queue_release(node->queue, &slot.claim, true, &given_up, &err) == ERR_OK && given_up)
			job_fail(slot.job, why);
	}
}

static void on_engine_exit(void *owner, const struct err *why)
{
	struct node *node = owner;
	engine_close(steal_ptr(&node->engine));
	node->engine_why = *why;
	node->engine_ready = false;
	give_back_parts(node, why);
	pump_soon(node);
}

static const struct engine_events engine_callbacks = {
	.on_speech = on_speech, .on_page = on_page, .on_ready = on_ready, .on_exit = on_engine_exit
};

static enum err_code start_engine(struct node *node, struct err *err)
{
	struct engine_spec spec = { .threads = node->spec.threads,
				    .fake = node->spec.fake,
				    .speech_model_fd = node->spec.speech_model_fd,
				    .openvino = node->spec.openvino,
				    .pages = node->spec.pages };
	return engine_start(node->loop, &spec, &engine_callbacks, node, &node->engine, err);
}

/* -- one turn of work ---------------------------------------------------------------------------------- */

static struct job *find_job(struct node *node, uint64_t id)
{
	struct job *job = node->jobs;
	while (job && job->id != id)
		job = job->next;
	return job;
}

static void plan_jobs(struct node *node)
{
	struct queue_claim claim;
	while (node->jails < node->spec.threads + JAILS_AHEAD && queue_claim(node->queue, QUEUE_PLAN, &claim)) {
		struct job *job = find_job(node, claim.job);
		job->plan = claim;
		job->planning = true;
		node->jails++;
		struct err err;
		if (job->ops->plan(job, &err) != ERR_OK)
			job_fail(job, &err);
	}
}

static struct slot *free_slot(struct node *node, int *ret_busy)
{
	struct slot *found = NULL;
	*ret_busy = 0;
	for (int i = 0; i < node->spec.threads; i++) {
		if (node->slots[i].busy)
			(*ret_busy)++;
		else
			found = &node->slots[i];
	}
	return found;
}

static bool any_unplanned(const struct node *node)
{
	for (const struct job *job = node->jobs; job; job = job->next) {
		if (!job->progress.planned)
			return true;
	}
	return false;
}

static void hand_out_parts(struct node *node)
{
	int busy;
	struct slot *slot;
	struct queue_claim claim;
	while (node->engine && (slot = free_slot(node, &busy)) && queue_claim(node->queue, QUEUE_RECOGNISE, &claim)) {
		struct job *job = find_job(node, claim.job);
		bool lone = busy == 0 && queue_ready(node->queue, QUEUE_RECOGNISE) == 0 && !any_unplanned(node);
		*slot = (struct slot){ .busy = true, .task = ++node->last_task, .claim = claim, .job = job };
		struct err err;
		if (job->ops->recognise(job, claim.index, slot->task, lone, &err) != ERR_OK) {
			*slot = (struct slot){ 0 };
			job_fail(job, &err);
		}
	}
}

static void finish_jobs(struct node *node)
{
	struct queue_claim claim;
	while (queue_claim(node->queue, QUEUE_FINISH, &claim)) {
		struct job *job = find_job(node, claim.job);
		job->ops->finish(job);
	}
}

static void free_job(struct job *job)
{
	job->ops->stop(job);
	job->ops->free(job);
}

/* Tells the owners of ended jobs. A callback may add or cancel jobs, so the search starts again after each. */
static void end_jobs(struct node *node)
{
	for (struct job **link = &node->jobs; *link && !node->closing;) {
		struct job *job = *link;
		if (!job->ending) {
			link = &job->next;
			continue;
		}
		*link = job->next;
		job->events->on_end(job->owner, &job->why);
		free_job(job);
		link = &node->jobs;
	}
}

/* Without an engine nothing goes on: a fresh one is started, unless it died before it was ever ready. */
static void restore_engine(struct node *node)
{
	if (node->engine || !node->jobs)
		return;
	struct err err = node->engine_why;
	if (node->engine_was_ready && start_engine(node, &err) == ERR_OK)
		return;
	for (struct job *job = node->jobs; job; job = job->next)
		job_fail(job, &err);
}

static void on_pump(uv_idle_t *pump)
{
	struct node *node = pump->data;
	(void)uv_idle_stop(pump);
	restore_engine(node);
	plan_jobs(node);
	hand_out_parts(node);
	finish_jobs(node);
	end_jobs(node);
}

static void pump_soon(struct node *node)
{
	if (!node->closing)
		(void)uv_idle_start(&node->pump, on_pump);
}

/* -- life ------------------------------------------------------------------------------------------------ */

static int usable_cores(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
	return count > 0 ? count : 1;
}

static void free_node(struct node *node)
{
	queue_free(node->queue);
	free(node->slots);
	free(node);
}

enum err_code node_new(uv_loop_t *loop, const struct node_spec *spec, struct node **ret, struct err *err)
{
	struct node *node = calloc(1, sizeof *node);
	if (!node)
		return err_set(err, ERR_NO_MEMORY, "no memory for a node");
	node->loop = loop;
	node->spec = *spec;
	if (node->spec.threads < 1)
		node->spec.threads = usable_cores();
	node->slots = calloc((size_t)node->spec.threads, sizeof *node->slots);
	enum err_code code = queue_memory_new(&node->queue, err);
	if (code == ERR_OK && !node->slots)
		code = err_set(err, ERR_NO_MEMORY, "no memory for %d threads", node->spec.threads);
	if (code == ERR_OK)
		code = start_engine(node, err);
	if (code != ERR_OK) {
		free_node(node);
		return code;
	}
	(void)uv_idle_init(loop, &node->pump); /* cannot fail */
	node->pump.data = node;
	*ret = node;
	return ERR_OK;
}

static void on_pump_closed(uv_handle_t *handle)
{
	free_node(handle->data);
}

void node_close(struct node *node)
{
	if (!node || node->closing)
		return;
	node->closing = true;
	while (node->jobs) {
		struct job *job = node->jobs;
		node->jobs = job->next;
		free_job(job);
	}
	engine_close(steal_ptr(&node->engine));
	uv_close((uv_handle_t *)&node->pump, on_pump_closed);
}
