/* What the durable queue has beyond the contract of jobs/queue.h: batches, retries, nodes that die. Over the back end
 * that the first argument names. */
#include "parts_calls.h"

/* -- batches ------------------------------------------------------------------------------------------- */

static void a_batch_comes_in_order_and_is_completed_at_once(void **state)
{
	struct part_queue *q = *state;
	struct part_claim claims[PARTS_BATCH_MAX];
	bool accepted[PARTS_BATCH_MAX];
	publish(q, add_job(q, NULL, 1), 0, 200, 20);
	assert_int_equal(claim(q, claims, 64), 64);
	for (int i = 0; i < 64; i++)
		assert_int_equal(claims[i].index, i);
	assert_int_equal(complete(claims, 64, accepted), 64);
	assert_int_equal(claim(q, claims, PARTS_BATCH_MAX), 136);
	assert_int_equal(claims[0].index, 64);
	/* Of a batch with one late part the others count. */
	assert_int_equal(complete(claims, 1, accepted), 1);
	assert_int_equal(complete(claims, 136, accepted), 135);
	assert_false(accepted[0]);
	assert_int_equal(claim(q, claims, 1), 0);
}

static void an_owner_has_no_more_jobs_than_allowed_at_once(void **state)
{
	struct part_queue *q = *state;
	struct parts_job job = { .owner = "0123456789abcdef", .weight = 1, .owner_max = 2 };
	struct call call = { .queue = q, .job = &job };
	int64_t numbers[3];
	for (int i = 0; i < 3; i++) {
		assert_ok(run_unit(db, add_unit, &call, &why));
		numbers[i] = call.ret_job;
	}
	assert_true(numbers[0] > 0 && numbers[1] > 0);
	assert_int_equal(numbers[2], 0);
	assert_true(add_job(q, "another owner :)", 1) > 0);
	end_job(numbers[0]);
	assert_ok(run_unit(db, add_unit, &call, &why));
	assert_true(call.ret_job > 0);
	assert_int_equal(get_number(db, "SELECT count(*) FROM queue_jobs"), 3);
}

static void publishing_twice_changes_nothing(void **state)
{
	struct part_queue *q = *state;
	struct part_claim claims[20];
	int64_t job = add_job(q, NULL, 1);
	publish(q, job, 0, 5, 20);
	assert_int_equal(claim(q, claims, 2), 2);
	publish(q, job, 0, 5, 20);
	assert_int_equal(claim(q, claims, 20), 3);
}

static void a_part_that_becomes_ready_behind_the_hint_is_found(void **state)
{
	struct part_queue *q = *state;
	struct part_claim claims[10];
	publish(q, add_job(q, NULL, 1), 0, 100, 20);
	assert_int_equal(claim(q, claims, 10), 10);
	assert_int_equal(release(q, &claims[3], PARTS_RETURNED), PARTS_READY);
	struct part_claim again[10];
	assert_int_equal(claim(q, again, 1), 1);
	assert_int_equal(again[0].id, claims[3].id);
	/* Another node's notice does the same. */
	struct part_queue *other = new_node();
	join(other, false);
	assert_int_equal(release(other, &claims[5], PARTS_RETURNED), PARTS_READY);
	char text[48];
	(void)snprintf(text, sizeof text, "1 %lld", (long long)claims[5].rank);
	assert_int_equal(parts_heard(q, text), 1);
	assert_int_equal(claim(q, again, 1), 1);
	assert_int_equal(again[0].id, claims[5].id);
	/* A notice that comes while a claim runs, which may not have seen the part: the hint stays before it. */
	struct part_claim next[10];
	(void)snprintf(text, sizeof text, "1 %lld", (long long)claims[9].rank + 5 * 20 * 1000000);
	assert_int_equal(parts_heard(q, text), 1);
	assert_int_equal(claim(q, next, 10), 10);
	assert_int_equal(release(other, &next[4], PARTS_RETURNED), PARTS_READY);
	assert_int_equal(claim(q, again, 1), 1);
	assert_int_equal(again[0].id, next[4].id);
	assert_int_equal(parts_heard(q, "nonsense"), -1);
	assert_int_equal(parts_heard(q, NULL), -1);
	part_queue_free(other);
}

