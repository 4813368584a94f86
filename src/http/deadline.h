/*
 * Time-outs for very many objects. All deadlines of one queue are the same span away when they are set, so a list in
 * the order of setting is sorted: setting, clearing and finding what has expired cost the same for ten thousand as for
 * one.
 *
 * Objects embed a struct deadline, zeroed before its first use; it is in at most one queue. Times are the caller's
 * (milliseconds on any clock that never steps back). One thread at a time.
 */
#ifndef TIRO_HTTP_DEADLINE_H
#define TIRO_HTTP_DEADLINE_H

#include <stdint.h>

struct deadline {
	struct deadline *prev; /* NULL: in no queue */
	struct deadline *next;
	uint64_t at_ms;
};

struct deadline_queue {
	struct deadline head;
	uint64_t span_ms;
};

/* The queue must not move in memory afterwards. */
void deadline_queue_init(struct deadline_queue *queue, uint64_t span_ms);

/* The deadline is one span after `now_ms`; an earlier setting, in whatever queue, is forgotten. */
void deadline_set(struct deadline_queue *queue, struct deadline *deadline, uint64_t now_ms);
void deadline_clear(struct deadline *deadline);

/* The one that has expired first, still in the queue (so clear or set it), or NULL. */
struct deadline *deadline_expired(const struct deadline_queue *queue, uint64_t now_ms);

#endif
