#include "jobs/node.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/processor.h"
#include "jobs/node_priv.h"

/* Jails open beyond one per engine thread, so that the next file is being read while this one is recognised. */
enum { JAILS_AHEAD = 1 };

/* -- what kinds of jobs call ------------------------------------------------------------------------- */

enum err_code job_publish(struct job *job, uint32_t index, double cost, struct err *err)
{
	node_pump_soon(job->node);
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
	node_pump_soon(job->node);
}

static void end_planning(struct job *job)
{
	if (job->planning) {
		job->planning = false;
		job->node->jails--;
		node_pump_soon(job->node);
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
	node_engine_forget(node, job);
	job->ops->stop(job);
	end_planning(job);
	queue_end_job(node->queue, job->id);
	job->ending = true;
	node_pump_soon(node);
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
	node_pump_soon(node);
	return ERR_OK;
}

/* -- one turn of work ---------------------------------------------------------------------------------- */

struct job *node_find_job(struct node *node, uint64_t id)
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
		struct job *job = node_find_job(node, claim.job);
		job->plan = claim;
		job->planning = true;
		node->jails++;
		struct err err;
		if (job->ops->plan(job, &err) != ERR_OK)
			job_fail(job, &err);
	}
}

static void finish_jobs(struct node *node)
{
	struct queue_claim claim;
	while (queue_claim(node->queue, QUEUE_FINISH, &claim)) {
		struct job *job = node_find_job(node, claim.job);
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

static void on_pump(uv_idle_t *pump)
{
	struct node *node = pump->data;
	(void)uv_idle_stop(pump);
	node_engine_restore(node);
	plan_jobs(node);
	node_engine_hand_out(node);
	finish_jobs(node);
	end_jobs(node);
}

void node_pump_soon(struct node *node)
{
	if (!node->closing)
		(void)uv_idle_start(&node->pump, on_pump);
}

/* -- life ------------------------------------------------------------------------------------------------ */

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
		node->spec.threads = processor_count();
	if (node->spec.part_limit_ms < 1)
		node->spec.part_limit_ms = LIMIT_ENGINE_PART_MS;
	node->slots = calloc((size_t)node->spec.threads, sizeof *node->slots);
	enum err_code code = queue_memory_new(&node->queue, err);
	if (code == ERR_OK && !node->slots)
		code = err_set(err, ERR_NO_MEMORY, "no memory for %d threads", node->spec.threads);
	if (code == ERR_OK)
		code = node_engine_start(node, err);
	if (code != ERR_OK) {
		free_node(node);
		return code;
	}
	/* Neither can fail. */
	(void)uv_idle_init(loop, &node->pump);
	(void)uv_timer_init(loop, &node->watch);
	node->pump.data = node->watch.data = node;
	node->open_handles = 2;
	*ret = node;
	return ERR_OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct node *node = handle->data;
	if (--node->open_handles == 0)
		free_node(node);
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
	uv_close((uv_handle_t *)&node->pump, on_handle_closed);
	uv_close((uv_handle_t *)&node->watch, on_handle_closed);
}
