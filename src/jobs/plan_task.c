/*
 * The first stage: a jail reads the file, ranges of which the pool fetches and decrypts, and each part that comes out
 * is stored by the pool, then published. The jail is held back while parts wait to be stored, so a recording of any
 * length takes the memory of a few parts.
 *
 * A plan that is claimed again (its node died) goes over the file again: the same parts come out, and those that were
 * published stay as they are, recognised or not.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "jobs/jail_feed.h"
#include "jobs/worker_priv.h"

/* Up to this length a recording may be one part; it waits for the end of the plan to know (then it is searched harder
 * and gets every core). Longer ones start at once. */
#define MAYBE_ALONE_US ((int64_t)LIMIT_PART_MAX_S * US_PER_S)

/* Parts that wait to be stored: as many as the jail sends ahead. */
enum { WAITING_MAX = JAIL_PARTS_AHEAD };

struct waiting_part {
	struct part_layout layout;
	int fd;
};

struct plan_task {
	struct task base; /* first */
	struct jail_feed feed;
	struct jail *jail;
	int64_t start_us, info_us; /* what the container says */
	int64_t decoded_us, duration_us; /* what was read */
	struct waiting_part waiting[WAITING_MAX], storing[WAITING_MAX];
	size_t waiting_count, storing_count;
	double costs_s[WAITING_MAX], total_s; /* of what is being stored; of all */
	double fraction; /* of the recording that is read, as what is being stored tells it */
	int64_t read_us; /* decoded_us at that moment: the loop goes on while the pool stores */
	uint32_t stored; /* parts */
	bool over; /* the jail has ended: `end_why` says how */
	struct err end_why;
};

/* -- the end --------------------------------------------------------------------------------------------------- */

/* Everything beside the pool. */
static void release(struct plan_task *t)
{
	jail_close(steal_ptr(&t->jail));
	jail_feed_close(&t->feed);
	for (size_t i = 0; i < t->waiting_count; i++)
		(void)close(t->waiting[i].fd);
	t->waiting_count = 0;
}

static void fail(struct plan_task *t, const struct err *why)
{
	release(t);
	t->base.why = *why;
	task_fail(&t->base);
}

static void stop(struct task *task)
{
	release((struct plan_task *)task);
	if (!task->working)
		task_end(task);
}

static void run_planned(struct http_work *work)
{
	struct plan_task *t = (struct plan_task *)work;
	const struct worker_spec *spec = &t->base.worker->spec;
	t->base.why.code = job_planned_all(spec->queue, spec->files->db, &t->base.facts, &t->base.claim, t->duration_us,
					   &t->end_why, &t->base.why);
}

static void done_planned(struct http_work *work)
{
	struct plan_task *t = (struct plan_task *)work;
	if (!task_worked(&t->base) || t->base.why.code == ERR_OK) {
		release(t);
		task_end(&t->base);
		return;
	}
	struct err why = t->base.why;
	fail(t, &why);
}

/* -- storing parts --------------------------------------------------------------------------------------------- */

static void go_on(struct plan_task *t);

static void run_store(struct http_work *work)
{
	struct plan_task *t = (struct plan_task *)work;
	const struct worker_spec *spec = &t->base.worker->spec;
	struct err *why = &t->base.why;
	struct job_parts parts = { .first = t->stored,
				   .count = (uint32_t)t->storing_count,
				   .costs_s = t->costs_s,
				   .total_cost_s = t->total_s,
				   .length_us = t->read_us,
				   .fraction = t->fraction };
	enum err_code code = ERR_OK;
	for (size_t i = 0; code == ERR_OK && i < t->storing_count; i++)
		code = job_part_write(spec->files, &t->base.facts, t->stored + (uint32_t)i, &t->storing[i].layout,
				      t->storing[i].fd, why);
	if (code == ERR_OK)
		code = job_publish_parts(spec->queue, spec->files->db, &t->base.facts, &t->base.claim, &parts, why);
	/* Whoever ended the job knew of the parts that were published. */
	if (code == ERR_CANCELLED)
		job_parts_forget(spec->files, &t->base.facts, parts.first + parts.count);
	why->code = code;
}

static void done_store(struct http_work *work)
{
	struct plan_task *t = (struct plan_task *)work;
	size_t count = t->storing_count;
	for (size_t i = 0; i < count; i++)
		(void)close(t->storing[i].fd);
	t->storing_count = 0;
	if (!task_worked(&t->base)) {
		release(t);
		task_end(&t->base);
		return;
	}
	if (t->base.why.code != ERR_OK) {
		struct err why = t->base.why;
		fail(t, &why);
		return;
	}
	t->stored += (uint32_t)count;
	for (size_t i = 0; i < count && t->jail; i++)
		jail_part_taken(t->jail);
	go_on(t);
}

/* A recording that may be one part is not published before it is known to be. */
static bool may_be_alone(const struct plan_task *t)
{
	return t->stored == 0 && t->waiting_count == 1 && !t->over && t->info_us <= MAYBE_ALONE_US;
}

