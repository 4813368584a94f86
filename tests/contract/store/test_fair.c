/* The queue's fairness between owners, over the back end that the first argument names. */
#include "parts_calls.h"

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

static void a_thousand_uploads_of_one_owner_do_not_hold_up_anothers_plan(void **state)
{
	struct part_queue *q = *state;
	struct part_claim c;
	for (int i = 0; i < 100; i++)
		publish_stage(q, add_job(q, "owner-of-many---", 1), PARTS_PLAN);
	assert_int_equal(claim_stage(q, PARTS_PLAN, &c, 1), 1);
	int64_t job = add_job(q, "owner-of-one----", 1);
	publish_stage(q, job, PARTS_PLAN);
	int waited = 0;
	while (claim_stage(q, PARTS_PLAN, &c, 1) == 1 && c.job != job)
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_QUEUE(owners_are_served_by_weight),
		WITH_QUEUE(a_thousand_jobs_of_one_owner_do_not_hold_up_anothers_first),
		WITH_QUEUE(a_thousand_uploads_of_one_owner_do_not_hold_up_anothers_plan),
		WITH_QUEUE(an_owners_short_job_does_not_wait_behind_its_long_one),
		WITH_QUEUE(another_node_knows_the_virtual_time_after_a_beat),
	};
	return RUN_OVER_BACKEND(tests);
}
