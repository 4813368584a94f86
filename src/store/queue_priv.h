/* What the files of the queue share. */
#ifndef TIRO_STORE_QUEUE_PRIV_H
#define TIRO_STORE_QUEUE_PRIV_H

#include <pthread.h>

#include "store/queue.h"

enum part_status { PART_READY, PART_RUNNING, PART_DONE, PART_WAITING, PART_FAILED };

enum {
	/* Nodes of one installation that are watched; more are watched by others. */
	NODES_MAX = 256
};

/* Where the next claim of a stage looks first. */
struct hint {
	int64_t rank, id;
	int64_t reset_us; /* when it last started over */
	int64_t heard; /* lowest rank that became ready since the hint last moved */
};

/* Another node, as seen from here. */
struct node_seen {
	int64_t id, beat;
	int64_t changed_us; /* on this node's monotonic clock */
};

struct part_queue {
	char node[64], about[256];
	int attempts_max, lapses_max;
	int64_t lease_us, backoff_us, backoff_max_us;
	pthread_mutex_t mutex; /* of what follows */
	int64_t node_id; /* 0: not joined */
	struct hint hints[PARTS_STAGES];
	int64_t now; /* virtual time: what claims here or the database have reached */
	int64_t watched_us; /* when the other nodes were looked at last */
	struct node_seen nodes[NODES_MAX];
	size_t node_count;
};

void queue_lock(struct part_queue *queue);
void queue_unlock(struct part_queue *queue);
int64_t queue_now(struct part_queue *queue);
void queue_note_now(struct part_queue *queue, int64_t now);

/* Tells all nodes that something of this rank is ready, and this one at once: it must not depend on a notice for
 * what it did itself. */
enum err_code queue_tell_ready(struct part_queue *queue, struct db_tx *tx, int stage, int64_t rank, struct err *err)
	MUST_CHECK;

/* Bytes of a list of parts. */
#define QUEUE_PAIRS_MAX ((size_t)PARTS_BATCH_MAX * 64)

/* Appends the ids and tokens as the dialect's word `pairs` takes them. */
enum err_code queue_pairs(const struct part_claim *claims, size_t count, struct strbuf *out, struct err *err)
	MUST_CHECK;

/* The hint does not pass over a part of this rank. */
void queue_lower_hint(struct part_queue *queue, int stage, int64_t rank);

#endif
