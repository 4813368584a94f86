/* What the durable queue has beyond the contract of jobs/queue.h: batches, retries, nodes that die, fair shares of
 * users. Over the back end that the first argument names. */
#include "base/clock.h"
#include "cases.h"
#include "store/migrate.h"
#include "store/queue.h"

static struct store_place place;
static struct db *db;

enum { BACKOFF_US = 1000, LEASE_US = 100 * 1000 };

static struct part_queue *new_node(void)
{
	struct part_queue_config config = {
		.node = "test", .lease_us = LEASE_US, .backoff_us = BACKOFF_US, .backoff_max_us = 3 * BACKOFF_US
	};
	struct part_queue *queue;
	assert_ok(part_queue_new(&config, &queue, &why));
	return queue;
}

/* -- one call as a unit of work ------------------------------------------------------------------------ */

struct call {
	struct part_queue *queue;
	const struct parts_job *job;
	const struct parts_new *parts;
	int stage;
	int64_t ret_job;
	struct part_claim *claims;
	size_t max, count;
	bool *accepted;
	bool flag;
	enum parts_fate fate;
	struct parts_beat *beat;
};

static enum err_code join_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_join(c->queue, tx, c->flag, err);
}

static void join(struct part_queue *queue, bool is_alone)
{
	struct call call = { .queue = queue, .flag = is_alone };
	assert_ok(run_unit(db, join_unit, &call, &why));
}

static enum err_code leave_unit(struct db_tx *tx, void *arg, struct err *err)
{
	return parts_leave(((struct call *)arg)->queue, tx, err);
}

static enum err_code add_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_add_job(c->queue, tx, c->job, &c->ret_job, err);
}

static int64_t add_job(struct part_queue *queue, const char *owner, double weight)
{
	struct parts_job job = { .owner = owner, .weight = weight };
	struct call call = { .queue = queue, .job = &job };
	assert_ok(run_unit(db, add_unit, &call, &why));
	return call.ret_job;
}

static enum err_code publish_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_publish(c->queue, tx, c->parts, err);
}

static void publish(struct part_queue *queue, int64_t job, int64_t first, size_t count, double cost)
{
	double costs[PARTS_BATCH_MAX];
	for (size_t i = 0; i < count; i++)
		costs[i] = cost;
	struct parts_new parts = { .job = job, .stage = 1, .first = first, .costs = costs, .count = count };
	struct call call = { .queue = queue, .parts = &parts };
	assert_ok(run_unit(db, publish_unit, &call, &why));
}

static enum err_code claim_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	c->count = c->max;
	return parts_claim(c->queue, tx, c->stage, c->claims, &c->count, err);
}

static size_t claim(struct part_queue *queue, struct part_claim *ret, size_t max)
{
	struct call call = { .queue = queue, .stage = 1, .claims = ret, .max = max };
	struct db_work work = { .mode = DB_WRITE_RELAXED, .is_single = true, .run = claim_unit, .arg = &call };
	assert_ok(db_run(db, &work, &why));
	return call.count;
}

static enum err_code complete_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_complete(tx, c->claims, c->max, c->accepted, err);
}

static size_t complete(struct part_claim *claims, size_t count, bool *ret_accepted)
{
	struct call call = { .claims = claims, .max = count, .accepted = ret_accepted };
	struct db_work work = { .mode = DB_WRITE, .is_single = true, .run = complete_unit, .arg = &call };
	assert_ok(db_run(db, &work, &why));
	size_t accepted = 0;
	for (size_t i = 0; i < count; i++)
		accepted += ret_accepted[i];
	return accepted;
}

static enum err_code release_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_release(c->queue, tx, c->claims, c->flag, &c->fate, err);
}

static enum parts_fate release(struct part_queue *queue, struct part_claim *claim_, bool is_failure)
{
	struct call call = { .queue = queue, .claims = claim_, .flag = is_failure };
	assert_ok(run_unit(db, release_unit, &call, &why));
	return call.fate;
}

