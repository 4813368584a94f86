/*
 * The queue of parts. It hands out parts, not jobs: each stage of a job (plan, every recognition, finish) is a part
 * that is published when it becomes ready, claimed once, and completed under the claim's token.
 *
 * Order: weighted fair queuing. A part's rank is its virtual start time, written when it becomes ready: the larger of
 * the queue's virtual time and the virtual finish of the job's part before it (start-time fair queuing; Goyal, Vin and
 * Cheng, SIGCOMM 1996); cost is seconds of speech or pages, divided by the job's weight; a priority is an
 * offset. So a short clip never waits behind a long lecture.
 *
 * Back ends: memory (jobs/queue_memory.c). Fencing: a claim's token is refused once the part was claimed again or its
 * job was cancelled, so a late worker changes nothing.
 * Thread safety: as the back end says; memory: one thread.
 */
#ifndef TIRO_JOBS_QUEUE_H
#define TIRO_JOBS_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum queue_stage { QUEUE_PLAN, QUEUE_RECOGNISE, QUEUE_FINISH, QUEUE_STAGES };

/* A part that takes its engine down with it this many times fails its job. */
enum { QUEUE_ATTEMPTS_MAX = 2 };

/* One priority step is worth this much virtual time: a minute of speech. */
#define QUEUE_PRIORITY_COST 60.0

struct queue_claim {
	uint64_t job;
	enum queue_stage stage;
	uint32_t index; /* of the part in its job and stage */
	uint64_t token;
	int failures; /* before this claim */
};

struct queue;

struct queue_ops {
	void (*free)(struct queue *queue);
	enum err_code (*add_job)(struct queue *queue, double weight, int priority, uint64_t *ret_job, struct err *err);
	enum err_code (*publish)(struct queue *queue, uint64_t job, enum queue_stage stage, uint32_t index, double cost,
				 struct err *err);
	bool (*claim)(struct queue *queue, enum queue_stage stage, struct queue_claim *ret);
	enum err_code (*complete)(struct queue *queue, const struct queue_claim *claim, struct err *err);
	enum err_code (*release)(struct queue *queue, const struct queue_claim *claim, bool is_failure,
				 bool *ret_given_up, struct err *err);
	void (*end_job)(struct queue *queue, uint64_t job);
	uint64_t (*ready)(const struct queue *queue, enum queue_stage stage);
};

/* The base of every back end; embedded first. */
struct queue {
	const struct queue_ops *ops;
};

/* An empty queue in memory. */
enum err_code queue_memory_new(struct queue **ret, struct err *err) MUST_CHECK;
void queue_free(struct queue *queue);

/* A job with a weight (> 0, its share of the engines) and a priority (-10..10). */
enum err_code queue_add_job(struct queue *queue, double weight, int priority, uint64_t *ret_job, struct err *err)
	MUST_CHECK;

/* A part became ready; `cost` in seconds of speech or pages. Errors: ERR_NOT_FOUND (no such job), ERR_NO_MEMORY. */
enum err_code queue_publish(struct queue *queue, uint64_t job, enum queue_stage stage, uint32_t index, double cost,
			    struct err *err) MUST_CHECK;

/* Claims the ready part of lowest rank; false where there is none. */
bool queue_claim(struct queue *queue, enum queue_stage stage, struct queue_claim *ret);

/* The part is done. Errors: ERR_CANCELLED for a token that no longer counts. */
enum err_code queue_complete(struct queue *queue, const struct queue_claim *claim, struct err *err) MUST_CHECK;

/*
 * Gives a claimed part back at its old rank. A failure counts as an attempt; after QUEUE_ATTEMPTS_MAX of them the part
 * is not ready again and *ret_given_up is true. An abort (for a cancel, or for a part in a hurry) is no failure.
 * Errors: ERR_CANCELLED as above.
 */
enum err_code queue_release(struct queue *queue, const struct queue_claim *claim, bool is_failure, bool *ret_given_up,
			    struct err *err) MUST_CHECK;

/* Forgets a job that ended or was cancelled; its parts vanish, its claims no longer count. */
void queue_end_job(struct queue *queue, uint64_t job);

/* Parts that could be claimed now. */
uint64_t queue_ready(const struct queue *queue, enum queue_stage stage);

#endif
