/*
 * Usage: what users have used of their plan, and what is reserved for jobs under way, so that many that come at once
 * never use more than there is. A job reserves before it begins, may reserve more as it goes on, and is settled once
 * when it ends: what it used becomes usage of its day, and what was reserved is free again. A job that failed or was
 * cancelled used nothing.
 *
 * All of a user's reservations and settlements go through one locked row, so two units take turns. The month's sum in
 * that row and the days' rows are written by the same statements of one unit: the sum of the parts is the whole.
 *
 * Inside a unit of work; times are the caller's, microseconds UTC. Thread-safe.
 */
#ifndef TIRO_ACCOUNTS_USAGE_H
#define TIRO_ACCOUNTS_USAGE_H

#include "base/uuid.h"
#include "store/db.h"

/* Of recordings and of documents; a job has one of both. */
struct usage {
	int64_t us; /* microseconds of recordings */
	int64_t pages;
};

/* Why there was not enough. All of the kind that ran out. */
struct usage_shortage {
	bool is_pages;
	int64_t requested, remaining; /* microseconds or pages; remaining >= 0 */
	int64_t resets_us; /* when the next month begins */
};

/*
 * Reserves `more` for a job of the user. Errors: ERR_QUOTA, with *ret_shortage filled, which must end the unit;
 * ERR_REFERENCE (no such user).
 */
enum err_code usage_reserve(struct db_tx *tx, const struct uuid *user, const struct usage *more, int64_t now_us,
			    struct usage_shortage *ret_shortage, struct err *err) MUST_CHECK;

enum usage_outcome { USAGE_SUCCEEDED, USAGE_FAILED, USAGE_CANCELLED };

/* A job that has ended. The caller's unit sees to it that a job is settled once. */
struct usage_settlement {
	struct uuid user;
	struct uuid application; /* the user's id: the default one */
	const char *model;
	struct usage reserved; /* by this job, all together */
	struct usage used; /* counted for USAGE_SUCCEEDED only */
	enum usage_outcome outcome;
};
enum err_code usage_settle(struct db_tx *tx, const struct usage_settlement *settlement, int64_t now_us, struct err *err)
	MUST_CHECK;

/* -- looking ----------------------------------------------------------------------------------------- */

/* Days since 1970 UTC. */
int64_t usage_day(int64_t us);
/* The first day of the month of `us`, and of the month after. */
void usage_month(int64_t us, int64_t *ret_first, int64_t *ret_next);

struct usage_jobs {
	int64_t succeeded, failed, cancelled;
};

struct usage_day {
	int64_t day;
	struct usage used;
	struct usage_jobs jobs;
};

struct usage_query {
	struct uuid user;
	const struct uuid *application; /* NULL: all */
	int64_t first, last; /* days, both included; at most USAGE_DAYS_MAX */
};
enum { USAGE_DAYS_MAX = 3660 };

struct usage_report {
	struct usage used; /* in these days */
	struct usage_jobs jobs;
	struct usage_day *days; /* owned; those with something in them, oldest first */
	size_t count;
	/* Of the user, in the month of now, whatever the days are. */
	struct usage month, reserved;
};
/* Errors: ERR_INVALID (days). */
enum err_code usage_read(struct db_tx *tx, const struct usage_query *query, int64_t now_us, struct usage_report *ret,
			 struct err *err) MUST_CHECK;
void usage_report_done(struct usage_report *report);
#define cleanup_usage_report cleanup(usage_report_done)

#endif
