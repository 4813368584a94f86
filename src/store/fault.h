/*
 * A database that fails when it is told to, over a real one: for tests of what stands on it. Statements are counted
 * from 1 since the last fault_arm.
 */
#ifndef TIRO_STORE_FAULT_H
#define TIRO_STORE_FAULT_H

#include "store/db.h"

enum fault_kind {
	FAULT_NONE,
	FAULT_STATEMENT, /* the n-th statement fails with `code` */
	FAULT_BEFORE_COMMIT, /* the n-th unit is undone at its end: ERR_NETWORK */
	FAULT_AFTER_COMMIT, /* the n-th unit is committed, but the answer is lost: ERR_OUTCOME_UNKNOWN */
};

/* Takes `inner`, which is closed with the new one; its loop is used. */
enum err_code fault_open(struct db *inner, struct db **ret, struct err *err) MUST_CHECK;

/* Sets the next fault, which happens once. Any thread. */
void fault_arm(struct db *db, enum fault_kind kind, int n, enum err_code code);

#endif
