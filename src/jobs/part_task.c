/*
 * One part: loaded and decrypted in the pool, recognised by the engine, stored in the pool. Two of them for each
 * thread, so that loading and storing cost the engine no time.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jobs/worker_priv.h"

struct part_task {
	struct task base; /* first */
	struct part_layout layout;
	int fd; /* of the samples */
	bool loaded; /* waits for a thread of the engine */
	struct hand *hand; /* NULL: not in the engine */
	struct asr_options options;
	struct asr_transcript words;
	int64_t busy_us;
};

static void end(struct part_task *t)
{
	if (t->fd >= 0)
		(void)close(t->fd);
	asr_transcript_done(&t->words);
	task_end(&t->base);
}

static void fail(struct part_task *t)
{
	if (t->fd >= 0)
		(void)close(steal_fd(&t->fd));
	asr_transcript_done(&t->words);
	task_fail(&t->base);
}

static void stop(struct task *task)
{
	struct part_task *t = (struct part_task *)task;
	if (t->hand)
		hands_drop(steal_ptr(&t->hand));
	if (!task->working)
		end(t);
}

/* -- storing ------------------------------------------------------------------------------------------------- */

static void run_store(struct http_work *work)
{
	struct part_task *t = (struct part_task *)work;
	const struct worker_spec *spec = &t->base.worker->spec;
	struct job_part_done done = { .claim = &t->base.claim,
				      .layout = &t->layout,
				      .words = &t->words,
				      .busy_us = t->busy_us,
				      .busy_max_us = spec->job_timeout_us };
	t->base.why.code = job_store_part(spec->queue, spec->files->db, &t->base.facts, &done, &t->base.why);
}

static void done_store(struct http_work *work)
{
	struct part_task *t = (struct part_task *)work;
	if (task_worked(&t->base) && t->base.why.code != ERR_OK)
		fail(t);
	else
		end(t);
}

/* -- recognition ----------------------------------------------------------------------------------------------- */

static void on_recognised(void *arg, struct asr_transcript *speech, int64_t busy_us, const struct err *why)
{
	struct part_task *t = arg;
	t->hand = NULL;
	if (!speech) {
		t->base.why = *why;
		fail(t);
		return;
	}
	t->words = *speech;
	*speech = (struct asr_transcript){ 0 };
	t->busy_us = busy_us;
	(void)close(steal_fd(&t->fd));
	task_work(&t->base, run_store, done_store);
}

/* Where nothing else is in hand or planned, a part gets every thread. */
static bool is_lone(const struct part_task *t)
{
	const struct worker *worker = t->base.worker;
	return worker->in_hand[PARTS_RECOGNISE] == 1 && worker->in_hand[PARTS_PLAN] == 0;
}

static void give(struct part_task *t)
{
	struct hands *hands = t->base.worker->hands;
	struct err err;
	t->loaded = false;
	t->options.alone = t->layout.alone;
	t->options.threads = is_lone(t) ? hands_threads(hands) : 1;
	if (hands_recognise(hands, t->fd, &t->options, on_recognised, t, &t->hand, &err) == ERR_OK)
		return;
	t->base.why = err;
	fail(t);
}

/* The loaded part of lowest rank; NULL where none waits. */
static struct part_task *next_loaded(const struct worker *worker)
{
	struct part_task *best = NULL;
	for (struct task *task = worker->tasks; task; task = task->next) {
		struct part_task *t = (struct part_task *)task;
		if (task->claim.stage == PARTS_RECOGNISE && t->loaded && !task->stopped &&
		    (!best || task->claim.rank < best->base.claim.rank))
			best = t;
	}
	return best;
}

/* An engine died with it in hand, perhaps of another part. */
static bool is_suspect(const struct part_task *t)
{
	return t->base.claim.crashes > 0;
}

static bool has_suspect(const struct worker *worker)
{
	for (const struct task *task = worker->tasks; task; task = task->next) {
		const struct part_task *t = (const struct part_task *)task;
		if (task->claim.stage == PARTS_RECOGNISE && t->hand && is_suspect(t))
			return true;
	}
	return false;
}

/* A suspect has the engine to itself, so that a second crash is its own and of nobody beside it. Others wait until the
 * engine is empty, and no longer than the suspect takes. */
void part_tasks_hand_out(struct worker *worker)
{
	struct part_task *t;
	while (!worker->closed && hands_free(worker->hands) > 0 && !has_suspect(worker) && (t = next_loaded(worker))) {
		if (is_suspect(t) && hands_free(worker->hands) < hands_threads(worker->hands))
			return;
		give(t);
	}
}

/* -- loading --------------------------------------------------------------------------------------------------- */

static enum err_code load(struct part_task *t, struct err *err)
{
	const struct worker_spec *spec = &t->base.worker->spec;
	struct job_facts *facts = &t->base.facts;
	int64_t index = t->base.claim.index;
	if (job_facts_read(spec->files, t->base.claim.job, facts, err) != ERR_OK)
		return err->code;
	t->options = facts->asked;
	if (index >= PART_SECOND_HEARING) {
		index -= PART_SECOND_HEARING;
		if (job_second_language(spec->files->db, facts->number, t->base.claim.index, t->options.language,
					err) != ERR_OK)
			return err->code;
	} else if (facts->heard.is_auto) {
		facts->heard.unchecked = (unsigned)(index % ASR_VOTE_RECHECK);
		speech_language_next(&facts->heard, t->options.language);
	}
	return job_part_read(spec->files, facts, (uint32_t)index, &t->layout, &t->fd, err);
}

static void run_load(struct http_work *work)
{
	struct part_task *t = (struct part_task *)work;
	t->base.why.code = load(t, &t->base.why);
}

static void done_load(struct http_work *work)
{
	struct part_task *t = (struct part_task *)work;
	if (!task_worked(&t->base)) {
		end(t);
		return;
	}
	if (t->base.why.code != ERR_OK) {
		fail(t);
		return;
	}
	t->loaded = true;
	part_tasks_hand_out(t->base.worker);
}

enum err_code part_task_start(struct worker *worker, const struct part_claim *claim, struct err *err)
{
	struct part_task *t = calloc(1, sizeof *t);
	if (!t)
		return err_set(err, ERR_NO_MEMORY, "no memory for a part");
	t->fd = -1;
	asr_transcript_init(&t->words);
	task_init(&t->base, worker, claim, stop);
	task_work(&t->base, run_load, done_load);
	return ERR_OK;
}
