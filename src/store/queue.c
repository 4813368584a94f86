#include "store/queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/queue_priv.h"

static int64_t or_default(int64_t value, int64_t fallback)
{
	return value != 0 ? value : fallback;
}

enum err_code part_queue_new(const struct part_queue_config *config, struct part_queue **ret, struct err *err)
{
	struct part_queue *queue = calloc(1, sizeof *queue);
	if (!queue)
		return err_set(err, ERR_NO_MEMORY, "no memory for a queue");
	(void)snprintf(queue->node, sizeof queue->node, "%s", config->node ? config->node : "");
	(void)snprintf(queue->about, sizeof queue->about, "%s", config->about ? config->about : "");
	queue->attempts_max = (int)or_default(config->attempts_max, 3);
	queue->lapses_max = (int)or_default(config->lapses_max, 10);
	queue->lease_us = or_default(config->lease_us, 15 * US_PER_S);
	queue->backoff_us = or_default(config->backoff_us, US_PER_S);
	queue->backoff_max_us = or_default(config->backoff_max_us, 300 * US_PER_S);
	(void)pthread_mutex_init(&queue->mutex, NULL);
	for (int stage = 0; stage < PARTS_STAGES; stage++)
		queue->hints[stage] = (struct hint){ .rank = INT64_MIN, .heard = INT64_MAX };
	*ret = queue;
	return ERR_OK;
}

void part_queue_free(struct part_queue *queue)
{
	if (!queue)
		return;
	(void)pthread_mutex_destroy(&queue->mutex);
	free(queue);
}

void queue_lock(struct part_queue *queue)
{
	(void)pthread_mutex_lock(&queue->mutex);
}

void queue_unlock(struct part_queue *queue)
{
	(void)pthread_mutex_unlock(&queue->mutex);
}

int64_t parts_node(struct part_queue *queue)
{
	queue_lock(queue);
	int64_t id = queue->node_id;
	queue_unlock(queue);
	return id;
}

int64_t queue_now(struct part_queue *queue)
{
	queue_lock(queue);
	int64_t now = queue->now;
	queue_unlock(queue);
	return now;
}

void queue_note_now(struct part_queue *queue, int64_t now)
{
	queue_lock(queue);
	if (now > queue->now)
		queue->now = now;
	queue_unlock(queue);
}

void queue_lower_hint(struct part_queue *queue, int stage, int64_t rank)
{
	queue_lock(queue);
	struct hint *hint = &queue->hints[stage];
	/* Of equal ranks the part may be one that was passed already. */
	if (rank <= hint->rank) {
		hint->rank = rank;
		hint->id = 0;
	}
	if (rank < hint->heard)
		hint->heard = rank;
	queue_unlock(queue);
}

enum err_code queue_tell_ready(struct part_queue *queue, struct db_tx *tx, int stage, int64_t rank, struct err *err)
{
	char text[48];
	(void)snprintf(text, sizeof text, "%d %" PRId64, stage, rank);
	queue_lower_hint(queue, stage, rank);
	return db_notify(tx, PARTS_CHANNEL, text, err);
}

static void reset_hints(struct part_queue *queue)
{
	for (int stage = 0; stage < PARTS_STAGES; stage++)
		queue_lower_hint(queue, stage, INT64_MIN);
}

int parts_heard(struct part_queue *queue, const char *text)
{
	char *end = NULL;
	long stage = text ? strtol(text, &end, 10) : -1;
	if (stage < 0 || stage >= PARTS_STAGES || *end != ' ') {
		reset_hints(queue);
		return -1;
	}
	queue_lower_hint(queue, (int)stage, strtoll(end, NULL, 10));
	return (int)stage;
}
