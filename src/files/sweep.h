/*
 * What was left behind: by clients that went away while the server died, by a store that was away, by deletions that
 * were cut short. It is run at start and once a day, on any node, on several at once without harm. Blocks: for a thread
 * of a pool. Thread-safe.
 */
#ifndef TIRO_FILES_SWEEP_H
#define TIRO_FILES_SWEEP_H

#include "base/clock.h"
#include "files/files.h"

/* An upload, or an object without a row, that is older than this was abandoned: no upload takes as long. */
#define SWEEP_AGE_US US_PER_DAY
/* Time between two sweeps (service.md). */
#define SWEEP_INTERVAL_MS ((uint64_t)24 * 3600 * 1000)

struct sweep_counts {
	uint64_t uploads; /* rows of uploads that never ended */
	uint64_t deletions; /* that are complete now */
	uint64_t puts; /* unfinished writes of the store */
	uint64_t objects; /* that belonged to nothing */
};

/* Ends uploads and deletions that were begun before `before_us` (wall time), and removes older objects "files/ID" that
 * no row knows. *counts is added to. What was done before an error stays. */
enum err_code files_sweep(const struct files *files, int64_t before_us, struct sweep_counts *counts, struct err *err)
	MUST_CHECK;

/* Removes uploads whose node is no longer among the living (store/queue.h). *ret is how many. */
enum err_code files_sweep_dead_uploads(const struct files *files, uint64_t *ret, struct err *err) MUST_CHECK;

/* Which objects belong to something. */
struct sweep_rule {
	const char *prefix; /* of their keys, "parts/" */
	/* Sets *ret where the id is one that still has objects. */
	enum err_code (*is_known)(const struct files *files, const struct uuid *id, bool *ret, struct err *err);
};

/* Removes objects of one kind, "PREFIX/ID" and "PREFIX/ID/...", that are older and belong to nothing. */
enum err_code files_sweep_objects(const struct files *files, const struct sweep_rule *rule, int64_t before_us,
				  struct sweep_counts *counts, struct err *err) MUST_CHECK;

#endif
