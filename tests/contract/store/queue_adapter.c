/* jobs/queue.h over store/queue.h, so that the durable queue passes the tests of the one in memory. */
#include <assert.h>
#include <stdlib.h>

#include "jobs/queue.h"
#include "queue_under_test.h"
#include "store/migrate.h"
#include "store/queue.h"
#include "support/store.h"

struct adapter {
	struct queue base;
	struct db *db;
	struct part_queue *parts;
};

/* One call of the queue as a unit of work. */
struct call {
	struct adapter *a;
	int64_t job;
	int stage;
	const struct parts_job *add;
	const struct parts_new *publish;
	struct part_claim claim;
	size_t count;
	bool flag;
	enum parts_fate fate;
	int64_t number;
};

static struct store_place place;
static struct db *shared_db;

static _Noreturn void give_up(const struct err *err)
{
	(void)fprintf(stderr, "%s\n", err->message);
	abort();
}

static enum err_code run(struct call *call, enum err_code (*unit)(struct db_tx *tx, void *arg, struct err *err),
			 struct err *err)
{
	struct db_work work = { .mode = DB_WRITE, .run = unit, .arg = call };
	return db_run(call->a->db, &work, err);
}

static enum err_code add_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_add_job(c->a->parts, tx, c->add, &c->job, err);
}

static enum err_code adapter_add_job(struct queue *queue, double weight, int priority, uint64_t *ret, struct err *err)
{
	struct parts_job job = { .weight = weight, .priority = priority };
	struct call call = { .a = (struct adapter *)queue, .add = &job };
	enum err_code code = run(&call, add_unit, err);
	if (code == ERR_OK)
		*ret = (uint64_t)call.job;
	return code;
}

static enum err_code publish_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_publish(c->a->parts, tx, c->publish, err);
}

static enum err_code adapter_publish(struct queue *queue, uint64_t job, enum queue_stage stage, uint32_t index,
				     double cost, struct err *err)
{
	struct parts_new part = {
		.job = (int64_t)job, .stage = (int)stage, .first = index, .costs = &cost, .count = 1
	};
	struct call call = { .a = (struct adapter *)queue, .publish = &part };
	return run(&call, publish_unit, err);
}

static enum err_code claim_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	c->count = 1;
	return parts_claim(c->a->parts, tx, c->stage, &c->claim, &c->count, err);
}

static bool adapter_claim(struct queue *queue, enum queue_stage stage, struct queue_claim *ret)
{
	struct call call = { .a = (struct adapter *)queue, .stage = (int)stage };
	struct err err;
	if (run(&call, claim_unit, &err) != ERR_OK)
		give_up(&err);
	/* The one number must carry the part's id, its token and its failures. */
	const struct part_claim *claim = &call.claim;
	if (call.count > 0)
		*ret = (struct queue_claim){
			.job = (uint64_t)claim->job,
			.stage = stage,
			.index = (uint32_t)claim->index,
			.token = (uint64_t)(claim->id << 24 | claim->token << 8 | claim->failures),
			.failures = (int)claim->failures,
		};
	return call.count > 0;
}

static struct part_claim unpack(const struct queue_claim *claim)
{
	return (struct part_claim){ .id = (int64_t)(claim->token >> 24),
				    .token = (int64_t)(claim->token >> 8 & 0xffff),
				    .failures = (int64_t)(claim->token & 0xff),
				    .stage = (int)claim->stage,
				    .rank = INT64_MIN };
}

static enum err_code complete_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_complete(tx, &c->claim, 1, &c->flag, err);
}

static enum err_code adapter_complete(struct queue *queue, const struct queue_claim *claim, struct err *err)
{
	struct call call = { .a = (struct adapter *)queue, .claim = unpack(claim) };
	enum err_code code = run(&call, complete_unit, err);
	return code == ERR_OK && !call.flag ? err_set(err, ERR_CANCELLED, "refused") : code;
}

static enum err_code release_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_release(c->a->parts, tx, &c->claim, c->flag ? PARTS_FAILED : PARTS_RETURNED, &c->fate, err);
}

static enum err_code adapter_release(struct queue *queue, const struct queue_claim *claim, bool is_failure,
				     bool *ret_given_up, struct err *err)
{
	struct call call = { .a = (struct adapter *)queue, .claim = unpack(claim), .flag = is_failure };
	enum err_code code = run(&call, release_unit, err);
	if (code == ERR_OK)
		*ret_given_up = call.fate == PARTS_GIVEN_UP;
	return code;
}

static enum err_code end_unit(struct db_tx *tx, void *arg, struct err *err)
{
	return parts_end_job(tx, ((struct call *)arg)->job, err);
}

static void adapter_end_job(struct queue *queue, uint64_t job)
{
	struct call call = { .a = (struct adapter *)queue, .job = (int64_t)job };
	struct err err;
	if (run(&call, end_unit, &err) != ERR_OK)
		give_up(&err);
}

static enum err_code ready_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	return parts_ready(tx, c->stage, 1000000, &c->number, err);
}

static uint64_t adapter_ready(const struct queue *queue, enum queue_stage stage)
{
	struct call call = { .a = (struct adapter *)(uintptr_t)queue, .stage = (int)stage };
	struct err err;
	if (run(&call, ready_unit, &err) != ERR_OK)
		give_up(&err);
	return (uint64_t)call.number;
}

static void adapter_free(struct queue *queue)
{
	struct adapter *a = (struct adapter *)queue;
	part_queue_free(a->parts);
	free(a);
}

static const struct queue_ops adapter_ops = { .free = adapter_free,
					      .add_job = adapter_add_job,
					      .publish = adapter_publish,
					      .claim = adapter_claim,
					      .complete = adapter_complete,
					      .release = adapter_release,
					      .end_job = adapter_end_job,
					      .ready = adapter_ready };

static const struct db_stmt empty_jobs = { .sql = "DELETE FROM queue_jobs", .params = "" };

static enum err_code join_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct call *c = arg;
	enum err_code code = db_post(tx, &empty_jobs, NULL, err);
	return code == ERR_OK ? parts_join(c->a->parts, tx, true, err) : code;
}

enum err_code queue_under_test_new(struct queue **ret, struct err *err)
{
	struct part_queue_config config = { .node = "test", .attempts_max = QUEUE_ATTEMPTS_MAX, .backoff_us = -1 };
	struct adapter *a = calloc(1, sizeof *a);
	assert(a);
	a->base.ops = &adapter_ops;
	a->db = shared_db;
	struct call call = { .a = a };
	enum err_code code = part_queue_new(&config, &a->parts, err);
	if (code == ERR_OK)
		code = run(&call, join_unit, err);
	*ret = (struct queue *)a;
	return code;
}

int queue_under_test_begin(int argc, char **argv)
{
	struct err err;
	int status = argc == 2 ? store_place_init(&place, argv[1], "/tmp", "") : 64;
	if (status != 0)
		return status;
	struct db_config config = store_config(&place);
	if (store_open(&place, &config, NULL, &shared_db, &err) != ERR_OK || migrate_up(shared_db, &err) != ERR_OK) {
		(void)fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	return 0;
}

void queue_under_test_end(void)
{
	db_close(shared_db);
	store_place_done(&place);
}
