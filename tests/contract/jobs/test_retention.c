/* What a plan's history does to jobs that have ended and to their files, over the back end that the first argument
 * names. */
#include "jobs/job_work.h"
#include "jobs/retention.h"
#include "pipeline.h"

#define DAY_US ((int64_t)24 * 3600 * US_PER_S)
#define NOW_US (1000 * DAY_US)

static void keep_days(int64_t days)
{
	static const struct db_stmt limit = { .sql = "UPDATE plans SET history_days = $1", .params = "i" };
	struct db_value params[] = { db_int(days) };
	assert_ok(db_run_stmt(db, DB_WRITE, &limit, params, NULL, &why));
}

/* A file whose job failed so many days ago. */
static void send_old(struct sending *sent, const struct uuid *owner, int64_t days)
{
	static const struct db_stmt age = { .sql = "UPDATE jobs SET ended_at = $2 WHERE id = $1", .params = "bi" };
	struct err reason;
	(void)err_set(&reason, ERR_BAD_MEDIA, "broken");
	strbuf_clear(&speech);
	strbuf_add_str(&speech, "not looked at");
	send_speech(sent, owner);
	assert_ok(job_fail_row(&files, get_number(db, "SELECT max(id) FROM queue_jobs"), &reason, &why));
	struct db_value params[] = { db_bytes(sent->job.id.bytes, sizeof sent->job.id.bytes),
				     db_int(NOW_US - days * DAY_US) };
	assert_ok(db_run_stmt(db, DB_WRITE, &age, params, NULL, &why));
}

static uint64_t sweep(void)
{
	uint64_t count;
	assert_ok(jobs_sweep_history(&files, NOW_US, &count, &why));
	return count;
}

static bool is_there(const struct sending *sent)
{
	struct job_row job;
	struct err err;
	return job_find(db, &sent->job.owner, &sent->job.id, &job, &err) == ERR_OK;
}

static void what_ended_before_the_plans_history_goes_with_its_file(void **state)
{
	(void)state;
	struct sending old, young, bobs;
	send_old(&old, &alice, 31);
	send_old(&young, &alice, 29);
	send_old(&bobs, &bob, 40);
	keep_days(30);
	assert_int_equal(sweep(), 2);
	assert_false(is_there(&old) || is_there(&bobs));
	assert_true(is_there(&young));
	assert_int_equal(get_number(db, "SELECT count(*) FROM files"), 1);
	assert_int_equal(count_objects(), 1);
	assert_int_equal(sweep(), 0);
}

static void a_plan_without_a_limit_keeps_all_and_the_longest_limit_nearly_so(void **state)
{
	(void)state;
	struct sending old;
	send_old(&old, &alice, 900);
	run_sql(db, "UPDATE plans SET history_days = NULL");
	assert_int_equal(sweep(), 0);
	keep_days(INT64_MAX);
	assert_int_equal(sweep(), 0);
	assert_true(is_there(&old));
}

static void a_share_does_not_keep_a_file(void **state)
{
	(void)state;
	static const struct db_stmt share = {
		.sql = "INSERT INTO file_keys (file_id, user_id, sealed_key, is_owner, created_at) "
		       "SELECT file_id, $1, sealed_key, 0, 0 FROM file_keys",
		.params = "b"
	};
	struct sending old;
	struct db_value params[] = { db_bytes(bob.bytes, sizeof bob.bytes) };
	send_old(&old, &alice, 31);
	assert_ok(db_run_stmt(db, DB_WRITE, &share, params, NULL, &why));
	keep_days(30);
	assert_int_equal(sweep(), 1);
	assert_int_equal(get_number(db, "SELECT count(*) FROM file_keys"), 0);
}

static void a_file_is_kept_by_a_job_that_runs_or_has_just_ended(void **state)
{
	(void)state;
	struct sending again, old;
	struct job_row job;
	send_old(&again, &alice, 40);
	send_old(&old, &alice, 31);
	keep_days(30);
	assert_ok(job_retry(queue, db, &alice, &again.job.id, &job, &why));
	/* As one that saw the file before the job was tried again. */
	struct err err;
	assert_int_equal(job_expire_file(&files, &alice, &again.job.file, NOW_US - 30 * DAY_US, &err), ERR_CONFLICT);
	assert_true(is_there(&again));
	/* The old job is of the same file now. */
	run_sql(db, "UPDATE jobs SET file_id = (SELECT file_id FROM jobs WHERE state = 0)");
	assert_int_equal(sweep(), 0);
	assert_true(is_there(&again));
	assert_int_equal(get_number(db, "SELECT count(*) FROM jobs"), 2);
}

static void users_and_files_beyond_one_batch_are_found_too(void **state)
{
	(void)state;
	enum { FILES = 450 };
	struct sending old;
	send_old(&old, &alice, 31);
	static const struct db_stmt more_files = {
		.sql = "INSERT INTO files (id, owner_id, name, content_type, state, created_at) "
		       "VALUES ($1, $2, '', '', 1, 0)",
		.params = "bb"
	};
	static const struct db_stmt more_jobs = {
		.sql = "INSERT INTO jobs (id, owner_id, file_id, kind, state, created_at, ended_at) "
		       "VALUES ($1, $2, $1, 0, 3, 0, 1)",
		.params = "bb"
	};
	for (int i = 1; i < FILES; i++) {
		struct uuid id;
		assert_ok(uuid_new(clock_wall_us(), &id, &why));
		struct db_value params[] = { db_bytes(id.bytes, sizeof id.bytes),
					     db_bytes(alice.bytes, sizeof alice.bytes) };
		assert_ok(db_run_stmt(db, DB_WRITE, &more_files, params, NULL, &why));
		assert_ok(db_run_stmt(db, DB_WRITE, &more_jobs, params, NULL, &why));
	}
	keep_days(30);
	assert_int_equal(sweep(), FILES);
	assert_int_equal(get_number(db, "SELECT count(*) FROM files"), 0);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_ended_before_the_plans_history_goes_with_its_file),
		TEST(a_plan_without_a_limit_keeps_all_and_the_longest_limit_nearly_so),
		TEST(a_share_does_not_keep_a_file),
		TEST(a_file_is_kept_by_a_job_that_runs_or_has_just_ended),
		TEST(users_and_files_beyond_one_batch_are_found_too),
	};
#undef TEST
	return RUN_PIPELINE(tests);
}
