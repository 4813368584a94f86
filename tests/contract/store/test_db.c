/* The contract of store/db.h: values, errors, many at once. Over the back end that the first argument names. */
#include <pthread.h>

#include "items.h"

/* -- values ------------------------------------------------------------------------------------------ */

static void values_of_every_type_come_back(void **state)
{
	struct fixture *f = *state;
	static const unsigned char bytes[] = { 0, 1, 0xff, '\'', 0 };
	static const int64_t ids[] = { INT64_MIN, -1, 0, INT64_MAX };
	static const char *const names[] = { "", "Tiro's {notes} $1", "\xd9\x86\xd8\xaa", NULL };
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		cleanup_rows struct db_rows rows = DB_ROWS_INIT;
		struct db_value params[] = { db_int(ids[i]), db_text(names[i]),
					     i == 3 ? db_null() : db_bytes(bytes, i == 2 ? 0 : sizeof bytes) };
		assert_ok(db_run_stmt(f->db, DB_WRITE, &insert, params, &rows, &why));
		assert_int_equal(rows.changed, 1);
		assert_ok(db_run_stmt(f->db, DB_READ, &get, params, &rows, &why));
		assert_int_equal(rows.count, 1);
		assert_int_equal(db_get_int(&rows, 0, 0), ids[i]);
		assert_string_equal(db_get_text(&rows, 0, 1), names[i] ? names[i] : "");
		assert_int_equal(db_is_null(&rows, 0, 1), names[i] == NULL);
		size_t size;
		const void *got = db_get_bytes(&rows, 0, 2, &size);
		assert_int_equal(db_is_null(&rows, 0, 2), i == 3);
		assert_int_equal(size, i >= 2 ? 0 : sizeof bytes);
		assert_memory_equal(got, bytes, size);
	}
}

static void a_parameter_of_the_wrong_type_is_a_defect(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct db_value params[] = { db_text("1"), db_null(), db_null() };
	assert_int_equal(db_run_stmt(f->db, DB_WRITE, &insert, params, NULL, &err), ERR_INTERNAL);
}

/* -- errors ------------------------------------------------------------------------------------------ */

static void a_taken_key_is_a_conflict_and_the_unit_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct err err;
	assert_int_equal(run_unit(f->db, unit_with_conflict, NULL, &err), ERR_CONFLICT);
	assert_null(strstr(err.message, "one"));
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM item"), 0);
}

static void a_row_that_is_not_there_or_still_needed_is_a_reference_error(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct db_value params[] = { db_int(7) };
	assert_int_equal(db_run_stmt(f->db, DB_WRITE, &insert_child, params, NULL, &err), ERR_REFERENCE);
	run_sql(f->db, "INSERT INTO item (id) VALUES (7)");
	assert_ok(db_run_stmt(f->db, DB_WRITE, &insert_child, params, NULL, &why));
	assert_int_equal(try_sql(f->db, DB_WRITE, "DELETE FROM item WHERE id = 7", NULL, &err), ERR_REFERENCE);
}

static void a_value_that_the_schema_forbids_is_invalid_and_bad_sql_a_defect(void **state)
{
	struct fixture *f = *state;
	struct err err;
	assert_int_equal(try_sql(f->db, DB_WRITE, "INSERT INTO item (id, n) VALUES (1, NULL)", NULL, &err),
			 ERR_INVALID);
	assert_int_equal(try_sql(f->db, DB_WRITE, "SELEKT 1", NULL, &err), ERR_INTERNAL);
	assert_int_equal(try_sql(f->db, DB_WRITE, "SELECT {nonsense}", NULL, &err), ERR_INTERNAL);
	assert_int_equal(try_sql(f->db, DB_WRITE, "SELECT 1 FROM nowhere", NULL, &err), ERR_INTERNAL);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM item"), 0);
}

static enum err_code careless_unit(struct db_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	(void)!insert_item(tx, 1, "one", err);
	(void)!insert_item(tx, 1, "two", err);
	assert_int_equal(insert_item(tx, 3, "three", err), ERR_CONFLICT);
	return ERR_OK;
}

static void an_error_that_is_overlooked_is_not_committed(void **state)
{
	struct fixture *f = *state;
	struct err err;
	assert_int_equal(run_unit(f->db, careless_unit, NULL, &err), ERR_CONFLICT);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM item"), 0);
}

