/* Nodes that live and die, and what they leave behind. */
#include <string.h>

#include "base/clock.h"
#include "store/queue_priv.h"

static const struct db_stmt insert_node = { .sql = "INSERT INTO queue_nodes (name, about, beat, started_at, seen_at) "
						   "VALUES ($1, $2, 0, $3, $3) RETURNING id",
					    .params = "tti" };
static const struct db_stmt delete_others = { .sql = "DELETE FROM queue_nodes WHERE id <> $1", .params = "i" };
static const struct db_stmt delete_node = { .sql = "DELETE FROM queue_nodes WHERE id = $1", .params = "i" };
static const struct db_stmt delete_stale = { .sql = "DELETE FROM queue_nodes WHERE id = $1 AND beat = $2",
					     .params = "ii" };
static const struct db_stmt beat_stmt = { .sql = "UPDATE queue_nodes SET beat = beat + 1, seen_at = $2 WHERE id = $1 "
						 "RETURNING beat",
					  .params = "ii" };
static const struct db_stmt nodes_stmt = {
	.sql = "SELECT id, beat FROM queue_nodes WHERE id <> $1 ORDER BY id LIMIT $2", .params = "ii"
};
/* Whose node has no row is lost, however the node went. That is no failure of the part's, but it is counted: one that
 * kills its node again and again must stop. */
static const struct db_stmt recover_stmt = {
	.sql = "WITH p AS MATERIALIZED (SELECT id FROM parts WHERE status = 1 AND NOT EXISTS "
	       "(SELECT 1 FROM queue_nodes n WHERE n.id = parts.worker) ORDER BY id LIMIT $2 {skip_locked}) "
	       "UPDATE parts SET lapses = lapses + 1, status = CASE WHEN lapses + 1 >= $1 THEN 4 ELSE 0 END "
	       "FROM p WHERE parts.id = p.id RETURNING parts.id, job, stage, idx, token, rank, failures, status",
	.params = "ii"
};
/* `due` is by the monotonic clock of the node that gave the part back; where that node has gone, nobody knows when that
 * would be. */
static const struct db_stmt due_stmt = {
	.sql = "UPDATE parts SET status = 0 WHERE status = 3 AND (CASE WHEN worker = $1 THEN due <= $2 ELSE NOT EXISTS "
	       "(SELECT 1 FROM queue_nodes n WHERE n.id = parts.worker) END) RETURNING stage, rank",
	.params = "ii"
};
static const struct db_stmt return_own = {
	.sql = "UPDATE parts SET status = 0 WHERE status = 1 AND worker = $1 "
	       "AND id NOT IN (SELECT a FROM {pairs $2} AS kept) RETURNING stage, rank",
	.params = "it"
};
static const struct db_stmt share_clock = { .sql = "UPDATE queue_clock SET now = $1 WHERE now < $1", .params = "i" };
static const struct db_stmt read_clock = { .sql = "SELECT now FROM queue_clock", .params = "" };

/* -- parts that are ready again ---------------------------------------------------------------------- */

/* One notice a stage: its lowest rank. */
struct lowest {
	bool is_set[PARTS_STAGES];
	int64_t rank[PARTS_STAGES];
};

static void note_ready(struct lowest *lowest, int64_t stage, int64_t rank)
{
	if (stage < 0 || stage >= PARTS_STAGES || (lowest->is_set[stage] && lowest->rank[stage] <= rank))
		return;
	lowest->is_set[stage] = true;
	lowest->rank[stage] = rank;
}

static enum err_code tell_lowest(struct part_queue *queue, struct db_tx *tx, const struct lowest *lowest,
				 struct err *err)
{
	enum err_code code = ERR_OK;
	for (int stage = 0; code == ERR_OK && stage < PARTS_STAGES; stage++) {
		if (lowest->is_set[stage])
			code = queue_tell_ready(queue, tx, stage, lowest->rank[stage], err);
	}
	return code;
}

/* Runs a statement that makes parts ready and returns their stages and ranks. */
static enum err_code make_ready(struct db_tx *tx, const struct db_stmt *stmt, const struct db_value *params,
				struct lowest *lowest, int64_t *ret_count, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	enum err_code code = db_query(tx, stmt, params, &rows, err);
	if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < rows.count; i++)
		note_ready(lowest, db_get_int(&rows, i, 0), db_get_int(&rows, i, 1));
	*ret_count = (int64_t)rows.count;
	return ERR_OK;
}

static void note_recovered(const struct db_rows *rows, size_t i, struct lowest *lowest, struct parts_beat *ret)
{
	struct part_claim part = { .id = db_get_int(rows, i, 0),
				   .job = db_get_int(rows, i, 1),
				   .stage = (int)db_get_int(rows, i, 2),
				   .index = db_get_int(rows, i, 3),
				   .token = db_get_int(rows, i, 4),
				   .rank = db_get_int(rows, i, 5),
				   .failures = db_get_int(rows, i, 6) };
	if (db_get_int(rows, i, 7) == PART_FAILED) {
		ret->given_up[ret->given_up_count++] = part;
		return;
	}
	note_ready(lowest, part.stage, part.rank);
	ret->recovered++;
}

static enum err_code recover(struct part_queue *queue, struct db_tx *tx, struct lowest *lowest, struct parts_beat *ret,
			     struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(queue->lapses_max), db_int(PARTS_BATCH_MAX) };
	enum err_code code = db_query(tx, &recover_stmt, params, &rows, err);
	if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < rows.count && i < PARTS_BATCH_MAX; i++)
		note_recovered(&rows, i, lowest, ret);
	return ERR_OK;
}

/* -- joining and leaving ----------------------------------------------------------------------------- */

