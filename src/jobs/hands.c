#include "jobs/hands.h"

#include <assert.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

/* How often threads are looked at for parts that take too long. */
enum { WATCH_MS = 1000 };
/* Before an engine that failed is started again: at once where it had worked, else doubled from the first to the last.
 */
#define RESTART_FIRST_MS 1000U
#define RESTART_LAST_MS 60000U

struct hand {
	struct hands *hands;
	bool busy;
	uint32_t task;
	int64_t since_us;
	hands_done_fn *done; /* NULL: nobody wants it */
	void *arg;
};

struct hands {
	uv_loop_t *loop;
	struct hands_spec spec;
	struct engine *engine; /* NULL: waits to be started again */
	bool ready;
	unsigned restart_ms;
	uint64_t restart_at_ms; /* of the loop's clock, while there is no engine */
	struct err why;
	uint32_t last_task;
	uv_timer_t watch;
	struct hand slots[]; /* spec.engine.threads */
};

static struct hand *find_task(struct hands *hands, uint32_t task)
{
	for (int i = 0; i < hands->spec.engine.threads; i++) {
		if (hands->slots[i].busy && hands->slots[i].task == task)
			return &hands->slots[i];
	}
	return NULL;
}

static void give_result(struct hand *hand, struct asr_transcript *speech, int64_t busy_us, const struct err *why)
{
	hands_done_fn *done = hand->done;
	void *arg = hand->arg;
	*hand = (struct hand){ .hands = hand->hands };
	if (done)
		done(arg, speech, busy_us, why);
}

static bool is_too_long(const struct hand *hand)
{
	return hand->busy && clock_monotonic_us() - hand->since_us > hand->hands->spec.part_timeout_us;
}

/* -- what the engine says -------------------------------------------------------------------------------- */

static void on_speech(void *owner, uint32_t task, struct asr_transcript *result, int64_t busy_us, const struct err *why)
{
	struct hands *hands = owner;
	struct hand *hand = find_task(hands, task);
	if (!hand)
		return; /* an engine that answers twice gains nothing */
	give_result(hand, result, busy_us, why);
	hands->spec.on_free(hands->spec.owner);
}

static void on_page(void *owner, uint32_t task, struct ocr_page *result, int64_t busy_us, const struct err *why)
{
	(void)result;
	on_speech(owner, task, NULL, busy_us, why);
}

static void on_ready(void *owner)
{
	struct hands *hands = owner;
	hands->ready = true;
	hands->restart_ms = 0;
	hands->spec.on_free(hands->spec.owner);
}

/* An engine that died may have died of any part that it had; one that was stopped for being late, of those alone that
 * took too long. */
static const struct err *share_of(const struct hand *hand, const struct err *why, const struct err *bystander)
{
	return why->code == ERR_TIMEOUT && !is_too_long(hand) ? bystander : why;
}

static void lose_engine(struct hands *hands, const struct err *why)
{
	struct err bystander;
	(void)err_set(&bystander, ERR_INTERRUPTED, "the engine was stopped while it had this part: %s", why->message);

	engine_close(steal_ptr(&hands->engine));
	hands->why = *why;
	hands->restart_ms = hands->ready			  ? 0
			    : hands->restart_ms == 0		  ? RESTART_FIRST_MS
			    : hands->restart_ms < RESTART_LAST_MS ? hands->restart_ms * 2
								  : hands->restart_ms;
	hands->ready = false;
	hands->restart_at_ms = uv_now(hands->loop) + hands->restart_ms;
	log_line(LOG_ERROR, "the engine was lost: %s; it is started again in %u s", why->message,
		 hands->restart_ms / 1000);
	for (int i = 0; i < hands->spec.engine.threads; i++) {
		if (hands->slots[i].busy)
			give_result(&hands->slots[i], NULL, 0, share_of(&hands->slots[i], why, &bystander));
	}
}

static void on_exit_(void *owner, const struct err *why)
{
	lose_engine(owner, why);
}