/* -- failures ------------------------------------------------------------------------------------------ */

static void a_part_that_fails_waits_longer_each_time_and_is_given_up(void **state)
{
	struct part_queue *q = *state;
	struct part_claim c;
	struct parts_beat seen;
	publish(q, add_job(q, NULL, 1), 0, 1, 20);
	for (int failure = 1; failure <= 2; failure++) {
		assert_int_equal(claim(q, &c, 1), 1);
		assert_int_equal(c.failures, failure - 1);
		assert_int_equal(release(q, &c, PARTS_FAILED), PARTS_WAITS);
		assert_int_equal(claim(q, &c, 1), 0);
		clock_sleep_us(failure * BACKOFF_US);
		assert_int_equal(beat(q, &seen), ERR_OK);
		assert_int_equal(seen.due, 1);
	}
	assert_int_equal(claim(q, &c, 1), 1);
	assert_int_equal(release(q, &c, PARTS_FAILED), PARTS_GIVEN_UP);
	assert_int_equal(claim(q, &c, 1), 0);
}

static void crashes_are_counted_apart_from_what_may_pass(void **state)
{
	struct part_queue *q = *state;
	struct part_claim c;
	struct parts_beat seen;
	publish(q, add_job(q, NULL, 1), 0, 1, 20);
	static const enum parts_reason reasons[] = { PARTS_FAILED, PARTS_RETURNED, PARTS_CRASHED, PARTS_FAILED };
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		assert_int_equal(claim(q, &c, 1), 1);
		enum parts_fate fate = release(q, &c, reasons[i]);
		assert_int_equal(fate, reasons[i] == PARTS_RETURNED ? PARTS_READY : PARTS_WAITS);
		clock_sleep_us(4 * BACKOFF_US);
		assert_int_equal(beat(q, &seen), ERR_OK);
	}
	assert_int_equal(claim(q, &c, 1), 1);
	assert_int_equal(c.failures, 2);
	assert_int_equal(c.crashes, 1);
	assert_int_equal(release(q, &c, PARTS_CRASHED), PARTS_GIVEN_UP);
}

/* -- nodes --------------------------------------------------------------------------------------------- */

/* Two nodes (one, where `other` is NULL) live for a while; returns how many parts the first one recovered. */
static int64_t beat_for(struct part_queue *queue, struct part_queue *other, int64_t us)
{
	int64_t recovered = 0;
	for (int64_t end = clock_monotonic_us() + us; clock_monotonic_us() < end;) {
		struct parts_beat seen;
		assert_int_equal(beat(queue, &seen), ERR_OK);
		recovered += seen.recovered;
		if (other)
			assert_int_equal(beat(other, &seen), ERR_OK);
		clock_sleep_us(LEASE_US / 10);
	}
	return recovered;
}

/* The others are found dead, however long a busy machine takes over it. */
static void wait_recovered(struct part_queue *queue, int64_t count)
{
	int64_t recovered = 0;
	for (int i = 0; recovered < count; i++) {
		assert_in_range(i, 0, 100);
		recovered += beat_for(queue, NULL, LEASE_US);
	}
	assert_int_equal(recovered, count);
}

