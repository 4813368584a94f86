/* What only PostgreSQL has: a server that goes away, at the worst moments too. */
#include <pthread.h>

#include "base/clock.h"
#include "contract/store/cases.h"
#include "store/impatient.h"

static struct store_place place;

static struct db *open_with(const struct db_config *config, uv_loop_t *loop)
{
	struct db *db;
	assert_ok(db_open(config, loop, &db, &why));
	return db;
}

static struct db *open_plain(void)
{
	struct db_config config = store_config(&place);
	config.timeout_ms = 20000;
	return open_with(&config, NULL);
}

static int make_table(void **state)
{
	struct db *db = open_plain();
	run_sql(db, "DROP TABLE IF EXISTS t");
	run_sql(db, "CREATE TABLE t (id bigint PRIMARY KEY, n bigint NOT NULL DEFAULT 0)");
	db_close(db);
	*state = NULL;
	return 0;
}

/* -- log-in -------------------------------------------------------------------------------------------- */

static void a_wrong_password_is_denied_and_never_shown(void **state)
{
	(void)state;
	struct db *db = open_plain();
	struct db *other = NULL;
	struct err err;
	run_sql(db, "DROP ROLE IF EXISTS keyholder");
	run_sql(db, "CREATE ROLE keyholder LOGIN PASSWORD 'open sesame'");
	struct db_config config = store_config(&place);
	config.user = "keyholder";
	config.password = "swordfish";
	assert_int_equal(db_open(&config, NULL, &other, &err), ERR_DENIED);
	assert_null(strstr(err.message, "swordfish"));
	config.password = "open sesame";
	other = open_with(&config, NULL);
	assert_int_equal(get_number(other, "SELECT 1"), 1);
	db_close(other);
	db_close(db);
}

static void a_database_that_is_not_there_is_named_with_how_to_make_it(void **state)
{
	(void)state;
	struct db *db = NULL;
	struct err err;
	struct db_config config = store_config(&place);
	config.dbname = "nowhere";
	assert_int_equal(db_open(&config, NULL, &db, &err), ERR_DENIED);
	assert_non_null(strstr(err.message, "there is no database \"nowhere\" on"));
	assert_non_null(strstr(err.message, "createdb nowhere"));
}

static void a_server_that_is_not_there_is_a_network_error(void **state)
{
	(void)state;
	struct db *db;
	struct err err;
	struct db_config config = store_config(&place);
	config.host = "/nowhere";
	assert_int_equal(db_open(&config, NULL, &db, &err), ERR_NETWORK);
	config = store_config(&place);
	config.dbname = "nowhere";
	assert_int_equal(db_open(&config, NULL, &db, &err), ERR_DENIED);
}

/* -- lost connections ---------------------------------------------------------------------------------- */

static const struct db_stmt add_row = { .sql = "INSERT INTO t (id) VALUES ($1)", .params = "i" };
static const struct db_stmt end_session = { .sql = "SELECT pg_terminate_backend($1::bigint::int)", .params = "i" };
static const struct db_stmt own_session = { .sql = "SELECT pg_backend_pid()", .params = "" };

struct interrupted {
	struct db *other;
	int tries;
};

/* Its first try loses its connection after the first statement. */
static enum err_code interrupted_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct interrupted *i = arg;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value first[] = { db_int(1) };
	struct db_value second[] = { db_int(2) };
	enum err_code code = db_query(tx, &add_row, first, NULL, err);
	if (code == ERR_OK)
		code = db_query(tx, &own_session, NULL, &rows, err);
	if (code != ERR_OK)
		return code;
	if (i->tries++ == 0) {
		struct db_value pid[] = { db_int(db_get_int(&rows, 0, 0)) };
		assert_ok(db_run_stmt(i->other, DB_WRITE, &end_session, pid, NULL, &why));
	}
	return db_query(tx, &add_row, second, NULL, err);
}