static const struct engine_events engine_callbacks = {
	.on_speech = on_speech, .on_page = on_page, .on_ready = on_ready, .on_exit = on_exit_
};

/* -- watching ---------------------------------------------------------------------------------------------- */

static bool any_too_long(const struct hands *hands)
{
	for (int i = 0; i < hands->spec.engine.threads; i++) {
		if (is_too_long(&hands->slots[i]))
			return true;
	}
	return false;
}

static void restart(struct hands *hands)
{
	struct err err;
	if (engine_start(hands->loop, &hands->spec.engine, &engine_callbacks, hands, &hands->engine, &err) == ERR_OK) {
		hands->spec.on_free(hands->spec.owner);
		return;
	}
	hands->engine = NULL;
	lose_engine(hands, &err);
}

static void on_watch(uv_timer_t *timer)
{
	struct hands *hands = timer->data;
	struct err why;
	if (hands->engine && any_too_long(hands)) {
		(void)err_set(&why, ERR_TIMEOUT, "a part took longer than %lld s",
			      (long long)(hands->spec.part_timeout_us / US_PER_S));
		lose_engine(hands, &why);
	}
	if (!hands->engine && uv_now(hands->loop) >= hands->restart_at_ms)
		restart(hands);
}

/* -- for the owner ------------------------------------------------------------------------------------------- */

enum err_code hands_new(uv_loop_t *loop, const struct hands_spec *spec, struct hands **ret, struct err *err)
{
	size_t threads = (size_t)spec->engine.threads;
	struct hands *hands = calloc(1, sizeof *hands + threads * sizeof hands->slots[0]);
	if (!hands)
		return err_set(err, ERR_NO_MEMORY, "no memory for an engine of %zu threads", threads);
	hands->loop = loop;
	hands->spec = *spec;
	for (size_t i = 0; i < threads; i++)
		hands->slots[i].hands = hands;
	if (engine_start(loop, &spec->engine, &engine_callbacks, hands, &hands->engine, err) != ERR_OK) {
		free(hands);
		return err->code;
	}
	(void)uv_timer_init(loop, &hands->watch); /* cannot fail, nor can starting it */
	hands->watch.data = hands;
	(void)uv_timer_start(&hands->watch, on_watch, WATCH_MS, WATCH_MS);
	*ret = hands;
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void hands_close(struct hands *hands)
{
	if (!hands)
		return;
	engine_close(steal_ptr(&hands->engine));
	uv_close((uv_handle_t *)&hands->watch, on_closed);
}

int hands_free(const struct hands *hands)
{
	int count = 0;
	for (int i = 0; hands->engine && i < hands->spec.engine.threads; i++)
		count += !hands->slots[i].busy;
	return count;
}

int hands_threads(const struct hands *hands)
{
	return hands->spec.engine.threads;
}

bool hands_are_ready(const struct hands *hands, struct err *why)
{
	*why = (struct err){ 0 };
	if (!hands->engine)
		*why = hands->why;
	return hands->ready;
}

enum err_code hands_recognise(struct hands *hands, int fd, const struct asr_options *options, hands_done_fn *done,
			      void *arg, struct hand **ret, struct err *err)
{
	struct hand *hand = NULL;
	for (int i = 0; i < hands->spec.engine.threads && !hand; i++)
		hand = hands->slots[i].busy ? NULL : &hands->slots[i];
	assert(hand && hands->engine); /* the caller asked hands_free */
	uint32_t task = ++hands->last_task;
	if (engine_recognise(hands->engine, task, fd, options, err) != ERR_OK)
		return err->code;
	*hand = (struct hand){ hands, true, task, clock_monotonic_us(), done, arg };
	*ret = hand;
	return ERR_OK;
}

void hands_drop(struct hand *hand)
{
	hand->done = NULL;
	if (hand->hands->engine)
		engine_abort(hand->hands->engine, hand->task);
}
