/*
 * How many parts a second are claimed and completed, and how long a part that became ready waits until it is claimed.
 * Prints a table.
 *
 *   parts_bench postgres|file [FOLDER] [SCALE]
 *
 * Autovacuum comes every 5 s, not every minute, so that what its statistics do to plans shows in a short run.
 * FOLDER is where the database goes: /dev/shm (the default) or a disk. PostgreSQL has fsync on. SCALE 0.1 makes the
 * tables ten times smaller. Claimers are four: on PostgreSQL four processes, each a node with a connection of its own;
 * on SQLite four threads before the one writer. A claim is DB_WRITE_RELAXED, a completion DB_WRITE, each a unit of its
 * own.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "store/migrate.h"
#include "store/queue.h"
#include "support/store.h"

enum { CLAIMERS = 4, PICKUPS = 2000, PICKUPS_PER_S = 200 };

/* Shared by all processes. */
struct board {
	_Atomic long completed;
	_Atomic int ready; /* claimers that wait for the start */
	_Atomic bool go, stop;
	_Atomic int pickups;
	int64_t published_us[PICKUPS];
	int64_t pickup_us[PICKUPS];
};

static struct store_place place;
static struct board *board;

static void die(const char *what, const struct err *err)
{
	(void)fprintf(stderr, "%s: %s\n", what, err->message);
	exit(1);
}

static struct db *open_db(uv_loop_t *loop, int pool)
{
	struct db_config config = store_config(&place);
	struct db *db;
	struct err err;
	config.pool_min = pool;
	config.timeout_ms = 600 * 1000;
	if (db_open(&config, loop, &db, &err) != ERR_OK)
		die("open", &err);
	return db;
}

/* -- filling ------------------------------------------------------------------------------------------ */

static const struct db_stmt empty = { .sql = "DELETE FROM queue_jobs", .params = "" };
static const struct db_stmt add_job = {
	.sql = "INSERT INTO queue_jobs (owner, weight, rank_offset, finish_plan, finish_recognise, finish_finish) "
	       "VALUES (NULL, 1000, 0, 0, 0, 0) RETURNING id",
	.params = ""
};
static const struct db_stmt add_parts = {
	.sql = "INSERT INTO parts (job, stage, idx, status, rank, start, cost) "
	       "WITH RECURSIVE c (i) AS (SELECT $1 - $1 UNION ALL SELECT i + 1 FROM c WHERE i < $2 - 1) "
	       "SELECT $1, 1, i, $3, $4 + i * 20, $4 + i * 20, 20 FROM c",
	.params = "iiii"
};

static void run_stmt(struct db *db, const struct db_stmt *stmt, const struct db_value *params, struct db_rows *ret)
{
	struct err err;
	if (db_run_stmt(db, DB_WRITE, stmt, params, ret, &err) != ERR_OK)
		die("fill", &err);
}

static void fill(struct db *db, int64_t count, int status, int64_t rank)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	run_stmt(db, &add_job, NULL, &rows);
	struct db_value params[] = { db_int(db_get_int(&rows, 0, 0)), db_int(count), db_int(status), db_int(rank) };
	run_stmt(db, &add_parts, params, NULL);
}

static void vacuum(struct db *db)
{
	/* What autovacuum would have done before an evening's quiet; SQLite needs none. */
	static const struct db_stmt vacuum_stmt = { .sql = "VACUUM ANALYZE parts", .params = "", .is_once = true };
	if (place.kind == DB_POSTGRES)
		run_stmt(db, &vacuum_stmt, NULL, NULL);
}

/* -- claiming ----------------------------------------------------------------------------------------- */

struct claimer {
	struct db *db;
	struct part_queue *queue;
	struct part_claim claims[PARTS_BATCH_MAX];
	size_t max, count;
	bool accepted[PARTS_BATCH_MAX];
	bool is_busy;
};

static enum err_code join_unit(struct db_tx *tx, void *arg, struct err *err)
{
	return parts_join(((struct claimer *)arg)->queue, tx, false, err);
}

static enum err_code claim_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct claimer *c = arg;
	return parts_claim(c->queue, tx, 1, c->claims, c->max, &c->count, err);
}

static enum err_code complete_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct claimer *c = arg;
	return parts_complete(tx, c->claims, c->count, c->accepted, err);
}