static void a_unit_that_loses_its_connection_before_the_commit_is_run_again(void **state)
{
	(void)state;
	struct db *db = open_plain();
	struct interrupted i = { .other = open_plain() };
	assert_ok(run_unit(db, interrupted_unit, &i, &why));
	assert_int_equal(i.tries, 2);
	assert_int_equal(get_number(db, "SELECT count(*) FROM t"), 2);
	db_close(i.other);
	db_close(db);
}

static void an_idle_connection_that_was_cut_is_replaced_before_it_is_used(void **state)
{
	(void)state;
	struct db_config config = store_config(&place);
	config.pool_min = config.pool_max = 2;
	struct db *db = open_with(&config, NULL);
	config.pool_min = config.pool_max = 1;
	struct db *other = open_with(&config, NULL);
	/* A write of one statement would not be tried again: its outcome would be unknown. */
	for (int i = 0; i < 10; i++) {
		struct db_value params[] = { db_int(i) };
		assert_ok(db_run_stmt(db, DB_WRITE, &add_row, params, NULL, &why));
		run_sql(other,
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
			"application_name = 'tiro'");
		while (get_number(other, "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
					 "application_name = 'tiro'") > 0)
			clock_sleep_us(US_PER_MS);
	}
	db_close(other);
	db_close(db);
}

static void a_server_that_died_without_a_word_is_noticed_before_it_is_written_to(void **state)
{
	(void)state;
	struct db_config config = store_config(&place);
	config.pool_min = config.pool_max = 1;
	struct db *db = open_with(&config, NULL);
	struct db_value one[] = { db_int(1) };
	struct db_value two[] = { db_int(2) };
	assert_ok(db_run_stmt(db, DB_WRITE, &add_row, one, NULL, &why));
	assert_int_equal(store_server(&place, "kill", ""), 0);
	assert_int_equal(store_server(&place, "start", ""), 0);
	assert_ok(db_run_stmt(db, DB_WRITE, &add_row, two, NULL, &why));
	db_close(db);
}

static void *kill_soon(void *arg)
{
	(void)arg;
	clock_sleep_us(300 * US_PER_MS);
	(void)store_server(&place, "kill", "");
	return NULL;
}

static void a_commit_that_was_cut_off_is_of_unknown_outcome(void **state)
{
	(void)state;
	struct db *db = open_plain();
	struct err err;
	pthread_t killer;
	/* The commit runs the deferred trigger, which takes its time: that is when the server dies. */
	run_sql(db,
		"CREATE OR REPLACE FUNCTION dawdle() RETURNS trigger AS 'BEGIN PERFORM pg_sleep(5); RETURN NULL; END' "
		"LANGUAGE plpgsql");
	run_sql(db, "CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
		    "EXECUTE FUNCTION dawdle()");
	assert_int_equal(pthread_create(&killer, NULL, kill_soon, NULL), 0);
	struct db_value params[] = { db_int(1) };
	assert_int_equal(db_run_stmt(db, DB_WRITE, &add_row, params, NULL, &err), ERR_OUTCOME_UNKNOWN);
	assert_int_equal(pthread_join(killer, NULL), 0);
	assert_int_equal(store_server(&place, "start", ""), 0);
	assert_int_equal(get_number(db, "SELECT count(*) FROM t"), 0);
	db_close(db);
}

enum { WRITERS = 4 };

struct writer {
	struct db *db;
	int number;
	_Atomic int acknowledged;
	_Atomic int unknown;
	_Atomic bool stop;
	char *failure;
};

static enum err_code two_rows(struct db_tx *tx, void *arg, struct err *err)
{
	const int64_t *id = arg;
	struct db_value first[] = { db_int(*id) };
	struct db_value second[] = { db_int(-*id) };
	enum err_code code = db_post(tx, &add_row, first, err);
	return code == ERR_OK ? db_query(tx, &add_row, second, NULL, err) : code;
}

