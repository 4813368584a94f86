/* What an engine that dies does to the jobs in its threads, over the back end that the first argument names. */
#include "speaking.h"

/* Sends `copies` of the recording, which the fake recogniser treats as the prompt says. */
static void send_prompted(struct sending *sent, const struct uuid *owner, int copies, const char *prompt)
{
	make_speech(copies);
	struct intake *intake = begin(sent, owner, speech.len);
	(void)snprintf(sent->job.prompt, sizeof sent->job.prompt, "%s", prompt);
	feed(intake, sent, speech.data, speech.len);
	intake_finish(intake);
	wait_for(&sent->ended, "the end of an upload");
	assert_int_equal(sent->why.code, ERR_OK);
}

static void start_worker_with_limit(int64_t part_timeout_us)
{
	struct worker_spec spec = { .files = &files,
				    .queue = queue,
				    .pool = pool,
				    .engine = { .threads = THREADS, .fake = true, .speech_model_fd = vad_fd },
				    .vad_fd = vad_fd,
				    .part_timeout_us = part_timeout_us };
	assert_ok(worker_new(&loop, &spec, &worker, &why));
}

static int64_t number_of(const char *sql)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_stmt stmt = { .sql = sql, .params = "", .is_once = true };
	assert_ok(db_run_stmt(db, DB_READ, &stmt, NULL, &rows, &why));
	assert_int_equal(rows.count, 1);
	return db_get_int(&rows, 0, 0);
}

static void a_job_that_kills_the_engine_twice_fails_and_takes_no_other_along(void **state)
{
	(void)state;
	struct sending deadly, slow;
	struct watch deadly_watch, slow_watch;
	struct job_row job;
	/* One part each: where both are handed out together, both are in hand whenever the engine dies. */
	send_prompted(&slow, &bob, 1, "fake:sleep=3000");
	send_prompted(&deadly, &alice, 1, "fake:crash");
	follow(&deadly_watch, &deadly.job.file);
	follow(&slow_watch, &slow.job.file);
	start_worker();
	wait_for(&deadly_watch.ended, "the end of the job that kills");
	wait_for(&slow_watch.ended, "the end of the job beside it");
	assert_string_equal(deadly_watch.end, "failed");
	assert_string_equal(slow_watch.end, "completed");
	assert_ok(job_find(db, &alice, &deadly.job.id, &job, &why));
	assert_string_equal(job.error_code, "crashed");
	event_unfollow(deadly_watch.follower);
	event_unfollow(slow_watch.follower);
}

static void a_part_that_hangs_counts_against_none_that_is_in_hand_with_it(void **state)
{
	(void)state;
	struct sending hanging, slow;
	struct watch hanging_watch, slow_watch;
	struct job_row job;
	send_prompted(&slow, &bob, COPIES, "fake:sleep=300");
	send_prompted(&hanging, &alice, 2, "fake:sleep=100000");
	follow(&hanging_watch, &hanging.job.file);
	follow(&slow_watch, &slow.job.file);
	start_worker_with_limit(US_PER_S);
	wait_for(&hanging_watch.ended, "the end of the job that hangs");
	assert_string_equal(hanging_watch.end, "failed");
	assert_int_equal(number_of("SELECT CAST(coalesce(max(failures + crashes), 0) AS bigint) FROM parts"), 0);
	wait_for(&slow_watch.ended, "the end of the job beside it");
	assert_string_equal(slow_watch.end, "completed");
	assert_ok(job_find(db, &alice, &hanging.job.id, &job, &why));
	assert_string_equal(job.error_code, "timeout");
	event_unfollow(hanging_watch.follower);
	event_unfollow(slow_watch.follower);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_job_that_kills_the_engine_twice_fails_and_takes_no_other_along, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_part_that_hangs_counts_against_none_that_is_in_hand_with_it, setup,
						teardown),
	};
	return RUN_SPEAKING(tests);
}
