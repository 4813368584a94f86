/*
 * Work beside the loop: a few threads for what blocks (password hashing, disks, databases), and a queue through which
 * any thread hands something to the loop.
 *
 * An item is embedded in its owner's object, which must live until `done` has run. `run` is called in a thread of the
 * pool, `done` on the loop's. A request that the item works for may be gone by then: the owner learns that from
 * http_handler's on_close.
 */
#ifndef TIRO_HTTP_WORK_H
#define TIRO_HTTP_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct uv_loop_s;
struct http_pool;

struct http_work {
	struct http_work *next; /* the pool's */
	bool dropped; /* set before `done`: the pool was freed first, `run` was not called */
	void (*run)(struct http_work *work); /* not looked at by http_pool_post */
	void (*done)(struct http_work *work);
};

/* `max_waiting`: items that may wait for a thread; more are refused, so that a flood shows as 503 and not as memory.
 * Errors: ERR_NO_MEMORY, ERR_SYSTEM. */
enum err_code http_pool_new(struct uv_loop_s *loop, unsigned threads, size_t max_waiting, struct http_pool **ret,
			    struct err *err) MUST_CHECK;

/* Waits for the items that run, drops what waits for a thread (its `done` is still called), and runs all `done`. On the
 * loop's thread; the loop runs until the pool's own handle is closed. NULL is fine. */
void http_pool_free(struct http_pool *pool);

/* Runs the item. Any thread. Errors: ERR_UNAVAILABLE (too many wait). */
enum err_code http_pool_submit(struct http_pool *pool, struct http_work *work, struct err *err) MUST_CHECK;

/* The same for work that goes on from what was admitted before: never refused. Its owner bounds it. Loop's thread. */
void http_pool_continue(struct http_pool *pool, struct http_work *work);

/* Calls `done` on the loop's thread, soon. Any thread; never blocks but for a short lock. */
void http_pool_post(struct http_pool *pool, struct http_work *work);

#endif
