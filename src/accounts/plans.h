/*
 * Plans: what users may have. Inside a unit of work. Thread-safe.
 */
#ifndef TIRO_ACCOUNTS_PLANS_H
#define TIRO_ACCOUNTS_PLANS_H

#include <stdint.h>

#include "base/uuid.h"
#include "store/db.h"

/* No limit of that kind. */
#define PLAN_UNLIMITED INT64_MAX

struct plan {
	int64_t file_bytes; /* of one file, or PLAN_UNLIMITED */
	int64_t storage_bytes; /* of all, or PLAN_UNLIMITED */
	double weight; /* share of the engines */
	int priority_max;
};

/* The plan of a user. Errors: ERR_REFERENCE (no such user), and those of a unit of work. */
enum err_code plan_of_user(struct db_tx *tx, const struct uuid *user, struct plan *ret, struct err *err) MUST_CHECK;

#endif