/* A file that breaks off keeps what came before, but only where it is the file that breaks off: if the jail was lost or
 * the store went away, it is read once more, and what was published already stays as it is. */
static bool is_lost(const struct plan_task *t)
{
	return t->over && t->end_why.code != ERR_OK &&
	       (t->stored + t->waiting_count == 0 || job_may_pass(t->end_why.code, &t->base.claim));
}

static double fraction_read(const struct plan_task *t)
{
	double fraction = t->info_us > 0 ? (double)t->decoded_us / (double)t->info_us : 0;
	return fraction < 1 ? fraction : 1;
}

/* The jail goes on while the pool stores: what the pool needs to know of it is put down here. */
static void store_waiting(struct plan_task *t)
{
	t->waiting[0].layout.alone = t->over && t->stored == 0 && t->waiting_count == 1;
	memcpy(t->storing, t->waiting, t->waiting_count * sizeof t->waiting[0]);
	t->storing_count = t->waiting_count;
	t->waiting_count = 0;
	for (size_t i = 0; i < t->storing_count; i++) {
		t->costs_s[i] = (double)t->storing[i].layout.sample_count / AUDIO_RATE;
		t->total_s += t->costs_s[i];
	}
	t->fraction = fraction_read(t);
	t->read_us = t->decoded_us;
	task_work(&t->base, run_store, done_store);
}

static void go_on(struct plan_task *t)
{
	if (t->base.working)
		return;
	if (is_lost(t))
		fail(t, &t->end_why);
	else if (t->waiting_count > 0 && !may_be_alone(t))
		store_waiting(t);
	else if (t->over && t->waiting_count == 0)
		task_work(&t->base, run_planned, done_planned);
}

/* -- the jail ---------------------------------------------------------------------------------------------------- */

static void on_audio_info(void *owner, const struct jail_audio_info *info)
{
	struct plan_task *t = owner;
	t->start_us = info->start_us;
	t->info_us = info->duration_us;
}

static void on_part(void *owner, const struct asr_part *part, int *pcm_fd)
{
	struct plan_task *t = owner;
	struct waiting_part *waiting =
		&t->waiting[t->waiting_count++]; /* the jail sends no more than WAITING_MAX ahead */
	waiting->layout = (struct part_layout){ .start_us = t->start_us,
						.sample_count = part->sample_count,
						.span_count = part->span_count };
	memcpy(waiting->layout.spans, part->spans, part->span_count * sizeof part->spans[0]);
	waiting->fd = steal_fd(pcm_fd);
	go_on(t);
}

static void on_progress(void *owner, int64_t decoded_us)
{
	struct plan_task *t = owner;
	t->decoded_us = decoded_us;
}

static void on_jail_end(void *owner, int64_t duration_us, const struct err *why)
{
	struct plan_task *t = owner;
	jail_close(steal_ptr(&t->jail));
	t->over = true;
	t->end_why = *why;
	t->duration_us = duration_us;
	go_on(t);
}

static const struct jail_events jail_callbacks = {
	.on_audio_info = on_audio_info, .on_part = on_part, .on_progress = on_progress, .on_end = on_jail_end
};

/* -- the file ---------------------------------------------------------------------------------------------------- */

static void on_open(void *owner, const struct err *why)
{
	struct plan_task *t = owner;
	struct err err = *why;
	if (err.code != ERR_OK) {
		fail(t, &err);
		return;
	}
	struct jail_audio_options options = { .vad_fd = t->base.worker->spec.vad_fd, .parts_ahead = WAITING_MAX };
	if (jail_open_audio(t->base.worker->loop, &t->feed.source, &options, &jail_callbacks, t, &t->jail, &err) !=
	    ERR_OK)
		fail(t, &err);
}

/* -- the start --------------------------------------------------------------------------------------------------- */

static void run_begin(struct http_work *work)
{
	struct task *task = (struct task *)work;
	const struct files *files = task->worker->spec.files;
	task->why.code = job_facts_read(files, task->claim.job, &task->facts, &task->why);
	if (task->why.code == ERR_OK)
		task->why.code = job_begin(files->db, &task->facts, &task->why);
}

static void done_begin(struct http_work *work)
{
	struct plan_task *t = (struct plan_task *)work;
	const struct worker_spec *spec = &t->base.worker->spec;
	struct err err = t->base.why;
	if (!task_worked(&t->base))
		task_end(&t->base);
	else if (err.code != ERR_OK || jail_feed_open(&t->feed,
						      &(struct jail_feed_spec){ .files = spec->files,
										.pool = spec->pool,
										.file = t->base.facts.file,
										.on_open = on_open,
										.owner = t },
						      &err) != ERR_OK)
		fail(t, &err);
}

enum err_code plan_task_start(struct worker *worker, const struct part_claim *claim, struct err *err)
{
	struct plan_task *t = calloc(1, sizeof *t);
	if (!t)
		return err_set(err, ERR_NO_MEMORY, "no memory to plan a job");
	task_init(&t->base, worker, claim, stop);
	task_work(&t->base, run_begin, done_begin);
	return ERR_OK;
}
