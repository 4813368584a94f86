/* What only SQLite has: the lock of the one server, commands beside it, files, a full disk. */
#include <signal.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "contract/store/cases.h"
#include "support/scratch.h"

static const char *const path = "tiro.db";

static enum err_code open_as(enum db_role role, uv_loop_t *loop, struct db **ret, struct err *err)
{
	struct db_config config = { .kind = DB_SQLITE, .path = path, .role = role };
	return db_open(&config, loop, ret, err);
}

static void a_second_server_is_refused_and_told_who_holds_the_database(void **state)
{
	(void)state;
	struct db *db;
	struct db *second;
	struct err err;
	char pid[32];
	(void)snprintf(pid, sizeof pid, "process %d", (int)getpid());
	assert_ok(open_as(DB_SERVER, NULL, &db, &why));
	assert_int_equal(open_as(DB_SERVER, NULL, &second, &err), ERR_BUSY);
	assert_non_null(strstr(err.message, pid));
	assert_non_null(strstr(err.message, path));
	assert_true(db_is_alone(db));
	db_close(db);
	assert_ok(open_as(DB_SERVER, NULL, &second, &why));
	db_close(second);
}

static void the_lock_of_a_server_that_was_killed_is_gone(void **state)
{
	(void)state;
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct db *db;
		struct err err;
		char ok = open_as(DB_SERVER, NULL, &db, &err) == ERR_OK;
		(void)!write(ready[1], &ok, 1);
		for (;;)
			(void)pause();
	}
	char ok = 0;
	assert_int_equal(read(ready[0], &ok, 1), 1);
	assert_true(ok);
	struct db *db;
	struct err err;
	assert_int_equal(open_as(DB_SERVER, NULL, &db, &err), ERR_BUSY);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	assert_ok(open_as(DB_SERVER, NULL, &db, &why));
	db_close(db);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void a_command_needs_a_database_that_is_there(void **state)
{
	(void)state;
	struct db *db;
	struct err err;
	assert_int_equal(open_as(DB_ADMIN, NULL, &db, &err), ERR_NOT_FOUND);
	assert_false(scratch_exists(path));
}

