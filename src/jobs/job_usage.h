/*
 * What a job costs its user (accounts/usage.h): reserved when the job is added as far as its length is known, more as
 * it turns out to be longer, and settled in the unit of work in which it ends, however it ends. Steps inside units of
 * work, after the one that changed the job's row: all units take a job's row before its user's totals.
 */
#ifndef TIRO_JOBS_JOB_USAGE_H
#define TIRO_JOBS_JOB_USAGE_H

#include "accounts/usage.h"

/* The job holds `us` of recordings, or more. Errors: ERR_QUOTA, with *ret_shortage filled. */
enum err_code job_usage_hold(struct db_tx *tx, const struct uuid *job, int64_t us, struct usage_shortage *ret_shortage,
			     struct err *err) MUST_CHECK;

/* The job has ended, in this unit. */
enum err_code job_usage_settle(struct db_tx *tx, const struct uuid *job, enum usage_outcome outcome, struct err *err)
	MUST_CHECK;

#endif
