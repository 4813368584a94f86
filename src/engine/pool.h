/*
 * The engine's threads: each takes the oldest waiting task, runs it on a session of its own, and reports. Models are
 * shared, sessions are opened by the thread that first needs one and kept.
 */
#ifndef TIRO_ENGINE_POOL_H
#define TIRO_ENGINE_POOL_H

#include "engine/proto.h"

/* The recognisers and their models; NULL where there is none of the kind. Borrowed by the pool. */
struct pool_models {
	const struct asr_engine_ops *speech_ops;
	struct asr_model *speech;
	const struct ocr_engine_ops *page_ops;
	struct ocr_model *pages;
};

enum pool_kind { POOL_SPEECH, POOL_PAGE };

struct pool_task {
	enum pool_kind kind;
	uint32_t number; /* the node's name for it */
	int fd; /* samples or pixels; owned by the pool once submitted */
	struct asr_options speech;
	struct engine_page_task page;
};

/* Called by a pool thread when a task has ended: the packed result, or why there is none. */
typedef void pool_done_fn(void *ctx, enum pool_kind kind, uint32_t number, const struct engine_outcome *outcome);

struct pool;

/* Starts `threads` threads. Errors: ERR_SYSTEM, ERR_NO_MEMORY. */
enum err_code pool_new(int threads, const struct pool_models *models, pool_done_fn *done, void *ctx, struct pool **ret,
		       struct err *err) MUST_CHECK;

/* Takes a task (its descriptor too, also on failure). Errors: ERR_TOO_BIG past LIMIT_ENGINE_TASKS. Thread-safe. */
enum err_code pool_submit(struct pool *pool, const struct pool_task *task, struct err *err) MUST_CHECK;

/* Ends a waiting or running task with ERR_CANCELLED; an unknown number is ignored. Thread-safe. */
void pool_abort(struct pool *pool, uint32_t number);

/* Aborts everything, joins the threads and frees. */
void pool_free(struct pool *pool);

#endif