static void a_dead_nodes_parts_are_claimed_again_and_its_late_answer_is_refused(void **state)
{
	struct part_queue *q = *state;
	struct part_queue *dead = new_node();
	struct part_claim late[3];
	struct part_claim again[3];
	struct parts_beat seen;
	bool accepted[3];
	join(dead, false);
	publish(q, add_job(q, NULL, 1), 0, 3, 20);
	assert_int_equal(claim(dead, late, 3), 3);
	assert_int_equal(complete(late, 1, accepted), 1);
	assert_int_equal(beat(q, &seen), ERR_OK);
	assert_int_equal(seen.recovered, 0);
	/* A node that counts up lives, however long its parts take. */
	assert_int_equal(beat_for(q, dead, 2 * LEASE_US), 0);
	wait_recovered(q, 2);
	/* Refused as soon as it is ready again, and once another has it. */
	assert_int_equal(complete(&late[1], 1, accepted), 0);
	assert_int_equal(claim(q, again, 3), 2);
	assert_int_equal(again[0].id, late[1].id);
	assert_int_equal(again[0].failures, 0);
	assert_int_equal(complete(&late[1], 2, accepted), 0);
	assert_int_equal(complete(again, 2, accepted), 2);
	/* The node learns that it was taken for dead, and may come back. */
	assert_int_equal(beat(dead, &seen), ERR_CANCELLED);
	join(dead, false);
	assert_int_equal(beat(dead, &seen), ERR_OK);
	part_queue_free(dead);
}

static void a_node_that_could_not_look_for_long_buries_nobody(void **state)
{
	struct part_queue *q = *state;
	struct part_queue *other = new_node();
	struct part_claim c;
	struct parts_beat seen;
	bool accepted;
	join(other, false);
	publish(q, add_job(q, NULL, 1), 0, 1, 20);
	assert_int_equal(claim(other, &c, 1), 1);
	assert_int_equal(beat_for(q, other, LEASE_US / 2), 0);
	assert_int_equal(beat(q, &seen), ERR_OK);
	/* As if the database had been away from both for longer than a lease. */
	clock_sleep_us(2 * LEASE_US);
	assert_int_equal(beat(q, &seen), ERR_OK);
	assert_int_equal(seen.recovered, 0);
	assert_int_equal(beat(other, &seen), ERR_OK);
	assert_int_equal(complete(&c, 1, &accepted), 1);
	part_queue_free(other);
}

/* Nodes that die are counted apart from failures: a machine that was rebooted says little about its parts. */
static void a_part_that_kills_its_node_again_and_again_is_given_up(void **state)
{
	struct part_queue *q = *state;
	struct parts_beat seen;
	struct part_claim c;
	publish(q, add_job(q, NULL, 1), 0, 1, 20);
	for (int i = 1; i <= LAPSES_MAX; i++) {
		struct part_queue *dead = new_node();
		join(dead, false);
		assert_int_equal(claim(dead, &c, 1), 1);
		assert_int_equal(c.failures, 0);
		part_queue_free(dead);
		/* As after a crash and a restart of the only server. */
		join(q, true);
		assert_int_equal(beat(q, &seen), ERR_OK);
		assert_int_equal(seen.recovered, i < LAPSES_MAX);
		assert_int_equal(seen.given_up_count, i == LAPSES_MAX);
	}
	assert_int_equal(seen.given_up[0].id, c.id);
	assert_int_equal(seen.given_up[0].job, c.job);
	assert_int_equal(claim(q, &c, 1), 0);
}

static enum err_code keep_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_keep(c->queue, tx, c->claims, c->max, err);
}

static void what_a_claim_took_whose_answer_was_lost_is_given_back(void **state)
{
	struct part_queue *q = *state;
	struct part_queue *other = new_node();
	struct part_claim claims[4];
	struct part_claim others;
	bool accepted[4];
	join(other, false);
	publish(q, add_job(q, NULL, 1), 0, 4, 20);
	assert_int_equal(claim(other, &others, 1), 1);
	assert_int_equal(claim(q, claims, 3), 3);
	/* Only the first of the three is known to the node. */
	struct call call = { .queue = q, .claims = claims, .max = 1 };
	assert_ok(run_unit(db, keep_unit, &call, &why));
	assert_int_equal(complete(claims, 3, accepted), 1);
	assert_true(accepted[0]);
	struct part_claim again[4];
	assert_int_equal(claim(q, again, 4), 2);
	assert_int_equal(again[0].id, claims[1].id);
	assert_int_equal(again[0].failures, 0);
	assert_int_equal(complete(&others, 1, accepted), 1);
	part_queue_free(other);
}

