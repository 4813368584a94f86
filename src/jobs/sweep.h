/*
 * The sweep of all that jobs and files leave behind (files/sweep.h), with the objects of jobs: parts of jobs that are
 * no longer in the queue, results of jobs that are gone. Blocks; thread-safe.
 */
#ifndef TIRO_JOBS_SWEEP_H
#define TIRO_JOBS_SWEEP_H

#include "files/sweep.h"

/* *counts is set. */
enum err_code jobs_sweep(const struct files *files, int64_t before_us, struct sweep_counts *counts, struct err *err)
	MUST_CHECK;

#endif
