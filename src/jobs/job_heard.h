/*
 * What was heard of a job that is under way: the words of its parts in their order, up to the first that is not
 * recognised yet. For who reads along; the finish reads the same once all parts are there.
 *
 * Where nobody named the language, nothing is told before it is known, and what was told may still be heard once more
 * in another language: the result says what counts.
 *
 * Blocks (store/db.h): for threads of a pool. Thread-safe.
 */
#ifndef TIRO_JOBS_JOB_HEARD_H
#define TIRO_JOBS_JOB_HEARD_H

#include "jobs/job_work.h"

/* One part's words, with the part's place among the others; borrowed for the call. */
struct job_heard_part {
	int64_t index;
	bool is_second; /* hearing */
	const struct part_layout *layout;
	struct asr_transcript *words;
};
typedef enum err_code job_heard_fn(void *arg, const struct job_heard_part *part, struct err *err);

/* Calls `fn` for the parts from `first` on, to the end or the first gap. Errors: those of `fn`, of a unit of work, of
 * note_open. */
enum err_code job_heard_each(const struct files *files, const struct job_facts *facts, int64_t first, job_heard_fn *fn,
			     void *arg, struct err *err) MUST_CHECK;

/*
 * Appends what was heard from part *io_next on to `io` (asr/stitch.h) and moves *io_next. Errors: ERR_CANCELLED (the
 * job has ended, or waits to enter the queue).
 */
enum err_code job_heard_more(const struct files *files, const struct uuid *job, int64_t *io_next,
			     struct asr_transcript *io, struct err *err) MUST_CHECK;

#endif
