/*
 * Claimers at once: processes on PostgreSQL, threads on SQLite, where only one process is a server. No part is ever
 * given to two of them, and none is lost, while jobs are added and a claimer is killed in the middle.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "cases.h"
#include "store/migrate.h"
#include "store/queue.h"

enum { CLAIMERS = 4, PARTS = 2000, BATCH = 8 };

/* Shared by all claimers, whatever they are. */
struct board {
	_Atomic int completed[PARTS]; /* accepted completions of each part */
	_Atomic int total;
	_Atomic bool is_failed;
};

static struct store_place place;
static struct board *board;

struct claimer {
	struct db *db;
	struct part_queue *queue;
	struct part_claim claims[BATCH];
	size_t count;
	bool accepted[BATCH];
	struct parts_beat beat;
};

static enum err_code join_unit(struct db_tx *tx, void *arg, struct err *err)
{
	return parts_join(((struct claimer *)arg)->queue, tx, false, err);
}

static enum err_code claim_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct claimer *c = arg;
	c->count = BATCH;
	return parts_claim(c->queue, tx, 1, c->claims, &c->count, err);
}

static enum err_code complete_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct claimer *c = arg;
	return parts_complete(tx, c->claims, c->count, c->accepted, err);
}

static enum err_code beat_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct claimer *c = arg;
	return parts_beat(c->queue, tx, &c->beat, err);
}

static enum err_code run(struct claimer *c, enum err_code (*unit)(struct db_tx *tx, void *arg, struct err *err))
{
	struct err err;
	struct db_work work = { .mode = DB_WRITE, .run = unit, .arg = c };
	return db_run(c->db, &work, &err);
}

/* On a busy machine a claimer may be taken for dead; then it begins anew. */
static enum err_code beat(struct claimer *c)
{
	enum err_code code = run(c, beat_unit);
	return code == ERR_CANCELLED ? run(c, join_unit) : code;
}

static enum err_code work_once(struct claimer *c)
{
	enum err_code code = beat(c);
	if (code == ERR_OK)
		code = run(c, claim_unit);
	if (code != ERR_OK || c->count == 0)
		return code;
	code = run(c, complete_unit);
	for (size_t i = 0; code == ERR_OK && i < c->count; i++) {
		if (!c->accepted[i])
			continue;
		board->completed[c->claims[i].index]++;
		board->total++;
	}
	return code;
}

static void work(struct claimer *c)
{
	struct part_queue_config config = { .node = "claimer", .lease_us = US_PER_S };
	struct err err;
	int64_t end = clock_monotonic_us() + 30 * US_PER_S;
	bool is_ok = part_queue_new(&config, &c->queue, &err) == ERR_OK && run(c, join_unit) == ERR_OK;
	while (is_ok && board->total < PARTS && clock_monotonic_us() < end)
		is_ok = work_once(c) == ERR_OK;
	if (!is_ok)
		board->is_failed = true;
	part_queue_free(c->queue);
}

static void *thread_main(void *arg)
{
	struct claimer c = { .db = arg };
	work(&c);
	return NULL;
}

static pid_t start_process(void)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	struct db_config config = store_config(&place);
	config.pool_min = 1;
	struct err err;
	struct claimer c = { .db = NULL };
	if (store_open(&place, &config, NULL, &c.db, &err) != ERR_OK)
		_exit(1);
	work(&c);
	db_close(c.db);
	_exit(0);
}

struct publication {
	struct part_queue *queue;
	int64_t job;
	int64_t first;
};

static enum err_code job_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct publication *p = arg;
	struct parts_job job = { .weight = 1 };
	return parts_add_job(p->queue, tx, &job, &p->job, err);
}

static enum err_code publish_unit(struct db_tx *tx, void *arg, struct err *err)
{
	const struct publication *p = arg;
	double costs[100];
	for (size_t i = 0; i < ARRAY_LEN(costs); i++)
		costs[i] = 20;
	struct parts_new parts = {
		.job = p->job, .stage = 1, .first = p->first, .costs = costs, .count = ARRAY_LEN(costs)
	};
	return parts_publish(p->queue, tx, &parts, err);
}

static void publish_all(struct db *db)
{
	struct part_queue_config config = { .node = "publisher" };
	struct publication p = { .queue = NULL };
	assert_ok(part_queue_new(&config, &p.queue, &why));
	for (; p.first < PARTS; p.first += 100) {
		assert_ok(run_unit(db, job_unit, &p, &why));
		assert_ok(run_unit(db, publish_unit, &p, &why));
	}
	part_queue_free(p.queue);
}

static void every_part_is_completed_exactly_once(void)
{
	assert_false(board->is_failed);
	assert_int_equal(board->total, PARTS);
	for (int i = 0; i < PARTS; i++)
		assert_int_equal(board->completed[i], 1);
}

static struct db *open_place(void)
{
	struct db_config config = store_config(&place);
	struct db *db;
	assert_ok(store_open(&place, &config, NULL, &db, &why));
	assert_ok(migrate_up(db, &why));
	return db;
}

static void no_thread_gets_what_another_has(void **state)
{
	(void)state;
	pthread_t threads[CLAIMERS];
	struct db *db = open_place();
	for (int i = 0; i < CLAIMERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_main, db), 0);
	publish_all(db);
	for (int i = 0; i < CLAIMERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	every_part_is_completed_exactly_once();
	db_close(db);
}

/* A killed process may have completed parts without telling the board; all others must have been completed once. */
static void no_process_gets_what_another_has_and_a_killed_ones_parts_come_again(void **state)
{
	(void)state;
	pid_t pids[CLAIMERS + 1];
	struct db *db = open_place();
	/* Its threads must be gone before the process forks. */
	db_close(db);
	for (int i = 0; i < CLAIMERS + 1; i++)
		pids[i] = start_process();
	db = open_place();
	publish_all(db);
	int64_t end = clock_monotonic_us() + 25 * US_PER_S;
	while (board->total < PARTS / 4 && clock_monotonic_us() < end)
		clock_sleep_us(US_PER_MS);
	(void)kill(pids[CLAIMERS], SIGKILL);
	while (get_number(db, "SELECT count(*) FROM parts WHERE status <> 2") > 0 && clock_monotonic_us() < end)
		clock_sleep_us(10 * US_PER_MS);
	assert_int_equal(get_number(db, "SELECT count(*) FROM parts WHERE status = 2"), PARTS);
	int untold = 0;
	for (int i = 0; i < PARTS; i++) {
		assert_in_range(board->completed[i], 0, 1);
		untold += board->completed[i] == 0;
	}
	assert_in_range(untold, 0, BATCH);
	assert_false(board->is_failed);
	board->total = PARTS;
	for (int i = 0; i < CLAIMERS + 1; i++)
		(void)waitpid(pids[i], NULL, 0);
	db_close(db);
}

int main(int argc, char **argv)
{
	int status = argc == 2 ? store_place_init(&place, argv[1], "/tmp", "") : 64;
	if (status != 0)
		return status;
	board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct CMUnitTest threads[] = { cmocka_unit_test(no_thread_gets_what_another_has) };
	const struct CMUnitTest processes[] = { cmocka_unit_test(
		no_process_gets_what_another_has_and_a_killed_ones_parts_come_again) };
	if (board == MAP_FAILED)
		status = 1;
	else if (place.kind == DB_POSTGRES)
		status = cmocka_run_group_tests_name(argv[1], processes, NULL, NULL);
	else
		status = cmocka_run_group_tests_name(argv[1], threads, NULL, NULL);
	store_place_done(&place);
	return status;
}