/* Writes until it is stopped; an unknown outcome is written under the same key again, as an application would do. */
static void *write_on(void *arg)
{
	struct writer *w = arg;
	struct err err;
	bool was_unknown = false;
	for (int64_t i = 1; !w->stop;) {
		int64_t id = w->number * 1000000LL + i;
		enum err_code code = run_unit(w->db, two_rows, &id, &err);
		bool is_known = code == ERR_OK || (code == ERR_CONFLICT && was_unknown);
		was_unknown = code == ERR_OUTCOME_UNKNOWN;
		if (is_known) {
			w->acknowledged++;
			i++;
		} else if (was_unknown) {
			w->unknown++;
		} else {
			w->failure = strdup(err.message);
			return NULL;
		}
	}
	return NULL;
}

static void a_server_killed_in_the_middle_loses_nothing_that_was_acknowledged(void **state)
{
	(void)state;
	struct db *db = open_plain();
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS];
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .db = db, .number = i + 1 };
		assert_int_equal(pthread_create(&threads[i], NULL, write_on, &writers[i]), 0);
	}
	for (int round = 0; round < 3; round++) {
		clock_sleep_us(200 * US_PER_MS);
		assert_int_equal(store_server(&place, "kill", ""), 0);
		assert_int_equal(store_server(&place, "start", ""), 0);
	}
	clock_sleep_us(200 * US_PER_MS);
	int64_t acknowledged = 0;
	for (int i = 0; i < WRITERS; i++)
		writers[i].stop = true;
	for (int i = 0; i < WRITERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		if (writers[i].failure)
			fail_msg("%s", writers[i].failure);
		acknowledged += writers[i].acknowledged;
	}
	assert_true(acknowledged > 0);
	int64_t rows = get_number(db, "SELECT count(*) FROM t");
	/* Both rows or none; and at most one more unit a writer, which was under way at the end. */
	assert_int_equal(rows % 2, 0);
	assert_true(rows / 2 >= acknowledged && rows / 2 <= acknowledged + WRITERS);
	assert_int_equal(
		get_number(db, "SELECT count(*) FROM t a WHERE NOT EXISTS (SELECT 1 FROM t b WHERE b.id = -a.id)"), 0);
	db_close(db);
}

/* -- notices ------------------------------------------------------------------------------------------- */

struct hearing {
	int missed, count;
};

