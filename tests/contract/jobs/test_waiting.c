/* Jobs beyond what their user's plan allows at once, over the back end that the first argument names. */
#include <pthread.h>

#include "jobs/job_admit.h"
#include "jobs/job_work.h"
#include "jobs/user_removal.h"
#include "speaking.h"

static void allow_at_once(int64_t jobs)
{
	static const struct db_stmt limit = { .sql = "UPDATE plans SET concurrency = $1", .params = "i" };
	struct db_value params[] = { db_int(jobs) };
	assert_ok(db_run_stmt(db, DB_WRITE, &limit, params, NULL, &why));
}

static int64_t in_queue(void)
{
	return get_number(db, "SELECT count(*) FROM queue_jobs");
}

static int64_t waiting(void)
{
	return get_number(db, "SELECT count(*) FROM jobs WHERE state = 0 AND queue_job IS NULL");
}

/* 0: it waits, or has ended. */
static int64_t number_of(const struct uuid *job)
{
	static const struct db_stmt find = { .sql = "SELECT queue_job FROM jobs WHERE id = $1", .params = "b" };
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_bytes(job->bytes, sizeof job->bytes) };
	assert_ok(db_run_stmt(db, DB_READ, &find, params, &rows, &why));
	assert_int_equal(rows.count, 1);
	return db_get_int(&rows, 0, 0);
}

static void send_one(struct sending *sent, const struct uuid *owner, int priority)
{
	strbuf_clear(&speech);
	strbuf_add_str(&speech, "not looked at");
	struct intake *intake = begin(sent, owner, speech.len);
	sent->job.priority = priority;
	sent->job.length_us = US_PER_S;
	feed(intake, sent, speech.data, speech.len);
	intake_finish(intake);
	wait_for(&sent->ended, "the end of an upload");
	assert_int_equal(sent->why.code, ERR_OK);
}

static void fail_one(const struct sending *sent)
{
	struct err reason;
	(void)err_set(&reason, ERR_BAD_MEDIA, "broken");
	assert_ok(job_fail_row(&files, number_of(&sent->job.id), &reason, &why));
}

static void cancel_one(const struct sending *sent)
{
	struct job_row job;
	assert_ok(job_cancel_row(&files, &sent->job.owner, &sent->job.id, &job, &why));
	assert_int_equal(job.state, JOB_CANCELLED);
}

/* -- one after the other ------------------------------------------------------------------------------------- */

static void jobs_beyond_the_plan_wait_and_hold_up_nobody_else(void **state)
{
	(void)state;
	struct sending sent[3], bobs;
	struct job_row job;
	allow_at_once(2);
	for (int i = 0; i < 3; i++)
		send_one(&sent[i], &alice, 0);
	assert_int_equal(in_queue(), 2);
	assert_int_equal(number_of(&sent[2].job.id), 0);
	assert_ok(job_find(db, &alice, &sent[2].job.id, &job, &why));
	assert_int_equal(job.state, JOB_QUEUED);
	send_one(&bobs, &bob, 0);
	assert_true(number_of(&bobs.job.id) > 0);
}

static void the_next_enters_by_priority_and_age_however_one_ends(void **state)
{
	(void)state;
	struct sending first, second, third, urgent;
	allow_at_once(1);
	send_one(&first, &alice, 0);
	send_one(&second, &alice, 0);
	send_one(&third, &alice, 0);
	send_one(&urgent, &alice, 5);
	fail_one(&first);
	assert_true(number_of(&urgent.job.id) > 0);
	cancel_one(&urgent);
	assert_true(number_of(&second.job.id) > 0);
	assert_ok(job_delete_file(&files, &alice, &second.job.file, &why));
	assert_true(number_of(&third.job.id) > 0);
	assert_int_equal(in_queue(), 1);
	cancel_one(&third);
	assert_int_equal(in_queue(), 0);
	assert_int_equal(get_number(db, "SELECT reserved_us FROM user_totals"), 0);
}

