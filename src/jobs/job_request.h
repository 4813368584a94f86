/*
 * Requests that wait for their jobs with a connection open. A client that lost its connection and sends the same again
 * finds the job that is under way, or its result for an hour, instead of having it computed again; a job that nobody
 * has waited for since a time of grace is cancelled.
 *
 * The same is: the same application, recording and options. A request with an Idempotency-Key finds the job of that
 * key, whatever became of it, and must ask for the same.
 *
 * Blocks (store/db.h): for threads of a pool. Thread-safe.
 */
#ifndef TIRO_JOBS_JOB_REQUEST_H
#define TIRO_JOBS_JOB_REQUEST_H

#include "jobs/job_row.h"

/* How long a job that has ended is found. */
#define JOB_REQUEST_KEPT_US ((int64_t)3600 * US_PER_S)

enum job_request_match {
	JOB_REQUEST_NEW,
	JOB_REQUEST_SAME, /* there is a job for it */
	JOB_REQUEST_OTHER /* the key was used for something else */
};

/* What a request asks beside its recording, for its fingerprint. */
struct job_request {
	unsigned char key_hash[SHA256_BYTES]; /* of the Idempotency-Key */
	bool has_key;
	/* The outcome of job_request_match. */
	enum job_request_match match;
	struct uuid same_job, same_file; /* of JOB_REQUEST_SAME */
};

/*
 * In the unit that stores the job's file, before job_add: looks for the job of the same request. Units of one user take
 * turns there (the file's row counts in theirs), so of two at once the second finds the first. Errors: ERR_CONFLICT,
 * which must end the unit, where request->match is not JOB_REQUEST_NEW.
 */
enum err_code job_request_match(struct db_tx *tx, const struct job_new *job, struct job_request *request,
				struct err *err) MUST_CHECK;

/* In the same unit, after job_add. */
enum err_code job_request_add(struct db_tx *tx, const struct job_new *job, const struct job_request *request,
			      int64_t wanted_until_us, struct err *err) MUST_CHECK;

/* Somebody waits at least until then. No error where there is no such request. */
enum err_code job_request_want(struct db *db, const struct uuid *job, int64_t until_us, struct err *err) MUST_CHECK;

/* Cancels jobs that nobody waits for any more, at most some hundred, and forgets old requests. */
enum err_code job_requests_sweep(const struct files *files, uint64_t *ret_cancelled, struct err *err) MUST_CHECK;

#endif
