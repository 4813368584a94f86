/* Totals of lists: they are kept beside the rows, and always say what counting would. Over each database. */
#include "files/sweep.h"
#include "jobs/job_file.h"
#include "jobs/job_work.h"
#include "pipeline.h"

static int64_t total_of_jobs(int state)
{
	struct job_page page = { .owner = alice, .state = state, .limit = 1 };
	cleanup_job_rows struct job_rows list = { 0 };
	assert_ok(job_find_all(db, &page, &list, &why));
	return (int64_t)list.total;
}

static int64_t total_of_files(void)
{
	struct file_page page = { .owner = alice, .limit = 1 };
	struct job_files list;
	assert_ok(job_file_list(db, &page, &list, &why));
	int64_t total = (int64_t)list.total;
	job_files_done(&list);
	return total;
}

static int64_t count_jobs(int state)
{
	char sql[128];
	(void)snprintf(sql, sizeof sql, "SELECT count(*) FROM jobs WHERE state = %d", state);
	return get_number(db, sql);
}

/* All files and jobs are Alice's. */
static void assert_totals(int64_t files_, int64_t jobs)
{
	assert_int_equal(total_of_files(), files_);
	assert_int_equal(total_of_files(), get_number(db, "SELECT count(*) FROM files WHERE state <> 2"));
	assert_int_equal(total_of_jobs(-1), jobs);
	for (int state = 0; state < JOB_STATES; state++)
		assert_int_equal(total_of_jobs(state), count_jobs(state));
	assert_int_equal(get_number(db, "SELECT CAST(coalesce((SELECT n FROM user_counts WHERE what = 6), 0) - "
					"coalesce((SELECT sum(size_bytes) FROM files WHERE state <> 2), 0) AS bigint)"),
			 0);
}

static struct upload *begin_upload(void)
{
	struct upload *upload = NULL;
	struct upload_spec spec = {
		.owner = alice, .name = "", .content_type = "", .announced_bytes = 100, .max_bytes = 1000
	};
	assert_ok(uuid_new(clock_wall_us(), &spec.id, &why));
	assert_ok(upload_begin(&files, &spec, &upload, &why));
	return upload;
}

static void totals_follow_files_as_they_come_and_go(void **state)
{
	(void)state;
	struct sending first, second;
	struct sweep_counts counts;
	assert_totals(0, 0);
	strbuf_clear(&speech);
	strbuf_add_str(&speech, "not looked at");
	/* Reserved, and then more or less than that. */
	struct intake *intake = begin(&first, &alice, 1000);
	feed(intake, &first, speech.data, speech.len);
	intake_finish(intake);
	wait_for(&first.ended, "the end of an upload");
	assert_totals(1, 1);
	send_speech(&second, &alice);
	assert_totals(2, 2);
	struct upload *upload = begin_upload();
	assert_totals(3, 2);
	upload_abort(upload);
	assert_totals(2, 2);
	/* Given up by the sweep. */
	upload = begin_upload();
	assert_ok(files_sweep(&files, clock_wall_us() + US_PER_S, &counts, &why));
	assert_totals(2, 2);
	upload_abort(upload);
	assert_totals(2, 2);
	assert_ok(job_delete_file(&files, &alice, &first.job.file, &why));
	assert_totals(1, 1);
	assert_ok(job_delete_file(&files, &alice, &second.job.file, &why));
	assert_totals(0, 0);
	assert_ok(files_sweep(&files, clock_wall_us() + US_PER_S, &counts, &why));
	assert_totals(0, 0);
}

static void totals_follow_jobs_from_state_to_state(void **state)
{
	(void)state;
	struct sending sent;
	struct job_row job;
	struct job_facts facts;
	struct err reason;
	strbuf_clear(&speech);
	strbuf_add_str(&speech, "not looked at");
	send_speech(&sent, &alice);
	(void)err_set(&reason, ERR_BAD_MEDIA, "broken");
	for (int i = 0; i < 2; i++) {
		int64_t number = get_number(db, "SELECT queue_job FROM jobs");
		assert_int_equal(total_of_jobs(JOB_QUEUED), 1);
		assert_ok(job_facts_read(&files, number, &facts, &why));
		assert_ok(job_begin(db, &facts, &why));
		job_facts_done(&facts);
		assert_totals(1, 1);
		assert_int_equal(total_of_jobs(JOB_RUNNING), 1);
		assert_ok(job_fail_row(&files, number, &reason, &why));
		assert_totals(1, 1);
		assert_ok(job_retry(queue, db, &alice, &sent.job.id, &job, &why));
		assert_totals(1, 1);
	}
	assert_ok(job_cancel_row(&files, &alice, &sent.job.id, &job, &why));
	assert_totals(1, 1);
	assert_int_equal(total_of_jobs(JOB_CANCELLED), 1);
	run_sql(db, "UPDATE jobs SET state = 2");
	assert_totals(1, 1);
	/* Bob has nothing. */
	alice = bob;
	assert_int_equal(total_of_jobs(-1) + total_of_files(), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(totals_follow_files_as_they_come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(totals_follow_jobs_from_state_to_state, setup, teardown),
	};
	return RUN_PIPELINE(tests);
}
