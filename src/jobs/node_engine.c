/*
 * The node's engine: which part is in which thread's hands, what comes back, and what happens when it dies or hangs.
 */
#include "base/cleanup.h"
#include "jobs/node_priv.h"

/* A part's time is counted in so many looks of the watch, not read off a clock: a node that was stopped itself (Ctrl-Z)
 * has lost one look when it goes on. */
enum { WATCH_LOOKS = 20 };

/* -- its end ------------------------------------------------------------------------------------------- */

/* The parts that a dead engine had in hand are ready again. It died of those that it had for `looks` and longer; a part
 * that too many engines died of fails its job. */
static void give_back_parts(struct node *node, int looks, const struct err *why)
{
	for (int i = 0; i < node->spec.threads; i++) {
		struct slot slot = node->slots[i];
		node->slots[i] = (struct slot){ 0 };
		if (!slot.busy || !slot.job)
			continue;
		bool given_up = false;
		struct err err;
		if (queue_release(node->queue, &slot.claim, slot.looks >= looks, &given_up, &err) == ERR_OK && given_up)
			job_fail(slot.job, why);
	}
}

/* The engine is dead, or is given up. */
static void lose_engine(struct node *node, int looks, const struct err *why)
{
	engine_close(steal_ptr(&node->engine));
	node->engine_why = *why;
	give_back_parts(node, looks, why);
	node_pump_soon(node);
}

/* -- results ------------------------------------------------------------------------------------------- */

static struct slot *slot_of(struct node *node, uint32_t task)
{
	for (int i = 0; i < node->spec.threads; i++) {
		if (node->slots[i].busy && node->slots[i].task == task)
			return &node->slots[i];
	}
	return NULL;
}

static void on_result(struct node *node, uint32_t task, struct asr_transcript *speech, struct ocr_page *page,
		      const struct err *why)
{
	struct slot *slot = slot_of(node, task);
	if (!slot)
		return; /* an engine that answers twice gains nothing */
	struct queue_claim claim = slot->claim;
	struct job *job = slot->job;
	struct err err;
	if (job && why->code == ERR_OK && job->ops->is_speech != (speech != NULL)) {
		(void)err_set(&err, ERR_PROTOCOL, "the recognition engine answered with another kind of result");
		lose_engine(node, 0, &err);
		return;
	}
	*slot = (struct slot){ 0 };
	node_pump_soon(node);
	if (!job || queue_complete(node->queue, &claim, &err) != ERR_OK)
		return; /* the job has ended meanwhile */
	job->ops->recognised(job, claim.index, speech, page, why);
}

static void on_speech(void *owner, uint32_t task, struct asr_transcript *result, int64_t busy_us, const struct err *why)
{
	(void)busy_us;
	on_result(owner, task, result, NULL, why);
}

static void on_page(void *owner, uint32_t task, struct ocr_page *result, int64_t busy_us, const struct err *why)
{
	(void)busy_us;
	on_result(owner, task, NULL, result, why);
}

static void on_ready(void *owner)
{
	struct node *node = owner;
	node->engine_was_ready = true;
	node_pump_soon(node);
}

static void on_engine_exit(void *owner, const struct err *why)
{
	lose_engine(owner, 0, why);
}

static const struct engine_events engine_callbacks = {
	.on_speech = on_speech, .on_page = on_page, .on_ready = on_ready, .on_exit = on_engine_exit
};

enum err_code node_engine_start(struct node *node, struct err *err)
{
	struct engine_spec spec = { .threads = node->spec.threads,
				    .fake = node->spec.fake,
				    .speech_model_fd = node->spec.speech_model_fd,
				    .openvino = node->spec.openvino,
				    .pages = node->spec.pages };
	return engine_start(node->loop, &spec, &engine_callbacks, node, &node->engine, err);
}

void node_engine_restore(struct node *node)
{
	if (node->engine || !node->jobs)
		return;
	struct err err = node->engine_why;
	if (node->engine_was_ready && node_engine_start(node, &err) == ERR_OK)
		return;
	for (struct job *job = node->jobs; job; job = job->next)
		job_fail(job, &err);
}

/* -- the watch ----------------------------------------------------------------------------------------- */

static void on_watch(uv_timer_t *watch)
{
	struct node *node = watch->data;
	bool is_busy = false;
	bool is_late = false;
	for (int i = 0; i < node->spec.threads; i++) {
		struct slot *slot = &node->slots[i];
		if (!slot->busy)
			continue;
		is_busy = true;
		/* The first look comes at any time after the start of a part. */
		is_late = ++slot->looks > WATCH_LOOKS || is_late;
	}
	if (!is_busy)
		(void)uv_timer_stop(watch);
	if (!is_late)
		return;
	struct err why;
	(void)err_set(&why, ERR_TIMEOUT, "the recognition engine took more than %g seconds over one part",
		      (double)node->spec.part_limit_ms / 1000);
	lose_engine(node, WATCH_LOOKS + 1, &why);
}

static void watch_parts(struct node *node)
{
	uint64_t every_ms = (uint64_t)(node->spec.part_limit_ms + WATCH_LOOKS - 1) / WATCH_LOOKS;
	if (!uv_is_active((uv_handle_t *)&node->watch))
		(void)uv_timer_start(&node->watch, on_watch, every_ms, every_ms);
}

/* -- parts --------------------------------------------------------------------------------------------- */

static struct slot *free_slot(struct node *node, int *ret_busy)
{
	struct slot *found = NULL;
	*ret_busy = 0;
	for (int i = 0; i < node->spec.threads; i++) {
		if (node->slots[i].busy)
			(*ret_busy)++;
		else
			found = &node->slots[i];
	}
	return found;
}

static bool any_unplanned(const struct node *node)
{
	for (const struct job *job = node->jobs; job; job = job->next) {
		if (!job->progress.planned)
			return true;
	}
	return false;
}

static bool has_suspect(const struct node *node)
{
	for (int i = 0; i < node->spec.threads; i++) {
		if (node->slots[i].busy && node->slots[i].claim.failures > 0)
			return true;
	}
	return false;
}

/* A part with which an engine died is tried alone: a second death is its own. It goes back to the front of the queue
 * until the engine is empty. */
static bool must_wait(struct node *node, const struct queue_claim *claim, int busy)
{
	bool given_up;
	struct err err;
	return claim->failures > 0 && busy > 0 && queue_release(node->queue, claim, false, &given_up, &err) == ERR_OK;
}

void node_engine_hand_out(struct node *node)
{
	int busy;
	struct slot *slot;
	struct queue_claim claim;
	while (node->engine && (slot = free_slot(node, &busy)) && !has_suspect(node) &&
	       queue_claim(node->queue, QUEUE_RECOGNISE, &claim) && !must_wait(node, &claim, busy)) {
		struct job *job = node_find_job(node, claim.job);
		bool lone = busy == 0 && queue_ready(node->queue, QUEUE_RECOGNISE) == 0 && !any_unplanned(node);
		*slot = (struct slot){ .busy = true, .task = ++node->last_task, .claim = claim, .job = job };
		watch_parts(node);
		struct err err;
		if (job->ops->recognise(job, claim.index, slot->task, lone, &err) != ERR_OK) {
			*slot = (struct slot){ 0 };
			job_fail(job, &err);
		}
	}
}

void node_engine_forget(struct node *node, const struct job *job)
{
	for (int i = 0; i < node->spec.threads; i++) {
		struct slot *slot = &node->slots[i];
		if (slot->busy && slot->job == job) {
			slot->job = NULL;
			if (node->engine)
				engine_abort(node->engine, slot->task);
		}
	}
}