static void a_node_that_leaves_gives_its_parts_back_at_once(void **state)
{
	struct part_queue *q = *state;
	struct part_queue *leaving = new_node();
	struct part_claim c;
	join(leaving, false);
	publish(q, add_job(q, NULL, 1), 0, 1, 20);
	assert_int_equal(claim(leaving, &c, 1), 1);
	struct call call = { .queue = leaving };
	assert_ok(run_unit(db, leave_unit, &call, &why));
	assert_int_equal(claim(q, &c, 1), 1);
	assert_int_equal(c.failures, 0);
	part_queue_free(leaving);
}

/* -- claims that are checked on the way ------------------------------------------------------------------ */

static enum err_code hold_unit(struct db_tx *tx, void *arg, struct err *err)
{
	return parts_hold(tx, arg, err);
}

static enum err_code hold(struct part_claim *claim)
{
	struct err err;
	return run_unit(db, hold_unit, claim, &err);
}

static void a_claim_is_held_until_another_has_the_part_or_the_job_ends(void **state)
{
	struct part_queue *q = *state;
	struct part_claim first, second;
	int64_t job = add_job(q, NULL, 1);
	publish(q, job, 0, 1, 20);
	assert_int_equal(claim(q, &first, 1), 1);
	assert_int_equal(hold(&first), ERR_OK);
	assert_int_equal(release(q, &first, PARTS_RETURNED), PARTS_READY);
	assert_int_equal(hold(&first), ERR_CANCELLED);
	assert_int_equal(claim(q, &second, 1), 1);
	assert_int_equal(hold(&first), ERR_CANCELLED);
	assert_int_equal(hold(&second), ERR_OK);
	end_job(job);
	assert_int_equal(hold(&second), ERR_CANCELLED);
}

/* -- clocks that jump --------------------------------------------------------------------------------------- */

static _Atomic int64_t wall_offset_us;

int64_t __real_clock_wall_us(void);
int64_t __wrap_clock_wall_us(void);

/* The linker puts this in the place of clock_wall_us. */
int64_t __wrap_clock_wall_us(void)
{
	return __real_clock_wall_us() + wall_offset_us;
}

static const int64_t jumps[] = { 0, 3600 * US_PER_S, -3600 * US_PER_S };

static void what_failed_waits_its_time_whatever_the_clocks_say(void **state)
{
	struct part_queue *q = *state;
	struct part_queue *other = new_node();
	join(other, false);
	for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
		struct part_claim c;
		struct parts_beat seen;
		int64_t job = add_job(q, NULL, 1);
		publish(q, job, 0, 1, 20);
		assert_int_equal(claim(q, &c, 1), 1);
		int64_t until = clock_monotonic_us() + BACKOFF_US;
		assert_int_equal(release(q, &c, PARTS_FAILED), PARTS_WAITS);
		wall_offset_us = jumps[i];
		/* Another node does not cut the wait short, and none makes it longer. */
		assert_int_equal(beat(other, &seen), ERR_OK);
		assert_int_equal(seen.due, 0);
		assert_int_equal(beat(q, &seen), ERR_OK);
		assert_true(seen.due == 0 || clock_monotonic_us() >= until);
		if (seen.due == 0) {
			clock_sleep_us(2 * BACKOFF_US);
			assert_int_equal(beat(q, &seen), ERR_OK);
			assert_int_equal(seen.due, 1);
		}
		wall_offset_us = 0;
		end_job(job);
	}
	part_queue_free(other);
}

static void what_waits_for_a_node_that_has_gone_is_ready(void **state)
{
	struct part_queue *q = *state;
	struct part_queue *leaving = new_node();
	struct part_claim c;
	struct parts_beat seen;
	join(leaving, false);
	publish(q, add_job(q, NULL, 1), 0, 1, 20);
	assert_int_equal(claim(leaving, &c, 1), 1);
	assert_int_equal(release(leaving, &c, PARTS_FAILED), PARTS_WAITS);
	run_sql(db, "UPDATE parts SET due = due + 86400000000");
	struct call call = { .queue = leaving };
	assert_ok(run_unit(db, leave_unit, &call, &why));
	assert_int_equal(beat(q, &seen), ERR_OK);
	assert_int_equal(seen.due, 1);
	assert_int_equal(claim(q, &c, 1), 1);
	assert_int_equal(c.failures, 1);
	part_queue_free(leaving);
}

