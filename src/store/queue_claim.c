/* Parts are claimed, completed, given back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/queue_priv.h"

/* The row comparison is an index condition because all columns of parts_ready ascend. MATERIALIZED: the inner select is
 * run once, however the planner joins. */
static const struct db_stmt claim_stmt = {
	.sql = "WITH p AS MATERIALIZED (SELECT id FROM parts WHERE status = 0 AND stage = $1 AND (rank, id) >= ($2, "
	       "$3) "
	       "ORDER BY rank, id LIMIT $4 {skip_locked}) "
	       "UPDATE parts SET status = 1, token = token + 1, worker = $5 FROM p WHERE parts.id = p.id "
	       "RETURNING parts.id, job, idx, token, rank, start, failures, crashes",
	.params = "iiiii"
};
/* Locked, so that nobody takes the part before the unit ends. */
static const struct db_stmt hold_stmt = {
	.sql = "SELECT id FROM parts WHERE id = $1 AND token = $2 AND status + 0 = 1 {lock_rows}", .params = "ii"
};
/*
 * `status + 0`: only the primary key may serve these. Where statistics say that little is running, PostgreSQL would
 * rather scan all of parts_running, and with it every dead entry since the oldest snapshot: from 50,000 parts a second
 * to 5,000, until the next analysis (bench/store shows it).
 */
static const struct db_stmt complete_stmt = {
	.sql = "UPDATE parts SET status = 2 FROM {pairs $1} AS want "
	       "WHERE parts.id = want.a AND parts.token = want.b AND parts.status + 0 = 1 RETURNING parts.id",
	.params = "t"
};
static const struct db_stmt complete_one_stmt = {
	.sql = "UPDATE parts SET status = 2 WHERE id = $1 AND token = $2 AND status + 0 = 1 RETURNING id",
	.params = "ii"
};
static const struct db_stmt release_stmt = {
	.sql = "UPDATE parts SET status = $3, failures = $4, crashes = $5, due = $6 "
	       "WHERE id = $1 AND token = $2 AND status + 0 = 1 RETURNING id",
	.params = "iiiiii"
};
static const struct db_stmt ready_stmt = {
	.sql = "SELECT count(*) FROM (SELECT 1 FROM parts WHERE status = 0 AND stage = $1 LIMIT $2) AS found",
	.params = "ii"
};

/* -- claiming ---------------------------------------------------------------------------------------- */

static void take_hint(struct part_queue *queue, int stage, struct hint *ret)
{
	int64_t now = clock_monotonic_us();
	queue_lock(queue);
	struct hint *hint = &queue->hints[stage];
	if (now - hint->reset_us >= US_PER_S)
		*hint = (struct hint){ .rank = INT64_MIN, .reset_us = now, .heard = hint->heard };
	*ret = *hint;
	queue_unlock(queue);
}

