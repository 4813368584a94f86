/* The contract of jobs/queue.h, over every back end: queue_under_test.h says which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "queue_under_test.h"

static int open_queue(void **state)
{
	struct err err;
	return queue_under_test_new((struct queue **)state, &err) == ERR_OK ? 0 : -1;
}

static int close_queue(void **state)
{
	queue_free(*state);
	return 0;
}

static uint64_t add_job(struct queue *q, double weight, int priority)
{
	uint64_t job;
	struct err err;
	assert_int_equal(queue_add_job(q, weight, priority, &job, &err), ERR_OK);
	return job;
}

static void publish(struct queue *q, uint64_t job, uint32_t first, uint32_t count, double cost)
{
	struct err err;
	for (uint32_t i = first; i < first + count; i++)
		assert_int_equal(queue_publish(q, job, QUEUE_RECOGNISE, i, cost, &err), ERR_OK);
}

static struct queue_claim claim(struct queue *q)
{
	struct queue_claim c;
	assert_true(queue_claim(q, QUEUE_RECOGNISE, &c));
	return c;
}

static void an_empty_queue_gives_nothing(void **state)
{
	struct queue_claim c;
	for (int stage = 0; stage < QUEUE_STAGES; stage++)
		assert_false(queue_claim(*state, (enum queue_stage)stage, &c));
}

static void parts_of_one_job_come_in_order_and_once(void **state)
{
	struct queue *q = *state;
	uint64_t job = add_job(q, 1, 0);
	publish(q, job, 0, 5, 20);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(claim(q).index, i);
	struct queue_claim c;
	assert_false(queue_claim(q, QUEUE_RECOGNISE, &c));
}

static void a_short_clip_does_not_wait_behind_a_long_lecture(void **state)
{
	struct queue *q = *state;
	uint64_t lecture = add_job(q, 1, 0);
	publish(q, lecture, 0, 1000, 20);
	for (int i = 0; i < 10; i++)
		assert_int_equal(claim(q).job, lecture);
	uint64_t clip = add_job(q, 1, 0);
	publish(q, clip, 0, 1, 3);
	/* Of equal rank the lecture's part may come first; then it is the clip's turn. */
	uint64_t first = claim(q).job;
	assert_true(first == clip || claim(q).job == clip);
}

static void two_jobs_of_equal_weight_take_turns(void **state)
{
	struct queue *q = *state;
	uint64_t jobs[2] = { add_job(q, 1, 0), add_job(q, 1, 0) };
	publish(q, jobs[0], 0, 50, 20);
	publish(q, jobs[1], 0, 50, 20);
	int count = 0;
	for (int i = 0; i < 20; i++)
		count += claim(q).job == jobs[0];
	assert_in_range(count, 9, 11);
}

static void a_job_of_three_times_the_weight_gets_three_times_the_parts(void **state)
{
	struct queue *q = *state;
	uint64_t light = add_job(q, 1, 0);
	uint64_t heavy = add_job(q, 3, 0);
	publish(q, light, 0, 100, 20);
	publish(q, heavy, 0, 100, 20);
	int count = 0;
	for (int i = 0; i < 40; i++)
		count += claim(q).job == heavy;
	assert_in_range(count, 28, 32);
}

static void a_higher_priority_goes_first(void **state)
{
	struct queue *q = *state;
	uint64_t plain = add_job(q, 1, 0);
	publish(q, plain, 0, 3, 20);
	uint64_t urgent = add_job(q, 1, 5);
	publish(q, urgent, 0, 1, 20);
	assert_int_equal(claim(q).job, urgent);
}

/* Priority moves a job ahead of others, not those others behind whoever comes next. */
static void a_job_in_a_hurry_does_not_put_later_ones_behind_the_others(void **state)
{
	struct queue *q = *state;
	publish(q, add_job(q, 1, 0), 0, 200, 20);
	(void)claim(q);
	uint64_t urgent = add_job(q, 1, 10);
	publish(q, urgent, 0, 200, 20);
	for (int i = 0; i < 25; i++)
		assert_int_equal(claim(q).job, urgent);
	uint64_t clip = add_job(q, 1, 0);
	publish(q, clip, 0, 1, 3);
	int waited = 0;
	while (claim(q).job != clip)
		waited++;
	assert_in_range(waited, 0, 10);
}