static void on_notice(void *arg, const char *text)
{
	struct hearing *h = arg;
	h->missed += text == NULL;
	h->count += text != NULL;
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

static void run_until(uv_loop_t *loop, const int *count, int wanted)
{
	int64_t end = clock_monotonic_us() + 20 * US_PER_S;
	while (*count < wanted && clock_monotonic_us() < end)
		(void)uv_run(loop, UV_RUN_ONCE);
	assert_true(*count >= wanted);
}

static enum err_code send_notice(struct db_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	return db_notify(tx, "news", "something", err);
}

static void a_listener_hears_other_nodes_and_says_so_when_it_was_away(void **state)
{
	(void)state;
	uv_loop_t loop;
	uv_timer_t timer;
	struct hearing heard = { 0 };
	struct db_listener *listener;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(uv_timer_init(&loop, &timer), 0);
	assert_int_equal(uv_timer_start(&timer, on_tick, 1, 1), 0);
	struct db_config config = store_config(&place);
	struct db *db = open_with(&config, &loop);
	struct db *other = open_plain();
	assert_ok(db_listen(db, "news", on_notice, &heard, &listener, &why));
	run_until(&loop, &heard.missed, 1);
	assert_ok(run_unit(other, send_notice, NULL, &why));
	run_until(&loop, &heard.count, 1);
	assert_int_equal(store_server(&place, "kill", ""), 0);
	assert_int_equal(store_server(&place, "start", ""), 0);
	run_until(&loop, &heard.missed, 2);
	assert_ok(run_unit(other, send_notice, NULL, &why));
	run_until(&loop, &heard.count, 2);
	db_unlisten(listener);
	db_close(other);
	db_close(db);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void closing_does_not_wait_for_a_server_that_is_gone(void **state)
{
	(void)state;
	struct db *db = open_plain();
	assert_int_equal(store_server(&place, "kill", ""), 0);
	struct db_config config = store_config(&place);
	struct db *refused;
	struct err err;
	assert_int_equal(db_open(&config, NULL, &refused, &err), ERR_NETWORK);
	int64_t start = clock_monotonic_us();
	db_close(db);
	assert_true(clock_monotonic_us() - start < 5 * US_PER_S);
	assert_int_equal(store_server(&place, "start", ""), 0);
}

static void *add_one(void *arg)
{
	struct db *db = arg;
	static const struct db_stmt next = { .sql = "INSERT INTO t (id) SELECT txid_current()", .params = "" };
	assert_ok(db_run_stmt(db, DB_WRITE, &next, NULL, NULL, &why));
	return NULL;
}

/* Whether the impatient view says that the database is away, long before a patient unit's time-out of 30 s. */
static void expect_refusal(struct db *impatient)
{
	struct err err;
	int64_t start = clock_monotonic_us();
	assert_int_equal(try_sql(impatient, DB_READ, "SELECT 1", NULL, &err), ERR_NETWORK);
	assert_true(clock_monotonic_us() - start < 10 * US_PER_S);
}

static void who_is_impatient_is_refused_at_once_while_others_wait(void **state)
{
	(void)state;
	enum { PATIENT = 3 };
	pthread_t patient[PATIENT];
	struct db *impatient;
	struct db_config config = store_config(&place);
	config.pool_min = config.pool_max = 2;
	struct db *db = open_with(&config, NULL);
	assert_ok(impatient_open(db, &impatient, &why));
	assert_int_equal(get_number(impatient, "SELECT 1"), 1);
	assert_int_equal(store_server(&place, "kill", ""), 0);
	expect_refusal(impatient);
	/* More of them than threads: one that does not wait must not stand behind them. */
	for (int i = 0; i < PATIENT; i++)
		assert_int_equal(pthread_create(&patient[i], NULL, add_one, db), 0);
	for (int i = 0; i < 10; i++)
		expect_refusal(impatient);
	assert_int_equal(store_server(&place, "start", ""), 0);
	for (int i = 0; i < PATIENT; i++)
		assert_int_equal(pthread_join(patient[i], NULL), 0);
	assert_int_equal(get_number(impatient, "SELECT count(*) FROM t"), PATIENT);
	db_close(db);
	db_close(impatient);
}

#define WITH_TABLE(test) cmocka_unit_test_setup(test, make_table)

int main(void)
{
	int status = store_place_init(&place, "postgres", "/tmp", "");
	if (status != 0)
		return status;
	const struct CMUnitTest tests[] = {
		WITH_TABLE(a_wrong_password_is_denied_and_never_shown),
		WITH_TABLE(a_database_that_is_not_there_is_named_with_how_to_make_it),
		WITH_TABLE(a_server_that_is_not_there_is_a_network_error),
		WITH_TABLE(a_unit_that_loses_its_connection_before_the_commit_is_run_again),
		WITH_TABLE(an_idle_connection_that_was_cut_is_replaced_before_it_is_used),
		WITH_TABLE(a_server_that_died_without_a_word_is_noticed_before_it_is_written_to),
		WITH_TABLE(a_commit_that_was_cut_off_is_of_unknown_outcome),
		WITH_TABLE(a_server_killed_in_the_middle_loses_nothing_that_was_acknowledged),
		WITH_TABLE(a_listener_hears_other_nodes_and_says_so_when_it_was_away),
		WITH_TABLE(who_is_impatient_is_refused_at_once_while_others_wait),
		WITH_TABLE(closing_does_not_wait_for_a_server_that_is_gone),
	};
	status = cmocka_run_group_tests(tests, NULL, NULL);
	store_place_done(&place);
	return status;
}