static void clocks_that_jump_neither_bury_the_living_nor_keep_the_dead(void **state)
{
	struct part_queue *q = *state;
	struct part_queue *other = new_node();
	struct part_claim c;
	bool accepted;
	join(other, false);
	publish(q, add_job(q, NULL, 1), 0, 1, 20);
	assert_int_equal(claim(other, &c, 1), 1);
	for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
		wall_offset_us = jumps[i];
		assert_int_equal(beat_for(q, other, LEASE_US / 2), 0);
	}
	assert_int_equal(complete(&c, 1, &accepted), 1);
	publish(q, add_job(q, NULL, 1), 0, 1, 20);
	assert_int_equal(claim(other, &c, 1), 1);
	wait_recovered(q, 1);
	wall_offset_us = 0;
	part_queue_free(other);
}

/* -- answers that are lost ----------------------------------------------------------------------------- */

static enum err_code try_complete(struct part_claim *claim, bool *ret_accepted)
{
	struct call call = { .claims = claim, .max = 1, .accepted = ret_accepted };
	struct err err;
	return run_unit(db, complete_unit, &call, &err);
}

/* Wraps the database for the rest of the program. */
static void a_completion_of_unknown_outcome_is_done_again_and_counts_once(void **state)
{
	struct part_queue *q = *state;
	struct part_claim claims[2];
	bool accepted = true;
	assert_ok(fault_open(db, &db, &why));
	publish(q, add_job(q, NULL, 1), 0, 2, 20);
	assert_int_equal(claim(q, claims, 2), 2);
	fault_arm(db, FAULT_AFTER_COMMIT, 1, ERR_OK);
	assert_int_equal(try_complete(&claims[0], &accepted), ERR_OUTCOME_UNKNOWN);
	assert_int_equal(try_complete(&claims[0], &accepted), ERR_OK);
	assert_false(accepted);
	fault_arm(db, FAULT_BEFORE_COMMIT, 1, ERR_OK);
	assert_int_equal(try_complete(&claims[1], &accepted), ERR_NETWORK);
	assert_int_equal(try_complete(&claims[1], &accepted), ERR_OK);
	assert_true(accepted);
	assert_int_equal(get_number(db, "SELECT count(*) FROM parts WHERE status = 2"), 2);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_QUEUE(a_batch_comes_in_order_and_is_completed_at_once),
		WITH_QUEUE(an_owner_has_no_more_jobs_than_allowed_at_once),
		WITH_QUEUE(publishing_twice_changes_nothing),
		WITH_QUEUE(a_part_that_becomes_ready_behind_the_hint_is_found),
		WITH_QUEUE(a_part_that_fails_waits_longer_each_time_and_is_given_up),
		WITH_QUEUE(crashes_are_counted_apart_from_what_may_pass),
		WITH_QUEUE(a_claim_is_held_until_another_has_the_part_or_the_job_ends),
		WITH_QUEUE(what_waits_for_a_node_that_has_gone_is_ready),
		WITH_QUEUE(clocks_that_jump_neither_bury_the_living_nor_keep_the_dead),
		WITH_QUEUE(what_failed_waits_its_time_whatever_the_clocks_say),
		WITH_QUEUE(a_dead_nodes_parts_are_claimed_again_and_its_late_answer_is_refused),
		WITH_QUEUE(a_node_that_could_not_look_for_long_buries_nobody),
		WITH_QUEUE(a_part_that_kills_its_node_again_and_again_is_given_up),
		WITH_QUEUE(what_a_claim_took_whose_answer_was_lost_is_given_back),
		WITH_QUEUE(a_node_that_leaves_gives_its_parts_back_at_once),
		WITH_QUEUE(a_completion_of_unknown_outcome_is_done_again_and_counts_once),
	};
	return RUN_OVER_BACKEND(tests);
}