static void a_late_completion_is_refused_once_the_part_was_claimed_again(void **state)
{
	struct queue *q = *state;
	struct err err;
	bool given_up;
	publish(q, add_job(q, 1, 0), 0, 1, 1);
	struct queue_claim first = claim(q);
	assert_int_equal(queue_release(q, &first, false, &given_up, &err), ERR_OK);
	struct queue_claim second = claim(q);
	assert_int_equal(queue_complete(q, &first, &err), ERR_CANCELLED);
	assert_int_equal(queue_complete(q, &second, &err), ERR_OK);
	assert_int_equal(queue_complete(q, &second, &err), ERR_CANCELLED);
}

static void an_aborted_part_is_no_failure_and_comes_again_at_its_rank(void **state)
{
	struct queue *q = *state;
	struct err err;
	publish(q, add_job(q, 1, 0), 0, 2, 1);
	for (int i = 0; i < 10; i++) {
		struct queue_claim c = claim(q);
		bool given_up = true;
		assert_int_equal(c.index, 0);
		assert_int_equal(queue_release(q, &c, false, &given_up, &err), ERR_OK);
		assert_false(given_up);
	}
}

static void a_part_that_fails_too_often_is_given_up(void **state)
{
	struct queue *q = *state;
	struct err err;
	publish(q, add_job(q, 1, 0), 0, 1, 1);
	bool given_up = false;
	for (int i = 1; i <= QUEUE_ATTEMPTS_MAX; i++) {
		struct queue_claim c = claim(q);
		assert_int_equal(queue_release(q, &c, true, &given_up, &err), ERR_OK);
		assert_int_equal(given_up, i == QUEUE_ATTEMPTS_MAX);
	}
	assert_int_equal(queue_ready(q, QUEUE_RECOGNISE), 0);
}

static void an_ended_job_leaves_nothing(void **state)
{
	struct queue *q = *state;
	struct err err;
	uint64_t job = add_job(q, 1, 0);
	publish(q, job, 0, 3, 1);
	struct queue_claim c = claim(q);
	queue_end_job(q, job);
	assert_int_equal(queue_ready(q, QUEUE_RECOGNISE), 0);
	assert_int_equal(queue_complete(q, &c, &err), ERR_CANCELLED);
	assert_int_equal(queue_publish(q, job, QUEUE_RECOGNISE, 9, 1, &err), ERR_NOT_FOUND);
}

static void weights_and_priorities_out_of_range_are_refused(void **state)
{
	uint64_t job;
	struct err err;
	assert_int_equal(queue_add_job(*state, 0, 0, &job, &err), ERR_INVALID);
	assert_int_equal(queue_add_job(*state, 1, 11, &job, &err), ERR_INVALID);
}

#define WITH_QUEUE(test) cmocka_unit_test_setup_teardown(test, open_queue, close_queue)

int main(int argc, char **argv)
{
	int status = queue_under_test_begin(argc, argv);
	if (status != 0)
		return status;
	const struct CMUnitTest tests[] = {
		WITH_QUEUE(an_empty_queue_gives_nothing),
		WITH_QUEUE(parts_of_one_job_come_in_order_and_once),
		WITH_QUEUE(a_short_clip_does_not_wait_behind_a_long_lecture),
		WITH_QUEUE(two_jobs_of_equal_weight_take_turns),
		WITH_QUEUE(a_job_of_three_times_the_weight_gets_three_times_the_parts),
		WITH_QUEUE(a_higher_priority_goes_first),
		WITH_QUEUE(a_job_in_a_hurry_does_not_put_later_ones_behind_the_others),
		WITH_QUEUE(a_late_completion_is_refused_once_the_part_was_claimed_again),
		WITH_QUEUE(an_aborted_part_is_no_failure_and_comes_again_at_its_rank),
		WITH_QUEUE(a_part_that_fails_too_often_is_given_up),
		WITH_QUEUE(an_ended_job_leaves_nothing),
		WITH_QUEUE(weights_and_priorities_out_of_range_are_refused),
	};
	status = cmocka_run_group_tests(tests, NULL, NULL);
	queue_under_test_end();
	return status;
}
