/*
 * A worker: claims parts of all stages from the durable queue and does them, on this node's engine, jails and pool.
 * Any number of nodes do this on one database; each part is one claim, leased by the node's heartbeat.
 *
 *     plan        a jail reads the file; each part that comes out is stored, then published
 *     recognise   a stored part goes through the engine; its words are stored and the part completed in one unit
 *     finish      the words of all parts become the result
 *
 * Nothing here holds a whole recording: a jail is held back until its parts are stored, and a worker has two parts for
 * each thread of the engine in memory.
 *
 * All calls and callbacks: the loop's thread.
 */
#ifndef TIRO_JOBS_WORKER_H
#define TIRO_JOBS_WORKER_H

#include <uv.h>

#include "files/files.h"
#include "http/work.h"
#include "jobs/hands.h"
#include "store/queue.h"

struct worker;

struct worker_spec {
	const struct files *files; /* like all pointers here: outlives the worker */
	struct part_queue *queue; /* this node's; the worker joins and leaves it */
	struct http_pool *pool; /* for what blocks; at least two threads */
	struct engine_spec engine;
	int vad_fd; /* the speech detector's model */
	int64_t part_timeout_us; /* of one part in the engine; 0: LIMIT_ENGINE_PART_US */
	int64_t job_timeout_us; /* of a job's processing; 0: LIMIT_JOB_PROCESSING_US */
};

/* A part is recognised in a few seconds; one that takes this long hangs. */
#define LIMIT_ENGINE_PART_US ((int64_t)20 * 60 * 1000000)
/* service.md: 120 minutes of processing. */
#define LIMIT_JOB_PROCESSING_US ((int64_t)120 * 60 * 1000000)

/* Joins the queue and starts to work. Errors: those of hands_new, ERR_NO_MEMORY. */
enum err_code worker_new(uv_loop_t *loop, const struct worker_spec *spec, struct worker **ret, struct err *err)
	MUST_CHECK;

/* Claims nothing more; `on_drained` is called when nothing is in hand, or after `timeout_ms`, when what still is has
 * been given back. Then worker_close. */
void worker_drain(struct worker *worker, uint32_t timeout_ms, void (*on_drained)(void *owner), void *owner);

/* Stops at once: jails and engine are killed, claims are other nodes' after the lease. The pool must be freed after,
 * then the loop must turn once. NULL is fine. */
void worker_close(struct worker *worker);

/* True while parts are claimed and recognised here; else `why` says what is missing. */
bool worker_is_ready(const struct worker *worker, struct err *why);

#endif