static enum err_code beat_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_beat(c->queue, tx, c->beat, err);
}

static enum err_code beat(struct part_queue *queue, struct parts_beat *ret)
{
	struct call call = { .queue = queue, .beat = ret };
	struct err err;
	return run_unit(db, beat_unit, &call, &err);
}

static enum err_code end_unit(struct db_tx *tx, void *arg, struct err *err)
{
	return parts_end_job(tx, *(const int64_t *)arg, err);
}

static void end_job(int64_t job)
{
	assert_ok(run_unit(db, end_unit, &job, &why));
}

static int open_queue(void **state)
{
	run_sql(db, "DELETE FROM queue_jobs");
	run_sql(db, "DELETE FROM queue_owners");
	run_sql(db, "DELETE FROM queue_nodes");
	run_sql(db, "UPDATE queue_clock SET now = 0");
	struct part_queue *queue = new_node();
	join(queue, true);
	*state = queue;
	return 0;
}

static int close_queue(void **state)
{
	part_queue_free(*state);
	return 0;
}

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
	assert_int_equal(release(q, &claims[3], false), PARTS_READY);
	struct part_claim again[10];
	assert_int_equal(claim(q, again, 1), 1);
	assert_int_equal(again[0].id, claims[3].id);
	/* Another node's notice does the same. */
	struct part_queue *other = new_node();
	join(other, false);
	assert_int_equal(release(other, &claims[5], false), PARTS_READY);
	char text[48];
	(void)snprintf(text, sizeof text, "1 %lld", (long long)claims[5].rank);
	assert_int_equal(parts_heard(q, text), 1);
	assert_int_equal(claim(q, again, 1), 1);
	assert_int_equal(again[0].id, claims[5].id);
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
		assert_int_equal(release(q, &c, true), PARTS_WAITS);
		assert_int_equal(claim(q, &c, 1), 0);
		clock_sleep_us(failure * BACKOFF_US);
		assert_int_equal(beat(q, &seen), ERR_OK);
		assert_int_equal(seen.due, 1);
	}
	assert_int_equal(claim(q, &c, 1), 1);
	assert_int_equal(release(q, &c, true), PARTS_GIVEN_UP);
	assert_int_equal(claim(q, &c, 1), 0);
}

static void a_retry_survives_a_clock_that_was_put_back(void **state)
{
	struct part_queue *q = *state;
	struct part_claim c;
	struct parts_beat seen;
	publish(q, add_job(q, NULL, 1), 0, 1, 20);
	assert_int_equal(claim(q, &c, 1), 1);
	assert_int_equal(release(q, &c, true), PARTS_WAITS);
	run_sql(db, "UPDATE parts SET due = due + 86400000000");
	assert_int_equal(beat(q, &seen), ERR_OK);
	assert_int_equal(seen.due, 1);
}

/* -- nodes --------------------------------------------------------------------------------------------- */

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
	clock_sleep_us(LEASE_US);
	assert_int_equal(beat(dead, &seen), ERR_OK);
	assert_int_equal(beat(q, &seen), ERR_OK);
	assert_int_equal(seen.recovered, 0);
	clock_sleep_us(LEASE_US);
	assert_int_equal(beat(q, &seen), ERR_OK);
	assert_int_equal(seen.recovered, 2);
	/* Refused as soon as it is ready again, and once another has it. */
	assert_int_equal(complete(&late[1], 1, accepted), 0);
	assert_int_equal(claim(q, again, 3), 2);
	assert_int_equal(again[0].id, late[1].id);
	assert_int_equal(again[0].failures, 1);
	assert_int_equal(complete(&late[1], 2, accepted), 0);
	assert_int_equal(complete(again, 2, accepted), 2);
	/* The node learns that it was taken for dead, and may come back. */
	assert_int_equal(beat(dead, &seen), ERR_CANCELLED);
	join(dead, false);
	assert_int_equal(beat(dead, &seen), ERR_OK);
	part_queue_free(dead);
}

