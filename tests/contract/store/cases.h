/* What the contract tests share: the database under test, and small helpers. */
#ifndef TIRO_TESTS_CONTRACT_STORE_CASES_H
#define TIRO_TESTS_CONTRACT_STORE_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/store.h"

struct fixture {
	struct store_place *place;
	struct db *db;
	uv_loop_t loop;
};

/* For a call that takes `&why` as its error: prints the reason before it fails. */
#define assert_ok(call)                                                                                                \
	do {                                                                                                           \
		struct err why = { .message = "" };                                                                    \
		if ((call) != ERR_OK)                                                                                  \
			fail_msg("%s: %s", err_name(why.code), why.message);                                           \
	} while (0)

/* A statement of the test's own, which need not be a constant. */
static inline enum err_code try_sql(struct db *db, enum db_mode mode, const char *sql, struct db_rows *ret,
				    struct err *err)
{
	struct db_stmt stmt = { .sql = sql, .params = "", .is_once = true };
	return db_run_stmt(db, mode, &stmt, NULL, ret, err);
}

static inline void run_sql(struct db *db, const char *sql)
{
	assert_ok(try_sql(db, DB_WRITE, sql, NULL, &why));
}

static inline int64_t get_number(struct db *db, const char *sql)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	assert_ok(try_sql(db, DB_READ, sql, &rows, &why));
	assert_int_equal(rows.count, 1);
	return db_get_int(&rows, 0, 0);
}

static inline enum err_code run_unit(struct db *db, enum err_code (*run)(struct db_tx *tx, void *arg, struct err *err),
				     void *arg, struct err *err)
{
	struct db_work work = { .mode = DB_WRITE, .run = run, .arg = arg };
	return db_run(db, &work, err);
}

#endif
