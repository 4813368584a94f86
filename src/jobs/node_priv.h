/*
 * Between the files of the node: node.c (jobs, turns of work, life) and node_engine.c (what the engine has in its
 * hands). Kinds of jobs see job_priv.h only. All on the loop's thread.
 */
#ifndef TIRO_JOBS_NODE_PRIV_H
#define TIRO_JOBS_NODE_PRIV_H

#include "engine/engine.h"
#include "jobs/job_priv.h"
#include "jobs/node.h"
#include "jobs/queue.h"

/* One thread of the engine. */
struct slot {
	bool busy;
	uint32_t task;
	struct queue_claim claim;
	struct job *job; /* NULL where the job has ended meanwhile */
	int looks; /* of the watch, since the part was handed out */
};

struct node {
	uv_loop_t *loop;
	uv_idle_t pump; /* runs node work once per turn of the loop, never inside a callback */
	uv_timer_t watch; /* over the time that parts take; runs while there are any in the engine's hands */
	int open_handles; /* the two above, until they are closed */
	struct node_spec spec;
	struct queue *queue;
	struct engine *engine;
	bool engine_was_ready; /* once in its life; an engine that never was is not started again */
	struct err engine_why; /* why there is none */
	bool closing;
	struct job *jobs;
	int jails; /* jobs that are planning */
	uint32_t last_task;
	struct slot *slots; /* spec.threads of them */
};

/* Has a turn of work run from the loop. */
void node_pump_soon(struct node *node);

/* NULL where there is none of that number. */
struct job *node_find_job(struct node *node, uint64_t id);

/* -- node_engine.c ----------------------------------------------------------------------------------------- */

/* Starts an engine in the background; parts may be handed to it at once. */
enum err_code node_engine_start(struct node *node, struct err *err) MUST_CHECK;

/* Without an engine nothing goes on: a fresh one is started, unless it died before it was ever ready; then every job
 * fails. */
void node_engine_restore(struct node *node);

/* Gives a part of lowest rank to each free thread, and starts the watch over them. */
void node_engine_hand_out(struct node *node);

/* A job has ended: its parts in hand are aborted, their results go nowhere. */
void node_engine_forget(struct node *node, const struct job *job);

#endif
