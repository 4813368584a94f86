/* Between the files of the worker: worker.c (tasks, claims, life), worker_beat.c, plan_task.c, part_task.c,
 * finish_task.c. */
#ifndef TIRO_JOBS_WORKER_PRIV_H
#define TIRO_JOBS_WORKER_PRIV_H

#include "jail/jail.h"
#include "jobs/job_work.h"
#include "jobs/worker.h"

/* A claim in hand. Embedded first in the three kinds. A task is freed when nothing works for it any more: neither the
 * pool, nor the engine, nor a jail. */
struct task {
	struct http_work work; /* what the pool does for it, one thing at a time */
	bool working; /* the pool has it */
	bool is_kept; /* giving the claim back failed */
	bool stopped; /* the job has ended, or the claim is lost: whatever comes is dropped */
	struct worker *worker;
	struct task *next; /* the worker's */
	struct part_claim claim;
	struct job_facts facts; /* filled by the first step in the pool */
	void (*stop)(struct task *task); /* ends what works for it beside the pool; frees the task if nothing is left */
	struct err why;
};

struct claiming {
	struct worker *worker;
	int stage;
	bool busy; /* the database has it */
	bool again; /* something came meanwhile */
	size_t room; /* parts asked for */
	size_t count; /* and claimed */
	struct part_claim claims[16];
};

struct worker {
	uv_loop_t *loop;
	struct worker_spec spec;
	struct hands *hands;
	uv_timer_t beat;
	uv_idle_t soon;
	int open_handles;
	struct db_listener *parts_listener, *jobs_listener;
	struct claiming claiming[PARTS_STAGES];
	struct task *tasks;
	int in_hand[PARTS_STAGES];
	bool joined, beating, draining, closed;
	/* A claim's outcome is unknown, or the database was away: it may think that we hold what we do not know of. */
	bool may_hold_more;
	bool is_keeping; /* the beat that is under way tells what we hold */
	size_t keep_count;
	struct part_claim keep[PARTS_BATCH_MAX]; /* what we hold, for the beat that tells the database */
	int64_t drain_until_us;
	void (*on_drained)(void *owner);
	void *drain_owner;
	struct parts_beat beat_result;
	struct err join_why;
};

/* Claims what there is room for, in the loop's next turn. */
void worker_claim_soon(struct worker *worker);
/* Stops the tasks of a job, by its number in the queue; 0: all. */
void worker_stop_tasks(struct worker *worker, int64_t job);
/* The timer's callback. */
void worker_on_beat(uv_timer_t *timer);
/* A closed worker is freed once nothing works for it. */
void worker_free_if_done(struct worker *worker);

/* Puts a claim in hand; the kinds' own. Errors: ERR_NO_MEMORY. */
enum err_code plan_task_start(struct worker *worker, const struct part_claim *claim, struct err *err) MUST_CHECK;
enum err_code part_task_start(struct worker *worker, const struct part_claim *claim, struct err *err) MUST_CHECK;
enum err_code finish_task_start(struct worker *worker, const struct part_claim *claim, struct err *err) MUST_CHECK;

/* A thread of the engine is free: parts that are loaded go to it. */
void part_tasks_hand_out(struct worker *worker);

/* Enters a task in the worker's list. */
void task_init(struct task *task, struct worker *worker, const struct part_claim *claim,
	       void (*stop)(struct task *task));
/* Has `run` called in the pool and then `done` on the loop; not while one is under way. */
void task_work(struct task *task, void (*run)(struct http_work *work), void (*done)(struct http_work *work));
/* In `done`: notes that the pool is through. False where the task was stopped meanwhile: only task_end may follow. */
bool task_worked(struct task *task);
/* Leaves the list and frees; the worker claims the next. */
void task_end(struct task *task);

/* Gives the claim back or fails the job for task->why, in the pool, then task_end. */
void task_fail(struct task *task);

#endif
