/*
 * The durable queue of parts: the contract of jobs/queue.h on a database, for many nodes. Every function is for use
 * inside a unit of work (store/db.h), so that a part's result is stored and the part completed in one transaction.
 *
 * Order: start-time fair queuing (Goyal, Vin and Cheng, SIGCOMM 1996). A part's rank is its virtual start time, written
 * when it becomes ready; so claiming is one scan of an index from its left end. Recognition is what takes time, so it
 * alone moves the one clock, and a job's plan and finish have their place by it too. Between owners: a job's cost
 * counts as many times as its owner has jobs under way, and an owner's jobs start PARTS_JOB_SPACING apart, so that
 * neither many parts nor many jobs give anyone more than a share by weight, and a short job of the same owner still
 * does not wait behind a long one.
 *
 * An owner may be held to a number of jobs (`owner_max`): the count of those under way is the one that shares are made
 * of.
 *
 * The hint: a claimer remembers the rank that it took last and scans from there, not over the dead entries of all that
 * was done since the last vacuum. It starts over once a second, where it finds nothing, and where a notice tells of a
 * lower rank.
 *
 * Leases: a node that lives counts up its row (parts_beat). One whose count another node has not seen change for
 * `lease_us` by that node's own monotonic clock, while it looked all the time, is dead: its parts are claimed again. A
 * database that was away buries nobody. A claim's token is refused once the part was claimed again or its job has
 * ended, so a late worker changes nothing.
 *
 * Clocks: nothing here depends on what time it is. Leases and waits are spans of one process's monotonic clock; wall
 * time is written for people only.
 *
 * Thread safety: a struct part_queue may be used by several units of work at once.
 */
#ifndef TIRO_STORE_QUEUE_H
#define TIRO_STORE_QUEUE_H

#include "store/db.h"

enum parts_stage { PARTS_PLAN, PARTS_RECOGNISE, PARTS_FINISH, PARTS_STAGES };

enum {
	PARTS_BATCH_MAX = 256, /* parts of one claim, completion or publication */
	PARTS_OWNER_BYTES = 16,
};

/* The channel of notices about parts that became ready. */
#define PARTS_CHANNEL "parts"

/* One step of priority, and the distance between the jobs of one owner, in virtual microseconds. */
#define PARTS_PRIORITY_COST ((int64_t)60 * 1000000)
#define PARTS_JOB_SPACING ((int64_t)20 * 1000000)

struct part_queue;

/* 0 stands for the default in brackets. */
struct part_queue_config {
	const char *node; /* this node's name, and what else there is to say of it; for people, copied, cut */
	const char *about;
	int attempts_max; /* [3] failures after which a part is given up */
	int lapses_max; /* [10] nodes that may die with a part in hand before it is given up */
	int64_t lease_us; /* [15 s] several beats */
	int64_t backoff_us; /* before the first retry, doubled for each next; negative: none [1 s] */
	int64_t backoff_max_us; /* [5 min] */
};

enum err_code part_queue_new(const struct part_queue_config *config, struct part_queue **ret, struct err *err)
	MUST_CHECK;
void part_queue_free(struct part_queue *queue);

/* -- jobs ------------------------------------------------------------------------------------------ */

struct parts_job {
	const void *owner; /* PARTS_OWNER_BYTES, or NULL: a share of its own */
	double weight; /* 0.001..1000000: its share of the engines */
	int priority; /* -10..10 */
	int64_t owner_max; /* jobs of the owner in the queue, with this one; 0: any number */
};

/* *ret_job is its number, or 0 where the owner has no place for it: nothing is added then, and the owner's other units
 * wait for this one. Errors: ERR_INVALID (weight, priority). */
enum err_code parts_add_job(struct part_queue *queue, struct db_tx *tx, const struct parts_job *job, int64_t *ret_job,
			    struct err *err) MUST_CHECK;

struct parts_new {
	int64_t job;
	int stage;
	int64_t first; /* index of the first in its job and stage */
	const double *costs; /* of each, in seconds of speech or pages */
	size_t count;
};

/* Parts became ready. Publishing one twice is no error and changes nothing: after an unknown outcome it is done again.
 * Errors: ERR_NOT_FOUND (the job has ended), ERR_INVALID. */
enum err_code parts_publish(struct part_queue *queue, struct db_tx *tx, const struct parts_new *parts, struct err *err)
	MUST_CHECK;

/* The job ended or was cancelled: it vanishes with its parts, their claims no longer count. One that is not there is no
 * error. */
enum err_code parts_end_job(struct db_tx *tx, int64_t job, struct err *err) MUST_CHECK;

