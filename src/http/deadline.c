#include "http/deadline.h"

#include <stddef.h>

void deadline_queue_init(struct deadline_queue *queue, uint64_t span_ms)
{
	queue->head.prev = queue->head.next = &queue->head;
	queue->span_ms = span_ms;
}

void deadline_clear(struct deadline *deadline)
{
	if (!deadline->prev)
		return;
	deadline->prev->next = deadline->next;
	deadline->next->prev = deadline->prev;
	deadline->prev = deadline->next = NULL;
}

void deadline_set(struct deadline_queue *queue, struct deadline *deadline, uint64_t now_ms)
{
	deadline_clear(deadline);
	deadline->at_ms = now_ms + queue->span_ms;
	deadline->next = &queue->head;
	deadline->prev = queue->head.prev;
	queue->head.prev->next = deadline;
	queue->head.prev = deadline;
}

struct deadline *deadline_expired(const struct deadline_queue *queue, uint64_t now_ms)
{
	struct deadline *first = queue->head.next;
	return first != &queue->head && first->at_ms <= now_ms ? first : NULL;
}
