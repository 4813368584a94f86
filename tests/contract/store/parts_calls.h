/* The queue's calls, each as a unit of work that must go well, and an empty queue for each test. For one program at a
 * time: the place and the database are its own. */
#ifndef TIRO_TESTS_CONTRACT_STORE_PARTS_CALLS_H
#define TIRO_TESTS_CONTRACT_STORE_PARTS_CALLS_H

#include "base/clock.h"
#include "cases.h"
#include "store/migrate.h"
#include "store/queue.h"

static struct store_place place;
static struct db *db;

enum { BACKOFF_US = 1000, LEASE_US = 100 * 1000, LAPSES_MAX = 4 };

static inline struct part_queue *new_node(void)
{
	struct part_queue_config config = { .node = "test",
					    .lapses_max = LAPSES_MAX,
					    .lease_us = LEASE_US,
					    .backoff_us = BACKOFF_US,
					    .backoff_max_us = 3 * BACKOFF_US };
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
	enum parts_reason reason;
	enum parts_fate fate;
	struct parts_beat *beat;
};

static inline enum err_code join_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_join(c->queue, tx, c->flag, err);
}

static inline void join(struct part_queue *queue, bool is_alone)
{
	struct call call = { .queue = queue, .flag = is_alone };
	assert_ok(run_unit(db, join_unit, &call, &why));
}

static inline enum err_code leave_unit(struct db_tx *tx, void *arg, struct err *err)
{
	return parts_leave(((struct call *)arg)->queue, tx, err);
}

static inline enum err_code add_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_add_job(c->queue, tx, c->job, &c->ret_job, err);
}

static inline int64_t add_job(struct part_queue *queue, const char *owner, double weight)
{
	struct parts_job job = { .owner = owner, .weight = weight };
	struct call call = { .queue = queue, .job = &job };
	assert_ok(run_unit(db, add_unit, &call, &why));
	return call.ret_job;
}

static inline enum err_code publish_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_publish(c->queue, tx, c->parts, err);
}

static inline void publish_stage(struct part_queue *queue, int64_t job, enum parts_stage stage)
{
	static const double nothing = 0;
	struct parts_new parts = { .job = job, .stage = stage, .costs = &nothing, .count = 1 };
	struct call call = { .queue = queue, .parts = &parts };
	assert_ok(run_unit(db, publish_unit, &call, &why));
}

static inline void publish(struct part_queue *queue, int64_t job, int64_t first, size_t count, double cost)
{
	double costs[PARTS_BATCH_MAX];
	for (size_t i = 0; i < count; i++)
		costs[i] = cost;
	struct parts_new parts = {
		.job = job, .stage = PARTS_RECOGNISE, .first = first, .costs = costs, .count = count
	};
	struct call call = { .queue = queue, .parts = &parts };
	assert_ok(run_unit(db, publish_unit, &call, &why));
}

static inline enum err_code claim_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	c->count = c->max;
	return parts_claim(c->queue, tx, c->stage, c->claims, &c->count, err);
}

static inline size_t claim_stage(struct part_queue *queue, enum parts_stage stage, struct part_claim *ret, size_t max)
{
	struct call call = { .queue = queue, .stage = stage, .claims = ret, .max = max };
	struct db_work work = { .mode = DB_WRITE_RELAXED, .is_single = true, .run = claim_unit, .arg = &call };
	assert_ok(db_run(db, &work, &why));
	return call.count;
}

static inline size_t claim(struct part_queue *queue, struct part_claim *ret, size_t max)
{
	return claim_stage(queue, PARTS_RECOGNISE, ret, max);
}

static inline enum err_code complete_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_complete(tx, c->claims, c->max, c->accepted, err);
}

static inline size_t complete(struct part_claim *claims, size_t count, bool *ret_accepted)
{
	struct call call = { .claims = claims, .max = count, .accepted = ret_accepted };
	struct db_work work = { .mode = DB_WRITE, .is_single = true, .run = complete_unit, .arg = &call };
	assert_ok(db_run(db, &work, &why));
	size_t accepted = 0;
	for (size_t i = 0; i < count; i++)
		accepted += ret_accepted[i];
	return accepted;
}

static inline enum err_code release_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_release(c->queue, tx, c->claims, c->reason, &c->fate, err);
}

static inline enum parts_fate release(struct part_queue *queue, struct part_claim *claim_, enum parts_reason reason)
{
	struct call call = { .queue = queue, .claims = claim_, .reason = reason };
	assert_ok(run_unit(db, release_unit, &call, &why));
	return call.fate;
}

static inline enum err_code beat_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_beat(c->queue, tx, c->beat, err);
}

static inline enum err_code beat(struct part_queue *queue, struct parts_beat *ret)
{
	struct call call = { .queue = queue, .beat = ret };
	struct err err;
	return run_unit(db, beat_unit, &call, &err);
}

static inline enum err_code end_unit(struct db_tx *tx, void *arg, struct err *err)
{
	return parts_end_job(tx, *(const int64_t *)arg, err);
}

static inline void end_job(int64_t job)
{
	assert_ok(run_unit(db, end_unit, &job, &why));
}

static inline int open_queue(void **state)
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

static inline int close_queue(void **state)
{
	part_queue_free(*state);
	return 0;
}

#define WITH_QUEUE(test) cmocka_unit_test_setup_teardown(test, open_queue, close_queue)

static inline int open_place(void **state)
{
	(void)state;
	struct db_config config = store_config(&place);
	assert_ok(store_open(&place, &config, NULL, &db, &why));
	assert_ok(migrate_up(db, &why));
	return 0;
}

static inline int close_place(void **state)
{
	(void)state;
	db_close(db);
	return 0;
}

/* The program: the suite over the back end that the first argument names. */
#define RUN_OVER_BACKEND(tests)                                                                                        \
	__extension__({                                                                                                \
		int status = argc == 2 ? store_place_init(&place, argv[1], "/tmp", "") : 64;                           \
		if (status == 0) {                                                                                     \
			status = cmocka_run_group_tests_name(argv[1], tests, open_place, close_place);                 \
			store_place_done(&place);                                                                      \
		}                                                                                                      \
		status;                                                                                                \
	})

#endif