static enum err_code posting_unit(struct db_tx *tx, void *arg, struct err *err)
{
	const int *count = arg;
	for (int i = 0; i < *count; i++) {
		/* The last one takes the first one's key. */
		struct db_value params[] = { db_int(*count > 1000 && i == *count - 1 ? 0 : i), db_null(), db_null() };
		enum err_code code = db_post(tx, &insert, params, err);
		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

static void posted_statements_are_all_done_or_none(void **state)
{
	struct fixture *f = *state;
	struct err err;
	int count = 1001;
	assert_int_equal(run_unit(f->db, posting_unit, &count, &err), ERR_CONFLICT);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM item"), 0);
	count = 1000;
	assert_ok(run_unit(f->db, posting_unit, &count, &why));
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM item"), 1000);
}

static enum err_code unit_that_gives_up(struct db_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	enum err_code code = insert_item(tx, 1, "one", err);
	return code == ERR_OK ? err_set(err, ERR_CANCELLED, "enough") : code;
}

static void the_units_own_error_undoes_it_and_is_returned(void **state)
{
	struct fixture *f = *state;
	struct err err;
	assert_int_equal(run_unit(f->db, unit_that_gives_up, NULL, &err), ERR_CANCELLED);
	assert_string_equal(err.message, "enough");
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM item"), 0);
}

static void a_unit_that_reads_cannot_write(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct db_work work = { .mode = DB_READ, .run = writing_unit };
	assert_int_equal(db_run(f->db, &work, &err), ERR_READ_ONLY);
	work.mode = DB_WRITE_RELAXED;
	assert_int_equal(db_run(f->db, &work, &err), ERR_OK);
}

static const struct db_stmt count_up = { .sql = "WITH RECURSIVE c (i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM c "
						"WHERE i < 1000000000) SELECT max(i) FROM c",
					 .params = "i" };

static void a_unit_that_takes_too_long_is_cut_off(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct db_config config = store_config(&place);
	config.timeout_ms = 300;
	config.role = DB_ADMIN;
	struct db *db;
	assert_ok(db_open(&config, NULL, &db, &why));
	struct db_value params[] = { db_int(1) };
	assert_int_equal(db_run_stmt(db, DB_READ, &count_up, params, NULL, &err), ERR_TIMEOUT);
	assert_int_equal(db_run_stmt(db, DB_WRITE, &count_up, params, NULL, &err), ERR_TIMEOUT);
	db_close(db);
	assert_int_equal(get_number(f->db, "SELECT 1"), 1);
}

/* -- many at once ------------------------------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 100 };

static enum err_code read_and_increment(struct db_tx *tx, void *arg, struct err *err)
{
	struct db_value params[] = { db_int(1) };
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	enum err_code code = db_query(tx, &get, params, &rows, err);
	(void)arg;
	return code == ERR_OK ? db_query(tx, &increment, params, NULL, err) : code;
}

static void *increment_often(void *arg)
{
	struct err err;
	for (int i = 0; i < ROUNDS; i++) {
		if (run_unit(arg, read_and_increment, NULL, &err) != ERR_OK)
			return strdup(err.message);
	}
	return NULL;
}

static void threads_do_not_lose_each_others_writes(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[THREADS];
	run_sql(f->db, "INSERT INTO item (id) VALUES (1)");
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, increment_often, f->db), 0);
	for (int i = 0; i < THREADS; i++) {
		void *message;
		assert_int_equal(pthread_join(threads[i], &message), 0);
		assert_null(message);
	}
	assert_int_equal(get_number(f->db, "SELECT n FROM item WHERE id = 1"), THREADS * ROUNDS);
}

/* Two units that lock two rows in opposite order. */
static enum err_code cross(struct db_tx *tx, void *arg, struct err *err)
{
	int64_t first = *(const int64_t *)arg;
	struct db_value a[] = { db_int(first) };
	struct db_value b[] = { db_int(3 - first) };
	enum err_code code = db_query(tx, &increment, a, NULL, err);
	if (code != ERR_OK)
		return code;
	clock_sleep_us(2 * US_PER_MS);
	return db_query(tx, &increment, b, NULL, err);
}

struct crossing {
	struct db *db;
	int64_t first;
};

static void *cross_often(void *arg)
{
	struct crossing *c = arg;
	struct err err;
	for (int i = 0; i < 5; i++) {
		if (run_unit(c->db, cross, &c->first, &err) != ERR_OK)
			return strdup(err.message);
	}
	return NULL;
}

static void a_deadlock_is_tried_again(void **state)
{
	struct fixture *f = *state;
	run_sql(f->db, "INSERT INTO item (id) VALUES (1), (2)");
	struct crossing crossings[] = { { f->db, 1 }, { f->db, 2 } };
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, cross_often, &crossings[i]), 0);
	for (int i = 0; i < 2; i++) {
		void *message;
		assert_int_equal(pthread_join(threads[i], &message), 0);
		assert_null(message);
	}
	assert_int_equal(get_number(f->db, "SELECT sum(n) = 20 FROM item"), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_DB(values_of_every_type_come_back),
		WITH_DB(a_parameter_of_the_wrong_type_is_a_defect),
		WITH_DB(a_taken_key_is_a_conflict_and_the_unit_leaves_nothing),
		WITH_DB(a_row_that_is_not_there_or_still_needed_is_a_reference_error),
		WITH_DB(a_value_that_the_schema_forbids_is_invalid_and_bad_sql_a_defect),
		WITH_DB(an_error_that_is_overlooked_is_not_committed),
		WITH_DB(posted_statements_are_all_done_or_none),
		WITH_DB(the_units_own_error_undoes_it_and_is_returned),
		WITH_DB(a_unit_that_reads_cannot_write),
		WITH_DB(a_unit_that_takes_too_long_is_cut_off),
		WITH_DB(threads_do_not_lose_each_others_writes),
		WITH_DB(a_deadlock_is_tried_again),
	};
	return RUN_OVER_BACKEND(tests);
}
