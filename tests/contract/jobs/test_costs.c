/* What jobs cost their users, over the back end that the first argument names: from the upload to the settlement. */
#include "speaking.h"

static int64_t number_of(const char *sql)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_stmt stmt = { .sql = sql, .params = "", .is_once = true };
	assert_ok(db_run_stmt(db, DB_READ, &stmt, NULL, &rows, &why));
	assert_int_equal(rows.count, 1);
	return db_get_int(&rows, 0, 0);
}

static void check_totals(int64_t used_us, int64_t reserved_us)
{
	assert_int_equal(number_of("SELECT CAST(coalesce(sum(used_us), 0) AS bigint) FROM usage_days"), used_us);
	assert_int_equal(number_of("SELECT CAST(coalesce(sum(month_us), 0) AS bigint) FROM user_totals"), used_us);
	assert_int_equal(number_of("SELECT CAST(coalesce(sum(reserved_us), 0) AS bigint) FROM user_totals"),
			 reserved_us);
	assert_int_equal(number_of("SELECT CAST(coalesce(sum(reserved_us), 0) AS bigint) FROM jobs"), reserved_us);
}

static void allow_seconds(int64_t seconds)
{
	static const struct db_stmt limit = { .sql = "UPDATE plans SET monthly_us = $1", .params = "i" };
	struct db_value params[] = { db_int(seconds * US_PER_S) };
	assert_ok(db_run_stmt(db, DB_WRITE, &limit, params, NULL, &why));
}

/* 24 s of speech, whose length is known before they are stored. */
static void send_measured(struct sending *sent)
{
	make_speech(2);
	struct intake *intake = begin(sent, &alice, speech.len);
	sent->job.length_us = 24 * US_PER_S;
	feed(intake, sent, speech.data, speech.len);
	intake_finish(intake);
	wait_for(&sent->ended, "the end of an upload");
}

/* From the events that `watch` has seen on. */
static void run_to_the_end(const struct sending *sent, struct watch *watch)
{
	watch->ended = false;
	assert_ok(event_follow(hub, &sent->job.file, watch->last_id, on_event, watch, &watch->follower, &why));
	wait_for(&watch->ended, "the end of a job");
	event_unfollow(watch->follower);
}

static void a_job_that_succeeds_costs_its_length(void **state)
{
	(void)state;
	struct sending sent;
	struct watch watch = { .last_id = 0 };
	make_speech(2);
	send_speech(&sent, &alice);
	check_totals(0, 0); /* its length was not known */
	start_worker();
	run_to_the_end(&sent, &watch);
	assert_string_equal(watch.end, "completed");
	check_totals(24 * US_PER_S, 0);
	assert_int_equal(number_of("SELECT jobs_succeeded FROM usage_days"), 1);
	/* A later deletion takes nothing back. */
	assert_ok(job_delete_file(&files, &alice, &sent.job.file, &why));
	check_totals(24 * US_PER_S, 0);
}

static void a_known_length_is_reserved_and_a_cancelled_job_costs_nothing(void **state)
{
	(void)state;
	struct sending sent;
	struct job_row job;
	send_measured(&sent);
	assert_int_equal(sent.why.code, ERR_OK);
	check_totals(0, 24 * US_PER_S);
	assert_ok(job_cancel_row(&files, &alice, &sent.job.id, &job, &why));
	check_totals(0, 0);
	assert_int_equal(number_of("SELECT jobs_cancelled FROM usage_days"), 1);
}

static void a_job_beyond_the_plan_is_refused_and_leaves_nothing(void **state)
{
	(void)state;
	struct sending sent;
	allow_seconds(23);
	send_measured(&sent);
	assert_int_equal(sent.why.code, ERR_QUOTA);
	assert_int_equal(sent.shortage.requested, 24 * US_PER_S);
	assert_int_equal(sent.shortage.remaining, 23 * US_PER_S);
	assert_int_equal(number_of("SELECT count(*) FROM jobs"), 0);
	check_totals(0, 0);
	assert_int_equal(count_objects(), 0);
}

static void a_job_that_outgrows_the_plan_fails_and_costs_nothing(void **state)
{
	(void)state;
	struct sending sent;
	struct watch watch = { .last_id = 0 };
	struct job_row job;
	make_speech(COPIES);
	allow_seconds(60);
	send_speech(&sent, &alice);
	start_worker();
	run_to_the_end(&sent, &watch);
	assert_string_equal(watch.end, "failed");
	assert_ok(job_find(db, &alice, &sent.job.id, &job, &why));
	assert_string_equal(job.error_code, "quota_exceeded");
	check_totals(0, 0);
	assert_int_equal(number_of("SELECT jobs_failed FROM usage_days"), 1);
	/* With room in the plan another try succeeds. */
	allow_seconds(1000);
	assert_ok(job_retry(queue, db, &alice, &sent.job.id, &job, &why));
	run_to_the_end(&sent, &watch);
	assert_string_equal(watch.end, "completed");
	check_totals(132 * US_PER_S, 0);
}

static void a_file_that_is_deleted_under_its_job_costs_nothing(void **state)
{
	(void)state;
	struct sending sent;
	send_measured(&sent);
	check_totals(0, 24 * US_PER_S);
	assert_ok(job_delete_file(&files, &alice, &sent.job.file, &why));
	check_totals(0, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_job_that_succeeds_costs_its_length, setup, teardown),
		cmocka_unit_test_setup_teardown(a_known_length_is_reserved_and_a_cancelled_job_costs_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_job_beyond_the_plan_is_refused_and_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_job_that_outgrows_the_plan_fails_and_costs_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_is_deleted_under_its_job_costs_nothing, setup, teardown),
	};
	return RUN_SPEAKING(tests);
}
