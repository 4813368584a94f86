/*
 * How long a plan keeps what has ended (`history_days`): a file all of whose jobs ended longer ago is deleted with
 * them, whomever it is shared with. It is seen until it is deleted. Plans without a limit keep all.
 */
#ifndef TIRO_JOBS_RETENTION_H
#define TIRO_JOBS_RETENTION_H

#include "files/files.h"

/* Deletes what is past its time at `now_us` (wall time); *ret is how many files. Blocks: for a thread of a pool;
 * thread-safe; several at once do no harm. What was deleted before an error stays so. */
enum err_code jobs_sweep_history(const struct files *files, int64_t now_us, uint64_t *ret, struct err *err) MUST_CHECK;

#endif
