/*
 * Between the node and its kinds of jobs (speech.c, pages.c). Not for callers.
 */
#ifndef TIRO_JOBS_JOB_PRIV_H
#define TIRO_JOBS_JOB_PRIV_H

#include "engine/engine.h"
#include "jobs/node.h"
#include "jobs/queue.h"

struct job_ops {
	bool is_speech; /* its parts are speech, else pages */
	/* Stage one was claimed: open the jail. Publishes parts from then on and ends with job_planned or job_fail. */
	enum err_code (*plan)(struct job *job, struct err *err);
	/* A part was claimed: hand it to the engine as `task`. `lone`: nothing else runs or waits. */
	enum err_code (*recognise)(struct job *job, uint32_t index, uint32_t task, bool lone, struct err *err);
	/* The engine is done with a part; exactly one of the results is set on success, none where `why` is an error.
	 */
	void (*recognised)(struct job *job, uint32_t index, struct asr_transcript *speech, struct ocr_page *page,
			   const struct err *why);
	/* Stage three was claimed: everything is planned and done. Ends with job_finished or job_fail. */
	void (*finish)(struct job *job);
	/* Closes the jail, if any. Called before free and on failure. */
	void (*stop)(struct job *job);
	void (*free)(struct job *job);
};

/* The base of every kind of job; embedded first. */
struct job {
	const struct job_ops *ops;
	struct node *node;
	struct job *next;
	const struct job_events *events;
	void *owner;
	uint64_t id; /* in the queue */
	struct queue_claim plan; /* while `planning` */
	bool planning; /* its jail is open */
	bool finishing; /* stage three was published */
	bool ending; /* on_end is due */
	struct err why;
	struct job_progress progress;
};

/* Queues a job that the kind has allocated and filled (`ops`, `events`, `owner`); the node owns it from here. */
enum err_code job_start(struct node *node, struct job *job, double weight, int priority, struct err *err) MUST_CHECK;

/* A part became ready to be recognised. */
enum err_code job_publish(struct job *job, uint32_t index, double cost, struct err *err) MUST_CHECK;

/* The plan has ended: no part follows. `jail_closed`: the jail is no longer needed. */
void job_planned(struct job *job, bool jail_closed);

/* One more part is done (recognised, or taken from a text layer, or failed for good). */
void job_part_done(struct job *job);

/* The progress changed in another way. */
void job_progressed(struct job *job, double fraction);

/* Ends the job, with an error at once, or well. on_end follows from the loop. */
void job_fail(struct job *job, const struct err *why);
void job_finished(struct job *job);

struct engine *job_engine(const struct job *job);
int job_threads(const struct job *job);
int job_vad_fd(const struct job *job);
uv_loop_t *job_loop(const struct job *job);

#endif