static void a_waiting_job_is_cancelled_and_deleted_like_any_other(void **state)
{
	(void)state;
	struct sending first, second, third;
	allow_at_once(1);
	send_one(&first, &alice, 0);
	send_one(&second, &alice, 0);
	send_one(&third, &alice, 0);
	assert_int_equal(get_number(db, "SELECT reserved_us FROM user_totals"), 3 * US_PER_S);
	cancel_one(&second);
	assert_ok(job_delete_file(&files, &alice, &third.job.file, &why));
	assert_int_equal(get_number(db, "SELECT reserved_us FROM user_totals"), US_PER_S);
	assert_int_equal(get_number(db, "SELECT jobs_cancelled FROM usage_days"), 2);
	assert_true(number_of(&first.job.id) > 0);
	assert_int_equal(get_number(db, "SELECT active FROM queue_owners"), 1);
}

static void a_job_that_is_tried_again_waits_its_turn(void **state)
{
	(void)state;
	struct sending first, second;
	struct job_row job;
	allow_at_once(1);
	send_one(&first, &alice, 0);
	send_one(&second, &alice, 0);
	fail_one(&first);
	assert_ok(job_retry(queue, db, &alice, &first.job.id, &job, &why));
	assert_int_equal(job.state, JOB_QUEUED);
	assert_int_equal(number_of(&first.job.id), 0);
	fail_one(&second);
	assert_true(number_of(&first.job.id) > 0);
}

static void a_raised_limit_lets_in_what_waits_with_the_next_check(void **state)
{
	(void)state;
	enum { JOBS = 50, MORE = 40 };
	struct sending sent[JOBS], bobs[2];
	uint64_t entered;
	allow_at_once(1);
	for (int i = 0; i < JOBS; i++)
		send_one(&sent[i], &alice, 0);
	for (int i = 0; i < 2; i++)
		send_one(&bobs[i], &bob, 0);
	assert_ok(jobs_admit_waiting(&files, &entered, &why));
	assert_int_equal(entered, 0);
	allow_at_once(MORE);
	assert_ok(jobs_admit_waiting(&files, &entered, &why));
	assert_int_equal(entered, MORE); /* one of them Bob's */
	assert_int_equal(in_queue(), MORE + 2);
	run_sql(db, "UPDATE plans SET concurrency = NULL");
	assert_ok(jobs_admit_waiting(&files, &entered, &why));
	assert_int_equal(waiting(), 0);
}

static void no_job_of_a_user_who_is_removed_enters_the_queue(void **state)
{
	(void)state;
	struct sending sent[3];
	uint64_t entered;
	allow_at_once(1);
	for (int i = 0; i < 3; i++)
		send_one(&sent[i], &alice, 0);
	run_sql(db, "UPDATE users SET deleted_at = 1");
	run_sql(db, "UPDATE plans SET concurrency = 3");
	assert_ok(jobs_admit_waiting(&files, &entered, &why));
	assert_int_equal(entered, 0);
	run_sql(db, "UPDATE users SET deleted_at = NULL");
	assert_ok(jobs_remove_user(&files, &alice, &why));
	assert_int_equal(get_number(db, "SELECT count(*) FROM jobs"), 0);
	assert_int_equal(in_queue(), 0);
}

static void jobs_that_succeed_let_each_other_in(void **state)
{
	(void)state;
	struct sending sent[2];
	struct watch watch[2];
	allow_at_once(1);
	make_speech(1);
	for (int i = 0; i < 2; i++) {
		send_speech(&sent[i], &alice);
		follow(&watch[i], &sent[i].job.file);
	}
	start_worker();
	for (int i = 0; i < 2; i++) {
		wait_for(&watch[i].ended, "the end of a job");
		assert_string_equal(watch[i].end, "completed");
		event_unfollow(watch[i].follower);
	}
	assert_int_equal(waiting(), 0);
}

/* -- property: never more than the limit, and nobody waits for ever ------------------------------------------- */

enum { CLIENTS = 4, STEPS = 60, OWN_MAX = STEPS, AT_ONCE = 3 };

struct client {
	unsigned seed;
	struct uuid jobs[OWN_MAX];
	int count;
	pthread_t thread;
};

