#include <pthread.h>

#include "base/clock.h"
#include "bench.h"

/* A node: four claimers, one of which is woken by each notice. */
struct node {
	struct board *board;
	struct node_claimer {
		struct claimer claimer; /* first */
		struct board *board;
	} claimers[CLAIMERS];
	struct db_listener *listener;
	uv_timer_t timer;
};

static void submit(struct claimer *c, enum db_mode mode,
		   enum err_code (*unit)(struct db_tx *tx, void *arg, struct err *err),
		   void (*done)(void *arg, enum err_code code, const struct err *err))
{
	struct db_work work = { .mode = mode, .is_single = true, .run = unit, .done = done, .arg = c };
	struct err err;
	c->is_busy = true;
	if (db_submit(c->db, &work, &err) != ERR_OK)
		bench_die("pick-up", &err);
}

static void on_claimed(void *arg, enum err_code code, const struct err *err);

static void on_completed(void *arg, enum err_code code, const struct err *err)
{
	struct claimer *c = arg;
	if (code != ERR_OK)
		bench_die("pick-up", err);
	submit(c, DB_WRITE_RELAXED, claimer_claim, on_claimed);
}

static void on_claimed(void *arg, enum err_code code, const struct err *err)
{
	struct claimer *c = arg;
	struct board *board = ((struct node_claimer *)arg)->board;
	int64_t now = clock_monotonic_us();
	if (code != ERR_OK)
		bench_die("pick-up", err);
	c->is_busy = false;
	for (size_t i = 0; i < c->count; i++) {
		int64_t index = c->claims[i].index;
		board->pickup_us[index] = now - board->published_us[index];
		board->pickups++;
	}
	if (c->count > 0)
		submit(c, DB_WRITE, claimer_complete, on_completed);
}

static void on_notice(void *arg, const char *text)
{
	struct node *node = arg;
	/* The first word from PostgreSQL is that listening has begun. */
	node->board->ready = 1;
	(void)parts_heard(node->claimers[0].claimer.queue, text);
	for (int i = 0; i < CLAIMERS; i++) {
		if (!node->claimers[i].claimer.is_busy) {
			submit(&node->claimers[i].claimer, DB_WRITE_RELAXED, claimer_claim, on_claimed);
			break;
		}
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct node *node = timer->data;
	if (!node->board->stop)
		return;
	uv_close((uv_handle_t *)timer, NULL);
	db_unlisten(node->listener);
	db_close(node->claimers[0].claimer.db);
}

/* The node's database, for a publisher in the same process. */
static _Atomic(struct db *) node_db;

static void *node_main(void *arg)
{
	static struct node node;
	uv_loop_t loop;
	struct err err;
	struct bench *bench = arg;
	(void)uv_loop_init(&loop);
	struct db *db = bench_open(bench, &loop, CLAIMERS);
	node.board = bench->board;
	claimer_begin(&node.claimers[0].claimer, db, 1);
	node.claimers[0].board = bench->board;
	/* Claimers of one node share its queue. */
	for (int i = 1; i < CLAIMERS; i++)
		node.claimers[i] = node.claimers[0];
	if (db_listen(db, PARTS_CHANNEL, on_notice, &node, &node.listener, &err) != ERR_OK)
		bench_die("listen", &err);
	(void)uv_timer_init(&loop, &node.timer);
	node.timer.data = &node;
	(void)uv_timer_start(&node.timer, on_tick, 50, 50);
	node_db = db;
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop);
	part_queue_free(node.claimers[0].claimer.queue);
	return NULL;
}

struct publication {
	struct part_queue *queue;
	int64_t index;
	int64_t job;
};

static enum err_code publication_job_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct publication *p = arg;
	struct parts_job job = { .weight = 1 };
	return parts_add_job(p->queue, tx, &job, &p->job, err);
}

static enum err_code publish_unit(struct db_tx *tx, void *arg, struct err *err)
{
	const struct publication *p = arg;
	double cost = 0.00002;
	struct parts_new parts = { .job = p->job, .stage = 1, .first = p->index, .costs = &cost, .count = 1 };
	return parts_publish(p->queue, tx, &parts, err);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

static void publish_evenly(struct board *board, struct db *db)
{
	struct part_queue_config config = { .node = "publisher" };
	struct publication p = { .queue = NULL };
	struct err err;
	struct db_work job_work = { .mode = DB_WRITE, .run = publication_job_unit, .arg = &p };
	struct db_work work = { .mode = DB_WRITE, .run = publish_unit, .arg = &p };
	if (part_queue_new(&config, &p.queue, &err) != ERR_OK || db_run(db, &job_work, &err) != ERR_OK)
		bench_die("publish", &err);
	int64_t next = clock_monotonic_us();
	for (; p.index < PICKUPS; p.index++) {
		next += US_PER_S / PICKUPS_PER_S;
		int64_t left = next - clock_monotonic_us();
		if (left > 0)
			clock_sleep_us(left);
		board->published_us[p.index] = clock_monotonic_us();
		if (db_run(db, &work, &err) != ERR_OK)
			bench_die("publish", &err);
	}
	int64_t end = clock_monotonic_us() + 5 * US_PER_S;
	while (board->pickups < PICKUPS && clock_monotonic_us() < end)
		clock_sleep_us(1000);
	part_queue_free(p.queue);
}

static double percentile_ms(const struct board *board, int percent)
{
	int index = PICKUPS * percent / 100;
	return (double)board->pickup_us[index < PICKUPS ? index : PICKUPS - 1] / 1000;
}

void measure_pickup(struct bench *bench, const char *name)
{
	struct board *board = bench->board;
	pthread_t thread = { 0 };
	pid_t pid = 0;
	memset(board, 0, sizeof *board);
	if (bench->place.kind != DB_POSTGRES) {
		node_db = NULL;
		(void)pthread_create(&thread, NULL, node_main, bench);
		while (!node_db)
			clock_sleep_us(1000);
		publish_evenly(board, node_db);
	} else if ((pid = fork()) == 0) {
		(void)node_main(bench);
		_exit(0);
	} else {
		while (!board->ready)
			clock_sleep_us(1000);
		struct db *db = bench_open(bench, NULL, 1);
		publish_evenly(board, db);
		db_close(db);
	}
	board->stop = true;
	if (bench->place.kind == DB_POSTGRES)
		(void)waitpid(pid, NULL, 0);
	else
		(void)pthread_join(thread, NULL);
	qsort(board->pickup_us, PICKUPS, sizeof board->pickup_us[0], compare);
	printf("%-42s %d/s, %d of %d: p50 %.2f ms, p99 %.2f ms, most %.2f ms\n", name, PICKUPS_PER_S, board->pickups,
	       PICKUPS, percentile_ms(board, 50), percentile_ms(board, 99), percentile_ms(board, 100));
	(void)fflush(stdout);
}
