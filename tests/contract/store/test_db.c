/* The contract of store/db.h, over the back end that the first argument names. */
#include <pthread.h>

#include "base/clock.h"
#include "cases.h"
#include "store/fault.h"

static struct store_place place;

static int open_db(void **state)
{
	struct fixture *f = test_calloc(1, sizeof *f);
	f->place = &place;
	struct db_config config = store_config(&place);
	config.timeout_ms = 20000;
	assert_int_equal(uv_loop_init(&f->loop), 0);
	assert_ok(db_open(&config, &f->loop, &f->db, &why));
	run_sql(f->db, "DROP TABLE IF EXISTS child");
	run_sql(f->db, "DROP TABLE IF EXISTS item");
	run_sql(f->db,
		"CREATE TABLE item (id {int} PRIMARY KEY, name text UNIQUE, data {bytes}, n {int} NOT NULL DEFAULT 0) "
		"{table}");
	run_sql(f->db, "CREATE TABLE child (id {identity}, item {int} NOT NULL REFERENCES item (id)) {table}");
	*state = f;
	return 0;
}

static int close_db(void **state)
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

static enum err_code insert_item(struct db_tx *tx, int64_t id, const char *name, struct err *err)
{
	struct db_value params[] = { db_int(id), db_text(name), db_null() };
	return db_query(tx, &insert, params, NULL, err);
}

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

static enum err_code unit_with_conflict(struct db_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	enum err_code code = insert_item(tx, 1, "one", err);
	return code == ERR_OK ? insert_item(tx, 2, "one", err) : code;
}

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

static enum err_code writing_unit(struct db_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	return insert_item(tx, 1, "one", err);
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

/* -- on the loop -------------------------------------------------------------------------------------- */

enum { SUBMITTED = 500 };

struct submission {
	struct fixture *f;
	pthread_t loop_thread;
	int64_t id;
	int *left;
	int *conflicts;
};

/* Every tenth takes a key that is there already. */
static enum err_code submitted_unit(struct db_tx *tx, void *arg, struct err *err)
{
	const struct submission *s = arg;
	assert_false(pthread_equal(pthread_self(), s->loop_thread));
	return insert_item(tx, s->id % 10 == 9 ? -1 : s->id, NULL, err);
}

static void on_done(void *arg, enum err_code code, const struct err *err)
{
	const struct submission *s = arg;
	assert_true(pthread_equal(pthread_self(), s->loop_thread));
	assert_int_equal(code, s->id % 10 == 9 ? ERR_CONFLICT : ERR_OK);
	assert_int_equal(err->code, code);
	*s->conflicts += code == ERR_CONFLICT;
	(*s->left)--;
}

static void units_run_beside_the_loop_and_one_that_fails_harms_no_neighbour(void **state)
{
	struct fixture *f = *state;
	run_sql(f->db, "INSERT INTO item (id) VALUES (-1)");
	int left = SUBMITTED;
	int conflicts = 0;
	static struct submission submissions[SUBMITTED];
	for (int i = 0; i < SUBMITTED; i++) {
		submissions[i] = (struct submission){ f, pthread_self(), i, &left, &conflicts };
		struct db_work work = { .mode = i % 2 ? DB_WRITE : DB_WRITE_RELAXED,
					.run = submitted_unit,
					.done = on_done,
					.arg = &submissions[i] };
		assert_ok(db_submit(f->db, &work, &why));
	}
	/* The loop ends by itself when nothing is under way. */
	assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(left, 0);
	assert_int_equal(conflicts, SUBMITTED / 10);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM item"), 1 + SUBMITTED - SUBMITTED / 10);
}

struct hearing {
	int missed;
	int count;
	char text[64];
};

static void on_notice(void *arg, const char *text)
{
	struct hearing *h = arg;
	if (!text) {
		h->missed++;
		return;
	}
	h->count++;
	(void)snprintf(h->text, sizeof h->text, "%s", text);
}

static enum err_code notifying_unit(struct db_tx *tx, void *arg, struct err *err)
{
	enum err_code code = db_notify(tx, "news", arg, err);
	if (code == ERR_OK && strcmp(arg, "false news") == 0)
		return err_set(err, ERR_CANCELLED, "not so");
	return code;
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

/* A database that has nothing under way does not keep a loop alive: a timer does. */
static void run_loop_until(struct fixture *f, const int *count, int wanted)
{
	uv_timer_t timer;
	assert_int_equal(uv_timer_init(&f->loop, &timer), 0);
	assert_int_equal(uv_timer_start(&timer, on_tick, 1, 1), 0);
	int64_t end = clock_monotonic_us() + 10 * US_PER_S;
	while (*count < wanted && clock_monotonic_us() < end)
		(void)uv_run(&f->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_true(*count >= wanted);
}

static void a_notice_arrives_after_the_commit_and_only_then(void **state)
{
	struct fixture *f = *state;
	struct hearing heard = { 0 };
	struct hearing other = { 0 };
	struct db_listener *listener;
	struct db_listener *other_listener;
	assert_ok(db_listen(f->db, "news", on_notice, &heard, &listener, &why));
	assert_ok(db_listen(f->db, "other", on_notice, &other, &other_listener, &why));
	/* On PostgreSQL the first word is that listening has begun. */
	if (f->place->kind == DB_POSTGRES)
		run_loop_until(f, &heard.missed, 1);
	struct err err;
	char false_news[] = "false news";
	char news[] = "it's 5 o'clock";
	assert_int_equal(run_unit(f->db, notifying_unit, false_news, &err), ERR_CANCELLED);
	assert_int_equal(run_unit(f->db, notifying_unit, news, &err), ERR_OK);
	run_loop_until(f, &heard.count, 1);
	assert_int_equal(heard.count, 1);
	assert_int_equal(other.count, 0);
	assert_string_equal(heard.text, news);
	db_unlisten(listener);
	db_unlisten(other_listener);
}

/* -- injected faults ---------------------------------------------------------------------------------- */

static void injected_faults_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct err err;
	assert_ok(fault_open(f->db, &f->db, &why));
	fault_arm(f->db, FAULT_STATEMENT, 2, ERR_NO_SPACE);
	assert_int_equal(run_unit(f->db, unit_with_conflict, NULL, &err), ERR_NO_SPACE);
	fault_arm(f->db, FAULT_BEFORE_COMMIT, 1, ERR_OK);
	assert_int_equal(run_unit(f->db, writing_unit, NULL, &err), ERR_NETWORK);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM item"), 0);
	fault_arm(f->db, FAULT_AFTER_COMMIT, 1, ERR_OK);
	assert_int_equal(run_unit(f->db, writing_unit, NULL, &err), ERR_OUTCOME_UNKNOWN);
	assert_int_equal(get_number(f->db, "SELECT count(*) FROM item"), 1);
	assert_int_equal(run_unit(f->db, writing_unit, NULL, &err), ERR_CONFLICT);
}

#define WITH_DB(test) cmocka_unit_test_setup_teardown(test, open_db, close_db)

int main(int argc, char **argv)
{
	int status = argc == 2 ? store_place_init(&place, argv[1], "/tmp", "") : 64;
	if (status != 0)
		return status;
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
		WITH_DB(units_run_beside_the_loop_and_one_that_fails_harms_no_neighbour),
		WITH_DB(a_notice_arrives_after_the_commit_and_only_then),
		WITH_DB(injected_faults_are_told_apart),
	};
	status = cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
	store_place_done(&place);
	return status;
}
