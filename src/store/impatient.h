/*
 * A database for who would rather be refused than wait: a view of another one, whose units end at once with ERR_NETWORK
 * while PostgreSQL is away. A request is told so within a moment, while workers, who share the pool, wait until it
 * is back. Somebody must wait (a heartbeat, a listener): the first connection that they get is how all learn of it.
 */
#ifndef TIRO_STORE_IMPATIENT_H
#define TIRO_STORE_IMPATIENT_H

#include "store/db.h"

/* *ret is the caller's, to be closed with db_close after `inner`, whose last units may be its own. Errors:
 * ERR_NO_MEMORY. */
enum err_code impatient_open(struct db *inner, struct db **ret, struct err *err) MUST_CHECK;

#endif