static void run_unit(struct claimer *c, enum db_mode mode, bool is_single,
		     enum err_code (*unit)(struct db_tx *tx, void *arg, struct err *err))
{
	struct db_work work = { .mode = mode, .is_single = is_single, .run = unit, .arg = c };
	struct err err;
	if (db_run(c->db, &work, &err) != ERR_OK)
		die("claimer", &err);
}

static void begin(struct claimer *c, struct db *db, size_t batch)
{
	struct part_queue_config config = { .node = "bench" };
	struct err err;
	*c = (struct claimer){ .db = db, .max = batch };
	if (part_queue_new(&config, &c->queue, &err) != ERR_OK)
		die("claimer", &err);
	run_unit(c, DB_WRITE, false, join_unit);
}

static void drain(struct db *db, size_t batch)
{
	struct claimer c;
	begin(&c, db, batch);
	board->ready++;
	while (!board->go)
		clock_sleep_us(100);
	while (!board->stop) {
		run_unit(&c, DB_WRITE_RELAXED, true, claim_unit);
		if (c.count == 0)
			break;
		run_unit(&c, DB_WRITE, true, complete_unit);
		board->completed += (long)c.count;
	}
	part_queue_free(c.queue);
}

struct drain_arg {
	struct db *db;
	size_t batch;
};

static void *drain_thread(void *arg)
{
	const struct drain_arg *a = arg;
	drain(a->db, a->batch);
	return NULL;
}

/* Rates per half second, so that decay shows. */
static void watch(const char *name, size_t batch, long wanted, int64_t limit_us)
{
	double first = 0;
	double last = 0;
	int64_t start = clock_monotonic_us();
	int64_t slice_start = start;
	long slice_count = 0;
	long count = 0;
	while (count < wanted && clock_monotonic_us() - start < limit_us) {
		clock_sleep_us(2000);
		count = board->completed;
		int64_t slice_us = clock_monotonic_us() - slice_start;
		if (slice_us < US_PER_S / 2)
			continue;
		last = (double)(count - slice_count) * 1e6 / (double)slice_us;
		first = first > 0 ? first : last;
		slice_start += slice_us;
		slice_count = count;
	}
	double rate = (double)count * 1e6 / (double)(clock_monotonic_us() - start);
	printf("%-42s batch %3zu  %8.0f parts/s", name, batch, rate);
	if (first > 0)
		printf("   first half second %.0f, last %.0f", first, last);
	printf("\n");
	(void)fflush(stdout);
}

static void reset_board(void)
{
	memset(board, 0, sizeof *board);
}

static void measure(const char *name, struct db *db, size_t batch, long wanted, int64_t limit_us)
{
	reset_board();
	pthread_t threads[CLAIMERS];
	pid_t pids[CLAIMERS];
	struct drain_arg arg = { .db = db, .batch = batch };
	for (int i = 0; i < CLAIMERS; i++) {
		if (place.kind != DB_POSTGRES) {
			(void)pthread_create(&threads[i], NULL, drain_thread, &arg);
		} else if ((pids[i] = fork()) == 0) {
			drain(open_db(NULL, 1), batch);
			_exit(0);
		}
	}
	while (board->ready < CLAIMERS)
		clock_sleep_us(1000);
	board->go = true;
	watch(name, batch, wanted, limit_us);
	board->stop = true;
	for (int i = 0; i < CLAIMERS; i++) {
		if (place.kind == DB_POSTGRES)
			(void)waitpid(pids[i], NULL, 0);
		else
			(void)pthread_join(threads[i], NULL);
	}
}

/* -- a snapshot that somebody holds ------------------------------------------------------------------- */

static const struct db_stmt look = { .sql = "SELECT count(*) FROM queue_clock", .params = "" };

static enum err_code hold_unit(struct db_tx *tx, void *arg, struct err *err)
{
	_Atomic bool *release = arg;
	enum err_code code = db_query(tx, &look, NULL, NULL, err);
	while (!*release)
		clock_sleep_us(1000);
	return code;
}

struct holder {
	struct db *db;
	_Atomic bool release;
};

static void *hold(void *arg)
{
	struct holder *h = arg;
	struct db_work work = { .mode = DB_READ, .run = hold_unit, .arg = &h->release };
	struct err err;
	if (db_run(h->db, &work, &err) != ERR_OK)
		die("snapshot", &err);
	return NULL;
}