static int by_rank(const void *a, const void *b)
{
	const struct part_claim *x = a;
	const struct part_claim *y = b;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void read_claims(struct part_queue *queue, const struct db_rows *rows, int stage, struct part_claim *ret)
{
	int64_t now = INT64_MIN;
	for (size_t i = 0; i < rows->count; i++) {
		ret[i] = (struct part_claim){ .id = db_get_int(rows, i, 0),
					      .job = db_get_int(rows, i, 1),
					      .stage = stage,
					      .index = db_get_int(rows, i, 2),
					      .token = db_get_int(rows, i, 3),
					      .rank = db_get_int(rows, i, 4),
					      .failures = db_get_int(rows, i, 6),
					      .crashes = db_get_int(rows, i, 7) };
		/* Not ahead of what others of no priority have reached: a job in a hurry must not make those that come
		 * after it start behind them. */
		int64_t start = db_get_int(rows, i, 5);
		int64_t reached = start < ret[i].rank ? start : ret[i].rank;
		now = reached > now ? reached : now;
	}
	qsort(ret, rows->count, sizeof *ret, by_rank);
	if (stage == PARTS_RECOGNISE)
		queue_note_now(queue, now);
}

/* Forward only from where this claim began, and not over what became ready meanwhile, which it may not have seen. */
static void advance_hint(struct part_queue *queue, int stage, const struct hint *from, const struct part_claim *last)
{
	queue_lock(queue);
	struct hint *hint = &queue->hints[stage];
	if (hint->rank == from->rank && hint->id == from->id) {
		bool is_passed = hint->heard <= last->rank;
		hint->rank = is_passed ? hint->heard : last->rank;
		hint->id = is_passed ? 0 : last->id;
		hint->heard = INT64_MAX;
	}
	queue_unlock(queue);
}

enum err_code parts_claim(struct part_queue *queue, struct db_tx *tx, int stage, struct part_claim *ret, size_t *count,
			  struct err *err)
{
	int64_t node = parts_node(queue);
	if (node == 0)
		return err_set(err, ERR_CANCELLED, "this node has not joined the queue");
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct hint hint;
	take_hint(queue, stage, &hint);
	struct db_value params[] = { db_int(stage), db_int(hint.rank), db_int(hint.id),
				     db_int((int64_t)(*count < PARTS_BATCH_MAX ? *count : PARTS_BATCH_MAX)),
				     db_int(node) };
	enum err_code code = db_query(tx, &claim_stmt, params, &rows, err);
	if (code != ERR_OK)
		return code;
	*count = rows.count;
	if (rows.count == 0) {
		queue_lower_hint(queue, stage, INT64_MIN);
		return ERR_OK;
	}
	read_claims(queue, &rows, stage, ret);
	advance_hint(queue, stage, &hint, &ret[rows.count - 1]);
	return ERR_OK;
}

/* -- completing -------------------------------------------------------------------------------------- */

static void mark_accepted(const struct db_rows *rows, const struct part_claim *claims, size_t count, bool *ret_accepted)
{
	for (size_t i = 0; i < count; i++) {
		ret_accepted[i] = false;
		for (size_t row = 0; row < rows->count && !ret_accepted[i]; row++)
			ret_accepted[i] = db_get_int(rows, row, 0) == claims[i].id;
	}
}

enum err_code queue_pairs(const struct part_claim *claims, size_t count, struct strbuf *out, struct err *err)
{
	strbuf_add_char(out, '[');
	for (size_t i = 0; i < count; i++)
		strbuf_addf(out, "%s[%" PRId64 ",%" PRId64 "]", i == 0 ? "" : ",", claims[i].id, claims[i].token);
	strbuf_add_char(out, ']');
	return strbuf_check(out, "a list of parts", err);
}

static enum err_code complete_many(struct db_tx *tx, const struct part_claim *claims, size_t count,
				   struct db_rows *rows, struct err *err)
{
	cleanup_strbuf struct strbuf pairs = STRBUF_INIT(QUEUE_PAIRS_MAX);
	enum err_code code = queue_pairs(claims, count, &pairs, err);
	struct db_value params[] = { db_text(strbuf_str(&pairs)) };
	return code == ERR_OK ? db_query(tx, &complete_stmt, params, rows, err) : code;
}

enum err_code parts_complete(struct db_tx *tx, const struct part_claim *claims, size_t count, bool *ret_accepted,
			     struct err *err)
{
	if (count == 0 || count > PARTS_BATCH_MAX)
		return err_set(err, ERR_INVALID, "parts are completed in groups of 1 to %d", PARTS_BATCH_MAX);
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value one[] = { db_int(claims[0].id), db_int(claims[0].token) };
	enum err_code code = count == 1 ? db_query(tx, &complete_one_stmt, one, &rows, err)
					: complete_many(tx, claims, count, &rows, err);
	if (code == ERR_OK)
		mark_accepted(&rows, claims, count, ret_accepted);
	return code;
}

static enum err_code refuse(struct err *err)
{
	return err_set(err, ERR_CANCELLED, "the part was given to another worker or its job has ended");
}

enum err_code parts_hold(struct db_tx *tx, const struct part_claim *claim, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(claim->id), db_int(claim->token) };
	enum err_code code = db_query(tx, &hold_stmt, params, &rows, err);
	if (code != ERR_OK)
		return code;
	return rows.count == 1 ? ERR_OK : refuse(err);
}

/* -- giving back ------------------------------------------------------------------------------------- */

static int64_t backoff_of(const struct part_queue *queue, int64_t failures)
{
	if (queue->backoff_us <= 0)
		return 0;
	int64_t us = queue->backoff_us;
	for (int64_t i = 1; i < failures && us < queue->backoff_max_us; i++)
		us *= 2;
	return us < queue->backoff_max_us ? us : queue->backoff_max_us;
}

static enum parts_fate fate_of(const struct part_queue *queue, const struct part_claim *after, enum parts_reason reason)
{
	if (after->failures >= queue->attempts_max || after->crashes >= PARTS_CRASHES_MAX)
		return PARTS_GIVEN_UP;
	return reason != PARTS_RETURNED && queue->backoff_us > 0 ? PARTS_WAITS : PARTS_READY;
}

enum err_code parts_release(struct part_queue *queue, struct db_tx *tx, const struct part_claim *claim,
			    enum parts_reason reason, enum parts_fate *ret_fate, struct err *err)
{
	static const enum part_status status_of[] = {
		[PARTS_READY] = PART_READY, [PARTS_WAITS] = PART_WAITING, [PARTS_GIVEN_UP] = PART_FAILED
	};
	struct part_claim after = *claim;
	after.failures += reason == PARTS_FAILED;
	after.crashes += reason == PARTS_CRASHED;
	enum parts_fate fate = fate_of(queue, &after, reason);
	int64_t tries = after.failures + after.crashes;
	int64_t due = fate == PARTS_WAITS ? clock_monotonic_us() + backoff_of(queue, tries) : 0;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(claim->id),	     db_int(claim->token),  db_int(status_of[fate]),
				     db_int(after.failures), db_int(after.crashes), db_int(due) };
	enum err_code code = db_query(tx, &release_stmt, params, &rows, err);
	if (code != ERR_OK)
		return code;
	if (rows.count == 0)
		return refuse(err);
	*ret_fate = fate;
	return fate == PARTS_READY ? queue_tell_ready(queue, tx, claim->stage, claim->rank, err) : ERR_OK;
}

enum err_code parts_ready(struct db_tx *tx, int stage, int64_t max, int64_t *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(stage), db_int(max) };
	enum err_code code = db_query(tx, &ready_stmt, params, &rows, err);
	if (code == ERR_OK)
		*ret = db_get_int(&rows, 0, 0);
	return code;
}