/* Forgets who shares the engines; one with jobs under way stays. */
enum err_code parts_forget_owner(struct db_tx *tx, const void *owner, struct err *err) MUST_CHECK;

/* -- claims ---------------------------------------------------------------------------------------- */

struct part_claim {
	int64_t id;
	int64_t job;
	int stage;
	int64_t index;
	int64_t token;
	int64_t rank;
	/* Before this claim; nodes that died count in neither. */
	int64_t failures; /* of what may pass */
	int64_t crashes; /* of an engine or a jail with the part in hand: whether it was to blame is not known after one
			  */
};

/* Claims ready parts of lowest rank, sorted by rank: at most *count of them, and sets it to how many there were. The
 * node must have joined (ERR_CANCELLED). A unit with this alone may be single, and DB_WRITE_RELAXED: a lost claim is
 * only claimed again. Where the outcome is unknown the node may hold parts that it does not know of: parts_keep. */
enum err_code parts_claim(struct part_queue *queue, struct db_tx *tx, int stage, struct part_claim *ret, size_t *count,
			  struct err *err) MUST_CHECK;

/* The parts are done. `ret_accepted[i]` is false where a token no longer counts: what belongs to that part must not be
 * stored. May be the only statement of a unit. Where the outcome is unknown it is done again; a part that is refused
 * then was stored the first time, or another has it. */
enum err_code parts_complete(struct db_tx *tx, const struct part_claim *claims, size_t count, bool *ret_accepted,
			     struct err *err) MUST_CHECK;

/* The claim still counts, and will until the unit ends: for units that do part of the work. Errors: ERR_CANCELLED (it
 * no longer counts). */
enum err_code parts_hold(struct db_tx *tx, const struct part_claim *claim, struct err *err) MUST_CHECK;

enum parts_fate { PARTS_READY, PARTS_WAITS, PARTS_GIVEN_UP };

/* Why a part is given back. */
enum parts_reason {
	PARTS_RETURNED, /* nothing is wrong with it */
	PARTS_FAILED, /* for something that may pass */
	PARTS_CRASHED /* something died with it in hand */
};

/* Crashes after which a part is given up: by the second it was alone in the engine (jobs/part_task.c). */
enum { PARTS_CRASHES_MAX = 2 };

/*
 * Gives a part back at its old rank. A failure or a crash counts, and the part waits before it is ready again, or is
 * given up after `attempts_max` failures or PARTS_CRASHES_MAX crashes. Errors: ERR_CANCELLED (the token no longer
 * counts).
 */
enum err_code parts_release(struct part_queue *queue, struct db_tx *tx, const struct part_claim *claim,
			    enum parts_reason reason, enum parts_fate *ret_fate, struct err *err) MUST_CHECK;

/* Parts that could be claimed now, counted up to `max`. */
enum err_code parts_ready(struct db_tx *tx, int stage, int64_t max, int64_t *ret, struct err *err) MUST_CHECK;

/* -- nodes ----------------------------------------------------------------------------------------- */

/* Makes this node known; with `is_alone` (db_is_alone) every other is dead. Again after parts_beat said so. */
enum err_code parts_join(struct part_queue *queue, struct db_tx *tx, bool is_alone, struct err *err) MUST_CHECK;

/* This node holds the parts of these claims (at most PARTS_BATCH_MAX) and no others: what else the database thinks it
 * holds is ready again. No claim may be under way. */
enum err_code parts_keep(struct part_queue *queue, struct db_tx *tx, const struct part_claim *claims, size_t count,
			 struct err *err) MUST_CHECK;

/* The number of this node's row, for what else dies with the node; 0 while it has not joined. */
int64_t parts_node(struct part_queue *queue);

/* The node ends: its parts are ready again at once. Nothing is claimed after. */
enum err_code parts_leave(struct part_queue *queue, struct db_tx *tx, struct err *err) MUST_CHECK;

struct parts_beat {
	int64_t recovered; /* parts of dead nodes that are ready again */
	int64_t due; /* retries whose time has come */
	/* Parts that died with their nodes too often and are given up: their jobs have failed. */
	struct part_claim given_up[PARTS_BATCH_MAX];
	size_t given_up_count;
};

/*
 * Once a second on each node: counts up, makes the parts of dead nodes and due retries ready, and shares the virtual
 * time. Errors: ERR_CANCELLED (this node was taken for dead: its claims are gone, join again).
 */
enum err_code parts_beat(struct part_queue *queue, struct db_tx *tx, struct parts_beat *ret, struct err *err)
	MUST_CHECK;

/* Takes in a notice of PARTS_CHANNEL (text NULL too); returns the stage that has something ready, or -1 for any. */
int parts_heard(struct part_queue *queue, const char *text);

#endif