enum err_code parts_join(struct part_queue *queue, struct db_tx *tx, bool is_alone, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_text(queue->node), db_text(queue->about), db_int(clock_wall_us()) };
	enum err_code code = db_query(tx, &insert_node, params, &rows, err);
	if (code != ERR_OK)
		return code;
	struct db_value id[] = { db_int(db_get_int(&rows, 0, 0)) };
	if (is_alone)
		code = db_post(tx, &delete_others, id, err);
	if (code == ERR_OK)
		code = db_query(tx, &read_clock, NULL, &rows, err);
	if (code != ERR_OK)
		return code;
	queue_note_now(queue, db_get_int(&rows, 0, 0));
	queue_lock(queue);
	queue->node_id = id[0].integer;
	queue->node_count = 0;
	queue_unlock(queue);
	return ERR_OK;
}

enum err_code parts_keep(struct part_queue *queue, struct db_tx *tx, const struct part_claim *claims, size_t count,
			 struct err *err)
{
	if (count > PARTS_BATCH_MAX)
		return err_set(err, ERR_INVALID, "a node holds at most %d parts", PARTS_BATCH_MAX);
	cleanup_strbuf struct strbuf kept = STRBUF_INIT(QUEUE_PAIRS_MAX);
	enum err_code code = queue_pairs(claims, count, &kept, err);
	if (code != ERR_OK)
		return code;
	struct lowest lowest = { .is_set = { false } };
	int64_t returned;
	struct db_value params[] = { db_int(parts_node(queue)), db_text(strbuf_str(&kept)) };
	code = make_ready(tx, &return_own, params, &lowest, &returned, err);
	return code == ERR_OK ? tell_lowest(queue, tx, &lowest, err) : code;
}

enum err_code parts_leave(struct part_queue *queue, struct db_tx *tx, struct err *err)
{
	enum err_code code = parts_keep(queue, tx, NULL, 0, err);
	struct db_value params[] = { db_int(parts_node(queue)) };
	return code == ERR_OK ? db_post(tx, &delete_node, params, err) : code;
}

/* -- the beat ---------------------------------------------------------------------------------------- */

static struct node_seen *find_seen(struct part_queue *queue, int64_t id)
{
	for (size_t i = 0; i < queue->node_count; i++) {
		if (queue->nodes[i].id == id)
			return &queue->nodes[i];
	}
	return NULL;
}

/* Updates what is known of the others; `ret_stale` gets those that have not moved for a lease. Who has not looked for
 * long knows nothing of them (the database may have been away, for all of them), and begins anew. */
static size_t watch(struct part_queue *queue, const struct db_rows *rows, struct node_seen *ret_stale)
{
	int64_t now = clock_monotonic_us();
	struct node_seen seen[NODES_MAX];
	size_t stale = 0;
	queue_lock(queue);
	bool is_blind = now - queue->watched_us > queue->lease_us / 2;
	queue->watched_us = now;
	for (size_t i = 0; i < rows->count; i++) {
		seen[i] = (struct node_seen){ .id = db_get_int(rows, i, 0),
					      .beat = db_get_int(rows, i, 1),
					      .changed_us = now };
		const struct node_seen *before = find_seen(queue, seen[i].id);
		if (!is_blind && before && before->beat == seen[i].beat)
			seen[i].changed_us = before->changed_us;
		if (now - seen[i].changed_us >= queue->lease_us)
			ret_stale[stale++] = seen[i];
	}
	memcpy(queue->nodes, seen, rows->count * sizeof seen[0]);
	queue->node_count = rows->count;
	queue_unlock(queue);
	return stale;
}

static enum err_code bury_dead_nodes(struct part_queue *queue, struct db_tx *tx, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(parts_node(queue)), db_int(NODES_MAX) };
	enum err_code code = db_query(tx, &nodes_stmt, params, &rows, err);
	if (code != ERR_OK)
		return code;
	struct node_seen stale[NODES_MAX];
	size_t count = watch(queue, &rows, stale);
	for (size_t i = 0; code == ERR_OK && i < count; i++) {
		struct db_value dead[] = { db_int(stale[i].id), db_int(stale[i].beat) };
		code = db_post(tx, &delete_stale, dead, err);
	}
	return code;
}

static enum err_code share_virtual_time(struct part_queue *queue, struct db_tx *tx, struct err *err)
{
	struct db_value params[] = { db_int(queue_now(queue)) };
	return db_post(tx, &share_clock, params, err);
}

static enum err_code count_up(struct part_queue *queue, struct db_tx *tx, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_int(parts_node(queue)), db_int(clock_wall_us()) };
	enum err_code code = db_query(tx, &beat_stmt, params, &rows, err);
	if (code != ERR_OK || rows.count == 1)
		return code;
	queue_lock(queue);
	queue->node_id = 0;
	queue_unlock(queue);
	return err_set(err, ERR_CANCELLED, "the other nodes took this one for dead");
}

enum err_code parts_beat(struct part_queue *queue, struct db_tx *tx, struct parts_beat *ret, struct err *err)
{
	struct lowest lowest = { .is_set = { false } };
	struct db_value due[] = { db_int(parts_node(queue)), db_int(clock_monotonic_us()) };
	ret->recovered = ret->due = 0;
	ret->given_up_count = 0;
	enum err_code code = count_up(queue, tx, err);
	if (code == ERR_OK)
		code = share_virtual_time(queue, tx, err);
	if (code == ERR_OK)
		code = bury_dead_nodes(queue, tx, err);
	if (code == ERR_OK)
		code = recover(queue, tx, &lowest, ret, err);
	if (code == ERR_OK)
		code = make_ready(tx, &due_stmt, due, &lowest, &ret->due, err);
	return code == ERR_OK ? tell_lowest(queue, tx, &lowest, err) : code;
}