static const struct db_stmt file_stmt = {
	.sql = "INSERT INTO files (id, owner_id, name, content_type, state, created_at) VALUES ($1, $2, '', '', 1, 0)",
	.params = "bb"
};

static enum err_code run_add(struct db_tx *tx, void *arg, struct err *err)
{
	const struct job_new *job = arg;
	struct usage_shortage shortage;
	struct db_value params[] = { db_bytes(job->file.bytes, sizeof job->file.bytes),
				     db_bytes(job->owner.bytes, sizeof job->owner.bytes) };
	if (db_query(tx, &file_stmt, params, NULL, err) != ERR_OK)
		return err->code;
	return job_add(queue, tx, job, &shortage, err);
}

static void add_one(struct client *c)
{
	struct job_new job = { .owner = alice, .weight = 1, .priority = (int)(rand_r(&c->seed) % 5) };
	assert_ok(uuid_new(clock_wall_us(), &job.id, &why));
	job.file = job.id;
	assert_ok(run_unit(db, run_add, &job, &why));
	c->jobs[c->count++] = job.id;
}

/* One that is in the queue fails, one that waits is cancelled; or its file is deleted. */
static void end_one(struct client *c)
{
	struct err reason, err;
	struct job_row row;
	int which = (int)(rand_r(&c->seed) % (unsigned)c->count);
	struct uuid job = c->jobs[which];
	int64_t number = number_of(&job);
	(void)err_set(&reason, ERR_BAD_MEDIA, "broken");
	if (rand_r(&c->seed) % 3 == 0)
		assert_ok(job_delete_file(&files, &alice, &job, &why));
	else if (number != 0)
		assert_ok(job_fail_row(&files, number, &reason, &why));
	else if (job_cancel_row(&files, &alice, &job, &row, &err) == ERR_OK)
		assert_int_equal(row.state, JOB_CANCELLED);
	if (number != 0 && rand_r(&c->seed) % 2 == 0 && job_retry(queue, db, &alice, &job, &row, &err) == ERR_OK)
		return;
	c->jobs[which] = c->jobs[--c->count];
}

static void *run_client(void *arg)
{
	struct client *c = arg;
	for (int i = 0; i < STEPS; i++) {
		if (c->count == 0 || rand_r(&c->seed) % 5 < 3)
			add_one(c);
		else
			end_one(c);
		assert_in_range(in_queue(), 0, AT_ONCE);
	}
	return NULL;
}

static void never_more_than_the_limit_are_in_the_queue_and_nobody_waits_for_ever(void **state)
{
	(void)state;
	struct client clients[CLIENTS] = { 0 };
	struct err reason;
	uint64_t entered;
	allow_at_once(AT_ONCE);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i].seed = (unsigned)i + 1;
		assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
	}
	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
	assert_true(waiting() > AT_ONCE);
	/* Only what was just being changed when a place became free is the check's. */
	assert_ok(jobs_admit_waiting(&files, &entered, &why));
	(void)err_set(&reason, ERR_BAD_MEDIA, "broken");
	while (waiting() > 0) {
		assert_int_equal(in_queue(), AT_ONCE);
		assert_int_equal(get_number(db, "SELECT active FROM queue_owners"), AT_ONCE);
		assert_ok(job_fail_row(&files, get_number(db, "SELECT min(id) FROM queue_jobs"), &reason, &why));
	}
	assert_int_equal(in_queue(), get_number(db, "SELECT count(*) FROM jobs WHERE state < 2"));
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(jobs_beyond_the_plan_wait_and_hold_up_nobody_else),
		TEST(the_next_enters_by_priority_and_age_however_one_ends),
		TEST(a_waiting_job_is_cancelled_and_deleted_like_any_other),
		TEST(a_job_that_is_tried_again_waits_its_turn),
		TEST(a_raised_limit_lets_in_what_waits_with_the_next_check),
		TEST(no_job_of_a_user_who_is_removed_enters_the_queue),
		TEST(jobs_that_succeed_let_each_other_in),
		TEST(never_more_than_the_limit_are_in_the_queue_and_nobody_waits_for_ever),
	};
#undef TEST
	return RUN_SPEAKING(tests);
}
