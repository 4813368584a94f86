/*
 * The engine and the parts in its threads' hands: as many at once as it has threads. An engine that dies is started
 * again, and what it had in hand is told to be lost; one that never became ready is tried again later and later.
 *
 * All calls and callbacks: the loop's thread.
 */
#ifndef TIRO_JOBS_HANDS_H
#define TIRO_JOBS_HANDS_H

#include "engine/engine.h"

struct hands;
struct hand;

struct hands_spec {
	struct engine_spec engine; /* borrowed texts and descriptors stay valid while the hands live; threads >= 1 */
	/* A part may be in an engine's thread for so long; then the engine is stopped like one that died. */
	int64_t part_timeout_us;
	/* A thread has become free, or the engine is back. */
	void (*on_free)(void *owner);
	void *owner;
};

/* Starts the engine in the background. Errors: ERR_UNAVAILABLE, ERR_SYSTEM, ERR_NO_MEMORY. */
enum err_code hands_new(uv_loop_t *loop, const struct hands_spec *spec, struct hands **ret, struct err *err) MUST_CHECK;

/* Stops everything at once; no callback follows. The loop must turn once after. NULL is fine. */
void hands_close(struct hands *hands);

/* Threads that have nothing in hand; 0 while there is no engine. */
int hands_free(const struct hands *hands);
int hands_threads(const struct hands *hands);

/* True once the models are loaded; else `why` says what holds it up (ERR_OK: it is still starting). */
bool hands_are_ready(const struct hands *hands, struct err *why);

/* One result, for the call; `why` is ERR_OK, the recogniser's error, ERR_CRASHED where the engine
 * died with it, ERR_TIMEOUT where the engine was stopped for it, ERR_INTERRUPTED where it was stopped for another. The
 * transcript is lent: the callee may take it over by copying the struct and zeroing the original. */
typedef void hands_done_fn(void *arg, struct asr_transcript *speech, int64_t busy_us, const struct err *why);

/* Gives speech to a free thread. `fd` stays the caller's and open until the result. *ret is good until then. */
enum err_code hands_recognise(struct hands *hands, int fd, const struct asr_options *options, hands_done_fn *done,
			      void *arg, struct hand **ret, struct err *err) MUST_CHECK;

/* Nobody wants the result any more: the part is aborted, its callback does not come. */
void hands_drop(struct hand *hand);

#endif
