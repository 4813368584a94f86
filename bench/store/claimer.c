#include "bench.h"

_Noreturn void bench_die(const char *what, const struct err *err)
{
	(void)fprintf(stderr, "%s: %s\n", what, err->message);
	exit(1);
}

struct db *bench_open(const struct bench *bench, uv_loop_t *loop, int pool)
{
	struct db_config config = store_config(&bench->place);
	struct db *db;
	struct err err;
	config.pool_min = config.pool_max = pool;
	config.timeout_ms = 600 * 1000;
	if (db_open(&config, loop, &db, &err) != ERR_OK)
		bench_die("open", &err);
	return db;
}

static enum err_code join_unit(struct db_tx *tx, void *arg, struct err *err)
{
	return parts_join(((struct claimer *)arg)->queue, tx, false, err);
}

enum err_code claimer_claim(struct db_tx *tx, void *arg, struct err *err)
{
	struct claimer *c = arg;
	c->count = c->max;
	return parts_claim(c->queue, tx, 1, c->claims, &c->count, err);
}

enum err_code claimer_complete(struct db_tx *tx, void *arg, struct err *err)
{
	struct claimer *c = arg;
	return parts_complete(tx, c->claims, c->count, c->accepted, err);
}

void claimer_begin(struct claimer *c, struct db *db, size_t batch)
{
	struct part_queue_config config = { .node = "bench" };
	struct db_work work = { .mode = DB_WRITE, .run = join_unit, .arg = c };
	struct err err;
	*c = (struct claimer){ .db = db, .max = batch };
	if (part_queue_new(&config, &c->queue, &err) != ERR_OK || db_run(db, &work, &err) != ERR_OK)
		bench_die("claimer", &err);
}
