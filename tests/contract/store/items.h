/* The table that the contract tests of store/db.h work on, and a database for each test. For one program at a time. */
#ifndef TIRO_TESTS_CONTRACT_STORE_ITEMS_H
#define TIRO_TESTS_CONTRACT_STORE_ITEMS_H

#include "base/clock.h"
#include "cases.h"

static struct store_place place;

static inline int open_db(void **state)
{
	struct fixture *f = test_calloc(1, sizeof *f);
	f->place = &place;
	struct db_config config = store_config(&place);
	config.timeout_ms = 20000;
	assert_int_equal(uv_loop_init(&f->loop), 0);
	assert_ok(store_open(&place, &config, &f->loop, &f->db, &why));
	run_sql(f->db, "DROP TABLE IF EXISTS child");
	run_sql(f->db, "DROP TABLE IF EXISTS item");
	run_sql(f->db,
		"CREATE TABLE item (id {int} PRIMARY KEY, name text UNIQUE, data {bytes}, n {int} NOT NULL DEFAULT 0) "
		"{table}");
	run_sql(f->db, "CREATE TABLE child (id {identity}, item {int} NOT NULL REFERENCES item (id)) {table}");
	*state = f;
	return 0;
}

static inline int close_db(void **state)
{
	struct fixture *f = *state;
	db_close(f->db);
	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	test_free(f);
	return 0;
}

static const struct db_stmt insert = { .sql = "INSERT INTO item (id, name, data) VALUES ($1, $2, $3)",
				       .params = "itb" };
static const struct db_stmt insert_child = { .sql = "INSERT INTO child (item) VALUES ($1)", .params = "i" };
static const struct db_stmt get = { .sql = "SELECT id, name, data FROM item WHERE id = $1", .params = "i" };
static const struct db_stmt increment = { .sql = "UPDATE item SET n = n + 1 WHERE id = $1", .params = "i" };

static inline enum err_code insert_item(struct db_tx *tx, int64_t id, const char *name, struct err *err)
{
	struct db_value params[] = { db_int(id), db_text(name), db_null() };
	return db_query(tx, &insert, params, NULL, err);
}

static inline enum err_code unit_with_conflict(struct db_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	enum err_code code = insert_item(tx, 1, "one", err);
	return code == ERR_OK ? insert_item(tx, 2, "one", err) : code;
}

static inline enum err_code writing_unit(struct db_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	return insert_item(tx, 1, "one", err);
}

#define WITH_DB(test) cmocka_unit_test_setup_teardown(test, open_db, close_db)

/* The program: the suite over the back end that the first argument names. */
#define RUN_OVER_BACKEND(tests)                                                                                        \
	__extension__({                                                                                                \
		int status = argc == 2 ? store_place_init(&place, argv[1], "/tmp", "") : 64;                           \
		if (status == 0) {                                                                                     \
			status = cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);                              \
			store_place_done(&place);                                                                      \
		}                                                                                                      \
		status;                                                                                                \
	})

#endif
