/*
 * Plans: what users may have. Inside a unit of work. Thread-safe.
 */
#ifndef TIRO_ACCOUNTS_PLANS_H
#define TIRO_ACCOUNTS_PLANS_H

#include <stdint.h>

#include "base/uuid.h"
#include "store/db.h"

enum { PLAN_NAME_MAX = 64, PLANS_MAX = 1000, PLAN_PRIORITY_MAX = 10 };

/* No limit of that kind. */
#define PLAN_UNLIMITED INT64_MAX

/* A plan's limits: field, which is the column's name too, and what it counts in which unit. Null in the database is
 * PLAN_UNLIMITED. */
#define PLAN_LIMIT_TABLE(X)                                                                                            \
	X(monthly_us, "microseconds of recordings in a calendar month, UTC")                                           \
	X(monthly_pages, "pages in a calendar month, UTC")                                                             \
	X(file_bytes, "bytes of one file")                                                                             \
	X(storage_bytes, "bytes of all files, unfinished uploads included")                                            \
	X(history_days, "days until an ended job is deleted with its file")                                            \
	X(concurrency, "jobs that are in the queue at once; more wait for them")

struct plan {
	char name[PLAN_NAME_MAX + 1];
#define X(field, about) int64_t field;
	PLAN_LIMIT_TABLE(X)
#undef X
	double weight; /* share of the engines; 1 is usual */
	int priority_max;
};

/* The plan of a user. Errors: ERR_REFERENCE (no such user), and those of a unit of work. */
enum err_code plan_of_user(struct db_tx *tx, const struct uuid *user, struct plan *ret, struct err *err) MUST_CHECK;

/* Errors: ERR_NOT_FOUND. */
enum err_code plan_find(struct db_tx *tx, const char *name, struct plan *ret, struct err *err) MUST_CHECK;

/* All, by name. */
struct plan_list {
	struct plan *rows; /* owned */
	size_t count;
};
enum err_code plan_list(struct db_tx *tx, struct plan_list *ret, struct err *err) MUST_CHECK;
void plan_list_done(struct plan_list *list);
#define cleanup_plan_list cleanup(plan_list_done)

/* Makes the plan, or changes it to this; what its users have beyond a lower limit they keep, but get no more. Errors:
 * ERR_INVALID (names the limit). */
enum err_code plan_put(struct db_tx *tx, const struct plan *plan, int64_t now_us, struct err *err) MUST_CHECK;

/* Errors: ERR_NOT_FOUND; ERR_REFERENCE (users have it). */
enum err_code plan_delete(struct db_tx *tx, const char *name, struct err *err) MUST_CHECK;

#endif
