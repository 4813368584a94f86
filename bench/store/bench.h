/* What the two halves of the bench share: rates (parts.c) and pick-up times (pickup.c). */
#ifndef TIRO_BENCH_STORE_BENCH_H
#define TIRO_BENCH_STORE_BENCH_H

#include <stdatomic.h>

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

struct bench {
	struct store_place place;
	struct board *board;
};

struct claimer {
	struct db *db;
	struct part_queue *queue;
	struct part_claim claims[PARTS_BATCH_MAX];
	size_t max, count;
	bool accepted[PARTS_BATCH_MAX];
	bool is_busy;
};

_Noreturn void bench_die(const char *what, const struct err *err);
struct db *bench_open(const struct bench *bench, uv_loop_t *loop, int pool);

/* A claimer whose node has joined the queue; `batch` parts at a time. */
void claimer_begin(struct claimer *c, struct db *db, size_t batch);
/* Units of work on a claimer. */
enum err_code claimer_claim(struct db_tx *tx, void *arg, struct err *err);
enum err_code claimer_complete(struct db_tx *tx, void *arg, struct err *err);

/* Publishes parts evenly and prints how long each waited until a node had claimed it: a node in another process
 * (PostgreSQL), or in this one (SQLite). */
void measure_pickup(struct bench *bench, const char *name);

#endif