static void a_part_that_kills_its_node_again_and_again_is_given_up(void **state)
{
	struct part_queue *q = *state;
	struct parts_beat seen;
	struct part_claim c;
	publish(q, add_job(q, NULL, 1), 0, 1, 20);
	for (int i = 1; i <= 3; i++) {
		struct part_queue *dead = new_node();
		join(dead, false);
		assert_int_equal(claim(dead, &c, 1), 1);
		part_queue_free(dead);
		/* As after a crash and a restart of the only server. */
		join(q, true);
		assert_int_equal(beat(q, &seen), ERR_OK);
		assert_int_equal(seen.recovered, i < 3);
		assert_int_equal(seen.given_up_count, i == 3);
	}
	assert_int_equal(seen.given_up[0].id, c.id);
	assert_int_equal(seen.given_up[0].job, c.job);
	assert_int_equal(claim(q, &c, 1), 0);
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

/* -- fair shares --------------------------------------------------------------------------------------- */

enum { OWNERS = 4, FAIR_ROUNDS = 400 };

/* A small generator of our own, so that a failure can be run again. */
static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

struct tenant {
	char owner[PARTS_OWNER_BYTES * 2];
	double weight;
	double served; /* seconds */
	int64_t jobs[6];
	int64_t published[6];
	int job_count;
};

static struct tenant *tenant_of(struct tenant *tenants, int64_t job)
{
	for (int i = 0; i < OWNERS; i++) {
		for (int j = 0; j < tenants[i].job_count; j++) {
			if (tenants[i].jobs[j] == job)
				return &tenants[i];
		}
	}
	return NULL;
}

/* Whatever the number of their jobs and the size of their parts, owners that always have something waiting are served
 * by their weights: the shares differ by a few parts, not by a proportion. */
static void owners_are_served_by_weight(void **state)
{
	struct part_queue *q = *state;
	for (unsigned seed = 1; seed <= 3; seed++) {
		unsigned random = seed * 7919;
		struct tenant tenants[OWNERS];
		double weights = 0;
		(void)open_queue(state);
		part_queue_free(q);
		q = *state;
		for (int i = 0; i < OWNERS; i++) {
			tenants[i] = (struct tenant){ .weight = 1 + next_random(&random) % 3,
						      .job_count = 1 + (int)(next_random(&random) % 6) };
			(void)snprintf(tenants[i].owner, sizeof tenants[i].owner, "owner-%02u-%02d-padding", seed, i);
			weights += tenants[i].weight;
			for (int j = 0; j < tenants[i].job_count; j++)
				tenants[i].jobs[j] = add_job(q, tenants[i].owner, tenants[i].weight);
			for (int j = 0; j < tenants[i].job_count; j++) {
				publish(q, tenants[i].jobs[j], 0, FAIR_ROUNDS / 2, 5 + next_random(&random) % 20);
			}
		}
		double total = 0;
		for (int round = 0; round < FAIR_ROUNDS; round++) {
			struct part_claim c;
			assert_int_equal(claim(q, &c, 1), 1);
			cleanup_rows struct db_rows rows = DB_ROWS_INIT;
			static const struct db_stmt cost = { .sql = "SELECT cost FROM parts WHERE id = $1",
							     .params = "i" };
			struct db_value params[] = { db_int(c.id) };
			assert_ok(db_run_stmt(db, DB_READ, &cost, params, &rows, &why));
			double seconds = (double)db_get_int(&rows, 0, 0) / 1e6;
			tenant_of(tenants, c.job)->served += seconds;
			total += seconds;
		}
		for (int i = 0; i < OWNERS; i++) {
			double due = total * tenants[i].weight / weights;
			double error = tenants[i].served - due;
			if (error > 0.15 * due + 150 || error < -0.15 * due - 150)
				fail_msg("seed %u: owner %d of weight %g with %d jobs got %g s of %g s", seed, i,
					 tenants[i].weight, tenants[i].job_count, tenants[i].served, due);
		}
	}
}

static void a_thousand_jobs_of_one_owner_do_not_hold_up_anothers_first(void **state)
{
	struct part_queue *q = *state;
	struct part_claim c;
	for (int i = 0; i < 100; i++)
		publish(q, add_job(q, "owner-of-many---", 1), 0, 1, 20);
	assert_int_equal(claim(q, &c, 1), 1);
	int64_t job = add_job(q, "owner-of-one----", 1);
	publish(q, job, 0, 1, 20);
	int waited = 0;
	while (claim(q, &c, 1) == 1 && c.job != job)
		waited++;
	assert_in_range(waited, 0, 3);
}

static void an_owners_short_job_does_not_wait_behind_its_long_one(void **state)
{
	struct part_queue *q = *state;
	struct part_claim c;
	int64_t lecture = add_job(q, "one-owner-------", 1);
	publish(q, lecture, 0, 250, 20);
	for (int i = 0; i < 10; i++)
		assert_int_equal(claim(q, &c, 1), 1);
	int64_t clip = add_job(q, "one-owner-------", 1);
	publish(q, clip, 0, 1, 3);
	int waited = 0;
	while (claim(q, &c, 1) == 1 && c.job != clip)
		waited++;
	assert_in_range(waited, 0, 3);
	end_job(lecture);
	end_job(clip);
	end_job(clip);
	assert_int_equal(get_number(db, "SELECT active FROM queue_owners"), 0);
	assert_int_equal(get_number(db, "SELECT count(*) FROM parts"), 0);
}

static void another_node_knows_the_virtual_time_after_a_beat(void **state)
{
	struct part_queue *q = *state;
	struct parts_beat seen;
	struct part_claim claims[50];
	publish(q, add_job(q, NULL, 1), 0, 100, 20);
	assert_int_equal(claim(q, claims, 50), 50);
	assert_int_equal(beat(q, &seen), ERR_OK);
	struct part_queue *other = new_node();
	join(other, false);
	publish(other, add_job(other, NULL, 1), 0, 1, 20);
	assert_int_equal(get_number(db, "SELECT max(start) FROM parts WHERE idx = 0"), 49 * 20 * 1000000LL);
	part_queue_free(other);
}

#define WITH_QUEUE(test) cmocka_unit_test_setup_teardown(test, open_queue, close_queue)

static int open_place(void **state)
{
	(void)state;
	struct db_config config = store_config(&place);
	assert_ok(db_open(&config, NULL, &db, &why));
	assert_ok(migrate_up(db, &why));
	return 0;
}

static int close_place(void **state)
{
	(void)state;
	db_close(db);
	return 0;
}

int main(int argc, char **argv)
{
	int status = argc == 2 ? store_place_init(&place, argv[1], "/tmp", "") : 64;
	if (status != 0)
		return status;
	const struct CMUnitTest tests[] = {
		WITH_QUEUE(a_batch_comes_in_order_and_is_completed_at_once),
		WITH_QUEUE(publishing_twice_changes_nothing),
		WITH_QUEUE(a_part_that_becomes_ready_behind_the_hint_is_found),
		WITH_QUEUE(a_part_that_fails_waits_longer_each_time_and_is_given_up),
		WITH_QUEUE(a_retry_survives_a_clock_that_was_put_back),
		WITH_QUEUE(a_dead_nodes_parts_are_claimed_again_and_its_late_answer_is_refused),
		WITH_QUEUE(a_part_that_kills_its_node_again_and_again_is_given_up),
		WITH_QUEUE(a_node_that_leaves_gives_its_parts_back_at_once),
		WITH_QUEUE(owners_are_served_by_weight),
		WITH_QUEUE(a_thousand_jobs_of_one_owner_do_not_hold_up_anothers_first),
		WITH_QUEUE(an_owners_short_job_does_not_wait_behind_its_long_one),
		WITH_QUEUE(another_node_knows_the_virtual_time_after_a_beat),
	};
	status = cmocka_run_group_tests_name(argv[1], tests, open_place, close_place);
	store_place_done(&place);
	return status;
}
