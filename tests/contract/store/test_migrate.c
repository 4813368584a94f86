/* Migrations, over the back end that the first argument names. */
#include <pthread.h>

#include "cases.h"
#include "store/migrate.h"

static struct store_place place;

static const char *const v1[] = { "CREATE TABLE t (id {int} PRIMARY KEY) {table}", "INSERT INTO t (id) VALUES (1)",
				  NULL };
static const char *const v2[] = { "ALTER TABLE t ADD COLUMN n {int} NOT NULL DEFAULT 5", NULL };
static const char *const v3_broken[] = { "INSERT INTO t (id) VALUES (2)", "CREATE NONSENSE", NULL };
static const struct migration list[] = { { 1, "first", v1 }, { 2, "column", v2 }, { 3, "broken", v3_broken } };

static int open_db(void **state)
{
	struct db_config config = store_config(&place);
	struct db *db;
	assert_ok(store_open(&place, &config, NULL, &db, &why));
	run_sql(db, "DROP TABLE IF EXISTS t");
	run_sql(db, "DROP TABLE IF EXISTS schema_versions");
	*state = db;
	return 0;
}

static int close_db(void **state)
{
	db_close(*state);
	return 0;
}

static enum err_code migrate_to(struct db *db, int version, struct err *err)
{
	struct migrate_plan plan = { .list = list, .count = version };
	return migrate_run(db, &plan, err);
}

static int version_of(struct db *db)
{
	int version;
	assert_ok(migrate_version(db, &version, &why));
	return version;
}

static void an_older_database_goes_forward_and_keeps_its_rows(void **state)
{
	struct db *db = *state;
	assert_int_equal(version_of(db), 0);
	assert_ok(migrate_to(db, 1, &why));
	assert_int_equal(version_of(db), 1);
	run_sql(db, "INSERT INTO t (id) VALUES (7)");
	assert_ok(migrate_to(db, 2, &why));
	assert_int_equal(version_of(db), 2);
	assert_int_equal(get_number(db, "SELECT n FROM t WHERE id = 7"), 5);
	/* Done is done. */
	assert_ok(migrate_to(db, 2, &why));
	assert_int_equal(get_number(db, "SELECT count(*) FROM schema_versions"), 2);
}

static void a_database_newer_than_the_program_is_refused(void **state)
{
	struct err err;
	assert_ok(migrate_to(*state, 2, &why));
	assert_int_equal(migrate_to(*state, 1, &err), ERR_UNAVAILABLE);
	assert_non_null(strstr(err.message, "version 2"));
}

static void a_migration_that_fails_leaves_nothing_and_is_named(void **state)
{
	struct err err;
	assert_int_equal(migrate_to(*state, 3, &err), ERR_INTERNAL);
	assert_non_null(strstr(err.message, "migration 3 (broken)"));
	assert_int_equal(version_of(*state), 2);
	assert_int_equal(get_number(*state, "SELECT count(*) FROM t"), 1);
}

static void note_step(void *arg, const struct migration *migration)
{
	*(int *)arg = *(int *)arg * 10 + migration->version;
}

static void a_dry_run_tells_and_changes_nothing(void **state)
{
	int told = 0;
	struct migrate_plan plan = { .list = list, .count = 2, .is_dry = true, .on_step = note_step, .arg = &told };
	assert_ok(migrate_run(*state, &plan, &why));
	assert_int_equal(told, 12);
	assert_int_equal(version_of(*state), 0);
}

struct racer {
	struct db *db;
	enum err_code code;
	struct err err;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	r->code = migrate_to(r->db, 2, &r->err);
	return NULL;
}

static void nodes_that_start_at_once_migrate_once(void **state)
{
	struct racer racers[4];
	pthread_t threads[4];
	struct db_config config = store_config(&place);
	config.role = DB_ADMIN;
	for (int i = 0; i < 4; i++) {
		/* A memory has one owner: its four threads share it. */
		racers[i].db = *state;
		if (place.kind != DB_SQLITE_MEMORY)
			assert_ok(store_open(&place, &config, NULL, &racers[i].db, &why));
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		if (racers[i].code != ERR_OK)
			fail_msg("%s", racers[i].err.message);
		if (racers[i].db != *state)
			db_close(racers[i].db);
	}
	assert_int_equal(get_number(*state, "SELECT count(*) FROM schema_versions"), 2);
	assert_int_equal(get_number(*state, "SELECT count(*) FROM t"), 1);
}

static void the_programs_own_schema_can_be_made(void **state)
{
	assert_ok(migrate_up(*state, &why));
	assert_int_equal(version_of(*state), migration_count);
	assert_int_equal(get_number(*state, "SELECT count(*) FROM queue_clock"), 1);
	assert_int_equal(get_number(*state, "SELECT count(*) FROM plans WHERE name = 'standard'"), 1);
}

#define WITH_DB(test) cmocka_unit_test_setup_teardown(test, open_db, close_db)

int main(int argc, char **argv)
{
	int status = argc == 2 ? store_place_init(&place, argv[1], "/tmp", "") : 64;
	if (status != 0)
		return status;
	const struct CMUnitTest tests[] = {
		WITH_DB(an_older_database_goes_forward_and_keeps_its_rows),
		WITH_DB(a_database_newer_than_the_program_is_refused),
		WITH_DB(a_migration_that_fails_leaves_nothing_and_is_named),
		WITH_DB(a_dry_run_tells_and_changes_nothing),
		WITH_DB(nodes_that_start_at_once_migrate_once),
		WITH_DB(the_programs_own_schema_can_be_made),
	};
	status = cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
	store_place_done(&place);
	return status;
}