static void on_notice(void *arg, const char *text)
{
	*(int *)arg += text == NULL;
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

static void a_command_works_beside_the_server_which_notices_its_writes(void **state)
{
	(void)state;
	uv_loop_t loop;
	uv_timer_t timer;
	struct db *server;
	struct db *admin;
	struct db_listener *listener;
	int missed = 0;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_ok(open_as(DB_SERVER, &loop, &server, &why));
	assert_ok(db_listen(server, "users", on_notice, &missed, &listener, &why));
	run_sql(server, "CREATE TABLE t (x {int} NOT NULL) {table}");
	assert_ok(open_as(DB_ADMIN, NULL, &admin, &why));
	assert_false(db_is_alone(admin));
	run_sql(admin, "INSERT INTO t VALUES (1)");
	run_sql(server, "INSERT INTO t VALUES (2)");
	assert_int_equal(get_number(server, "SELECT count(*) FROM t"), 2);
	assert_int_equal(uv_timer_init(&loop, &timer), 0);
	assert_int_equal(uv_timer_start(&timer, on_tick, 1, 1), 0);
	int64_t end = clock_monotonic_us() + 10 * US_PER_S;
	while (missed == 0 && clock_monotonic_us() < end)
		(void)uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(missed, 1);
	db_unlisten(listener);
	db_close(admin);
	db_close(server);
	uv_close((uv_handle_t *)&timer, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void nobody_else_may_read_the_files(void **state)
{
	(void)state;
	static const char *const files[] = { "tiro.db", "tiro.db-wal", "tiro.db-shm", "tiro.db.lock" };
	struct db *db;
	assert_ok(open_as(DB_SERVER, NULL, &db, &why));
	run_sql(db, "CREATE TABLE t (x {int}) {table}");
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct stat st;
		assert_int_equal(stat(files[i], &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	db_close(db);
}

static void a_file_that_is_no_database_is_corrupt_and_left_alone(void **state)
{
	(void)state;
	struct db *db;
	struct err err;
	char text[4096];
	memset(text, 'x', sizeof text);
	scratch_write(path, text, sizeof text);
	assert_int_equal(open_as(DB_SERVER, NULL, &db, &err), ERR_CORRUPT);
	cleanup_strbuf struct strbuf content = STRBUF_INIT(8192);
	scratch_read(path, &content);
	assert_memory_equal(content.data, text, sizeof text);
}

static const struct db_stmt fill = { .sql = "INSERT INTO t (x) VALUES ($1)", .params = "b" };

static enum err_code small_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct db_value params[] = { db_bytes("x", 1) };
	(void)arg;
	return db_query(tx, &fill, params, NULL, err);
}

static void on_small_done(void *arg, enum err_code code, const struct err *err)
{
	(void)err;
	*(int *)arg += code == ERR_OK;
}

static enum err_code big_unit(struct db_tx *tx, void *arg, struct err *err)
{
	static char block[1024 * 1024];
	struct db_value params[] = { db_bytes(block, sizeof block) };
	(void)arg;
	return db_query(tx, &fill, params, NULL, err);
}

static void on_big_done(void *arg, enum err_code code, const struct err *err)
{
	(void)err;
	*(int *)arg = code;
}

/* SQLite undoes the whole transaction when the disk is full: the others of the group must not suffer. */
static void a_full_disk_is_said_and_recovered_from_and_harms_no_neighbour(void **state)
{
	(void)state;
	uv_loop_t loop;
	struct db *db;
	int small = 0;
	int big = -1;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_ok(open_as(DB_SERVER, &loop, &db, &why));
	run_sql(db, "CREATE TABLE t (x {bytes}) {table}");
	run_sql(db, "PRAGMA max_page_count = 20");
	for (int i = 0; i < 5; i++) {
		struct db_work work = { .mode = DB_WRITE, .run = small_unit, .done = on_small_done, .arg = &small };
		assert_ok(db_submit(db, &work, &why));
		struct db_work big_work = { .mode = DB_WRITE, .run = big_unit, .done = on_big_done, .arg = &big };
		if (i == 2)
			assert_ok(db_submit(db, &big_work, &why));
	}
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(big, ERR_NO_SPACE);
	assert_int_equal(small, 5);
	run_sql(db, "PRAGMA max_page_count = 100000");
	assert_ok(run_unit(db, big_unit, NULL, &why));
	assert_int_equal(get_number(db, "SELECT count(*) FROM t"), 6);
	db_close(db);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void what_was_committed_survives_a_kill(void **state)
{
	(void)state;
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct db *db;
		struct err err;
		if (open_as(DB_SERVER, NULL, &db, &err) != ERR_OK)
			_exit(1);
		run_sql(db, "CREATE TABLE t (x {bytes}) {table}");
		for (;;) {
			char ok = run_unit(db, small_unit, NULL, &err) == ERR_OK;
			(void)!write(ready[1], &ok, 1);
		}
	}
	char answers[200];
	size_t got = 0;
	while (got < sizeof answers) {
		ssize_t n = read(ready[0], answers + got, sizeof answers - got);
		assert_true(n > 0);
		got += (size_t)n;
	}
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	struct db *db;
	assert_ok(open_as(DB_SERVER, NULL, &db, &why));
	assert_true(get_number(db, "SELECT count(*) FROM t") >= (int64_t)got);
	db_close(db);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(a_second_server_is_refused_and_told_who_holds_the_database),
		IN_SCRATCH(the_lock_of_a_server_that_was_killed_is_gone),
		IN_SCRATCH(a_command_needs_a_database_that_is_there),
		IN_SCRATCH(a_command_works_beside_the_server_which_notices_its_writes),
		IN_SCRATCH(nobody_else_may_read_the_files),
		IN_SCRATCH(a_file_that_is_no_database_is_corrupt_and_left_alone),
		IN_SCRATCH(a_full_disk_is_said_and_recovered_from_and_harms_no_neighbour),
		IN_SCRATCH(what_was_committed_survives_a_kill),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
