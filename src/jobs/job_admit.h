/*
 * Which of a user's jobs are in the queue: as many at once as the plan allows (`concurrency`). One beyond that waits:
 * it is queued to its owner, and has no number in the queue. Whatever ends a job lets the next of its owner in, in the
 * same unit of work: the highest priority first, then the oldest. A sweep lets in what no end does: after a raised
 * limit, and where the next one was just being changed by somebody else.
 *
 * `queue_owners.active` counts what is in the queue; units of one user take turns at that row. Steps inside units of
 * work, after the one that changed the job's row, where nothing else is said. Thread-safe.
 */
#ifndef TIRO_JOBS_JOB_ADMIT_H
#define TIRO_JOBS_JOB_ADMIT_H

#include "accounts/usage.h"
#include "files/files.h"
#include "store/queue.h"

/* A job that is to be done. */
struct job_entry {
	struct uuid id;
	struct uuid owner;
	double weight;
	int priority;
};

/* The job enters the queue with its first part, or waits (*ret_entered false). Errors: ERR_INVALID (weight, priority).
 */
enum err_code job_admit(struct part_queue *queue, struct db_tx *tx, const struct job_entry *job, bool *ret_entered,
			struct err *err) MUST_CHECK;

/* A job that has ended, in this unit. */
struct job_ending {
	struct uuid id;
	struct uuid owner;
	int64_t number; /* in the queue; 0: it waited */
	enum usage_outcome outcome;
};

/* The job leaves the queue, is settled with its owner, and the next may enter. `queue` may be NULL: none enters. */
enum err_code job_leave(struct part_queue *queue, struct db_tx *tx, const struct job_ending *ending, struct err *err)
	MUST_CHECK;

/* Lets in all that could have entered already; *ret is how many. For a thread of a pool: blocks, and makes units of its
 * own. Several at once do no harm. */
enum err_code jobs_admit_waiting(const struct files *files, uint64_t *ret, struct err *err) MUST_CHECK;

#endif