/* -- pick-up ------------------------------------------------------------------------------------------ */

/* A node: four claimers, one of which is woken by each notice. */
struct node {
	struct claimer claimers[CLAIMERS];
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
		die("pick-up", &err);
}

static void on_claimed(void *arg, enum err_code code, const struct err *err);

static void on_completed(void *arg, enum err_code code, const struct err *err)
{
	struct claimer *c = arg;
	if (code != ERR_OK)
		die("pick-up", err);
	submit(c, DB_WRITE_RELAXED, claim_unit, on_claimed);
}

static void on_claimed(void *arg, enum err_code code, const struct err *err)
{
	struct claimer *c = arg;
	int64_t now = clock_monotonic_us();
	if (code != ERR_OK)
		die("pick-up", err);
	c->is_busy = false;
	for (size_t i = 0; i < c->count; i++) {
		int64_t index = c->claims[i].index;
		board->pickup_us[index] = now - board->published_us[index];
		board->pickups++;
	}
	if (c->count > 0)
		submit(c, DB_WRITE, complete_unit, on_completed);
}

static void on_notice(void *arg, const char *text)
{
	struct node *node = arg;
	/* The first word from PostgreSQL is that listening has begun. */
	board->ready = 1;
	(void)parts_heard(node->claimers[0].queue, text);
	for (int i = 0; i < CLAIMERS; i++) {
		if (!node->claimers[i].is_busy) {
			submit(&node->claimers[i], DB_WRITE_RELAXED, claim_unit, on_claimed);
			break;
		}
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct node *node = timer->data;
	if (!board->stop)
		return;
	uv_close((uv_handle_t *)timer, NULL);
	db_unlisten(node->listener);
	db_close(node->claimers[0].db);
}

/* The node's database, for a publisher in the same process. */
static _Atomic(struct db *) node_db;

static void *node_main(void *arg)
{
	static struct node node;
	uv_loop_t loop;
	struct err err;
	(void)arg;
	(void)uv_loop_init(&loop);
	struct db *db = open_db(&loop, CLAIMERS);
	begin(&node.claimers[0], db, 1);
	/* Claimers of one node share its queue. */
	for (int i = 1; i < CLAIMERS; i++)
		node.claimers[i] = node.claimers[0];
	if (db_listen(db, PARTS_CHANNEL, on_notice, &node, &node.listener, &err) != ERR_OK)
		die("listen", &err);
	(void)uv_timer_init(&loop, &node.timer);
	node.timer.data = &node;
	(void)uv_timer_start(&node.timer, on_tick, 50, 50);
	node_db = db;
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop);
	part_queue_free(node.claimers[0].queue);
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

static void publish_evenly(struct db *db)
{
	struct part_queue_config config = { .node = "publisher" };
	struct publication p = { .queue = NULL };
	struct err err;
	struct db_work job_work = { .mode = DB_WRITE, .run = publication_job_unit, .arg = &p };
	struct db_work work = { .mode = DB_WRITE, .run = publish_unit, .arg = &p };
	if (part_queue_new(&config, &p.queue, &err) != ERR_OK || db_run(db, &job_work, &err) != ERR_OK)
		die("publish", &err);
	int64_t next = clock_monotonic_us();
	for (; p.index < PICKUPS; p.index++) {
		next += US_PER_S / PICKUPS_PER_S;
		int64_t left = next - clock_monotonic_us();
		if (left > 0)
			clock_sleep_us(left);
		board->published_us[p.index] = clock_monotonic_us();
		if (db_run(db, &work, &err) != ERR_OK)
			die("publish", &err);
	}
	int64_t end = clock_monotonic_us() + 5 * US_PER_S;
	while (board->pickups < PICKUPS && clock_monotonic_us() < end)
		clock_sleep_us(1000);
	part_queue_free(p.queue);
}

/* From the call that publishes to the claim's answer, in another process (PostgreSQL) or the same one (SQLite). */
static void measure_pickup(const char *name)
{
	pthread_t thread;
	pid_t pid = 0;
	reset_board();
	if (place.kind != DB_POSTGRES) {
		node_db = NULL;
		(void)pthread_create(&thread, NULL, node_main, NULL);
		while (!node_db)
			clock_sleep_us(1000);
		publish_evenly(node_db);
	} else if ((pid = fork()) == 0) {
		(void)node_main(NULL);
		_exit(0);
	} else {
		while (!board->ready)
			clock_sleep_us(1000);
		struct db *db = open_db(NULL, 1);
		publish_evenly(db);
		db_close(db);
	}
	board->stop = true;
	if (place.kind == DB_POSTGRES)
		(void)waitpid(pid, NULL, 0);
	else
		(void)pthread_join(thread, NULL);
	qsort(board->pickup_us, PICKUPS, sizeof board->pickup_us[0], compare);
	printf("%-42s %d/s, %d of %d: p50 %.2f ms, p99 %.2f ms, most %.2f ms\n", name, PICKUPS_PER_S, board->pickups,
	       PICKUPS, (double)board->pickup_us[PICKUPS / 2] / 1000,
	       (double)board->pickup_us[PICKUPS * 99 / 100] / 1000, (double)board->pickup_us[PICKUPS - 1] / 1000);
	(void)fflush(stdout);
}

/* -- the table ---------------------------------------------------------------------------------------- */

static const size_t batches[] = { 1, 8, 32 };

static void table_of_rates(struct db *db, double scale)
{
	long some = (long)(100000 * scale);
	long many = (long)(1000000 * scale);
	for (size_t i = 0; i < ARRAY_LEN(batches); i++) {
		run_stmt(db, &empty, NULL, NULL);
		fill(db, some, 0, 0);
		vacuum(db);
		measure("100,000 waiting", db, batches[i], some, 20 * US_PER_S);
	}
	run_stmt(db, &empty, NULL, NULL);
	fill(db, many, 0, 0);
	vacuum(db);
	measure("1,000,000 waiting", db, 32, some * 2, 20 * US_PER_S);
	run_stmt(db, &empty, NULL, NULL);
	fill(db, many, 2, 0);
	vacuum(db);
	fill(db, some * 2, 0, 1);
	measure("1,000,000 done", db, 32, some * 2, 20 * US_PER_S);
	for (int round = 1; round <= 6; round++) {
		char name[64];
		(void)snprintf(name, sizeof name, "churn over that, no vacuum, round %d", round);
		fill(db, some, 0, round * 1000000000LL);
		measure(name, db, 32, some, 20 * US_PER_S);
	}
	pthread_t thread;
	struct holder holder = { .db = db };
	fill(db, some * 5, 0, 10000000000LL);
	(void)pthread_create(&thread, NULL, hold, &holder);
	clock_sleep_us(100 * US_PER_MS);
	measure("a snapshot is held", db, 32, some * 5, 20 * US_PER_S);
	holder.release = true;
	(void)pthread_join(thread, NULL);
	fill(db, some, 0, 20000000000LL);
	measure("one claimer's worth at a time, after that", db, 1, some, 10 * US_PER_S);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		(void)fprintf(stderr, "usage: parts_bench postgres|file [FOLDER] [SCALE]\n");
		return 64;
	}
	double scale = argc > 3 ? strtod(argv[3], NULL) : 1;
	int status = store_place_init(&place, argv[1], argc > 2 ? argv[2] : "/dev/shm",
				      "'fsync = on' 'full_page_writes = on' 'shared_buffers = 512MB' 'max_wal_size = "
				      "4GB' 'autovacuum_naptime = 5'");
	if (status != 0)
		return status;
	board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED)
		return 1;
	struct err err;
	struct db *db = open_db(NULL, 2);
	if (migrate_up(db, &err) != ERR_OK)
		die("migrate", &err);
	printf("%s in %s, %d claimers\n", argv[1], argc > 2 ? argv[2] : "/dev/shm", CLAIMERS);
	run_stmt(db, &empty, NULL, NULL);
	db_close(db);
	measure_pickup("pick-up, nothing else waiting or done");
	db = open_db(NULL, 2);
	table_of_rates(db, scale);
	run_stmt(db, &empty, NULL, NULL);
	fill(db, (int64_t)(1000000 * scale), 2, 0);
	vacuum(db);
	db_close(db);
	measure_pickup("pick-up, 1,000,000 done");
	store_place_done(&place);
	return 0;
}
