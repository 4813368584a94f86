/*
 * How many parts a second are claimed and completed, and how long a part that became ready waits until it is claimed.
 * Prints a table.
 *
 *   parts_bench postgres|file [FOLDER] [SCALE] [few]
 *   parts_bench settings                                 prints what PostgreSQL is started with, for its peers' one
 *
 * With "few" only an empty table's pick-up times and the rates of 100,000 waiting parts. FOLDER is where the database
 * goes: /dev/shm (the default) or a disk. PostgreSQL has fsync on. SCALE 0.1 makes the tables ten times smaller.
 * Claimers are four: on PostgreSQL four processes, each a node with a connection of its own; on SQLite four threads
 * before the one writer. A claim is DB_WRITE_RELAXED, a completion DB_WRITE, each a unit of its own.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "bench.h"
#include "store/migrate.h"

/* Autovacuum comes every 5 s, not every minute, so that what its statistics do to plans shows in a short run. */
static const char *const settings[] = { "fsync = on", "full_page_writes = on", "shared_buffers = 512MB",
					"max_wal_size = 4GB", "autovacuum_naptime = 5" };

static struct bench bench;

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
		bench_die("fill", &err);
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
	if (bench.place.kind == DB_POSTGRES)
		run_stmt(db, &vacuum_stmt, NULL, NULL);
}

/* -- claiming ----------------------------------------------------------------------------------------- */

static void run_unit(struct claimer *c, enum db_mode mode,
		     enum err_code (*unit)(struct db_tx *tx, void *arg, struct err *err))
{
	struct db_work work = { .mode = mode, .is_single = true, .run = unit, .arg = c };
	struct err err;
	if (db_run(c->db, &work, &err) != ERR_OK)
		bench_die("claimer", &err);
}

static void drain(struct db *db, size_t batch)
{
	struct claimer c;
	claimer_begin(&c, db, batch);
	bench.board->ready++;
	while (!bench.board->go)
		clock_sleep_us(100);
	while (!bench.board->stop) {
		run_unit(&c, DB_WRITE_RELAXED, claimer_claim);
		if (c.count == 0)
			break;
		run_unit(&c, DB_WRITE, claimer_complete);
		bench.board->completed += (long)c.count;
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
		count = bench.board->completed;
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

static void measure(const char *name, struct db *db, size_t batch, long wanted, int64_t limit_us)
{
	memset(bench.board, 0, sizeof *bench.board);
	pthread_t threads[CLAIMERS];
	pid_t pids[CLAIMERS];
	struct drain_arg arg = { .db = db, .batch = batch };
	for (int i = 0; i < CLAIMERS; i++) {
		if (bench.place.kind != DB_POSTGRES) {
			(void)pthread_create(&threads[i], NULL, drain_thread, &arg);
		} else if ((pids[i] = fork()) == 0) {
			drain(bench_open(&bench, NULL, 1), batch);
			_exit(0);
		}
	}
	while (bench.board->ready < CLAIMERS)
		clock_sleep_us(1000);
	bench.board->go = true;
	watch(name, batch, wanted, limit_us);
	bench.board->stop = true;
	for (int i = 0; i < CLAIMERS; i++) {
		if (bench.place.kind == DB_POSTGRES)
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
		bench_die("snapshot", &err);
	return NULL;
}

/* -- the table ---------------------------------------------------------------------------------------- */

static const size_t batches[] = { 1, 8, 32 };

static void rates_by_batch(struct db *db, double scale)
{
	long some = (long)(100000 * scale);
	for (size_t i = 0; i < ARRAY_LEN(batches); i++) {
		run_stmt(db, &empty, NULL, NULL);
		fill(db, some, 0, 0);
		vacuum(db);
		measure("100,000 waiting", db, batches[i], some, 20 * US_PER_S);
	}
}

static void rates_of_many(struct db *db, double scale)
{
	long some = (long)(100000 * scale);
	long many = (long)(1000000 * scale);
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

static void run(double scale, bool few)
{
	struct err err;
	/* One connection: a second one's first statement would share its pipeline with a SET, and so be no VACUUM. */
	struct db *db = bench_open(&bench, NULL, 1);
	if (migrate_up(db, &err) != ERR_OK)
		bench_die("migrate", &err);
	run_stmt(db, &empty, NULL, NULL);
	db_close(db);
	measure_pickup(&bench, "pick-up, nothing else waiting or done");
	db = bench_open(&bench, NULL, 1);
	rates_by_batch(db, scale);
	if (few) {
		db_close(db);
		return;
	}
	rates_of_many(db, scale);
	run_stmt(db, &empty, NULL, NULL);
	fill(db, (int64_t)(1000000 * scale), 2, 0);
	vacuum(db);
	db_close(db);
	measure_pickup(&bench, "pick-up, 1,000,000 done");
}

/* For the shell. */
static void quote_settings(char *ret, size_t size)
{
	size_t len = 0;
	for (size_t i = 0; i < ARRAY_LEN(settings) && len < size; i++)
		len += (size_t)snprintf(ret + len, size - len, "'%s' ", settings[i]);
}

int main(int argc, char **argv)
{
	char quoted[256];
	if (argc < 2) {
		(void)fprintf(stderr, "usage: parts_bench postgres|file [FOLDER] [SCALE] [few]\n"
				      "       parts_bench settings\n");
		return 64;
	}
	if (strcmp(argv[1], "settings") == 0) {
		for (size_t i = 0; i < ARRAY_LEN(settings); i++)
			puts(settings[i]);
		return 0;
	}
	const char *folder = argc > 2 ? argv[2] : "/dev/shm";
	quote_settings(quoted, sizeof quoted);
	int status = store_place_init(&bench.place, argv[1], folder, quoted);
	if (status != 0)
		return status;
	bench.board = mmap(NULL, sizeof *bench.board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (bench.board == MAP_FAILED)
		return 1;
	printf("%s in %s, %d claimers\n", argv[1], folder, CLAIMERS);
	run(argc > 3 ? strtod(argv[3], NULL) : 1, argc > 4);
	store_place_done(&bench.place);
	return 0;
}
