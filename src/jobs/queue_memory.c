/*
 * The queue in memory, for one process: a list per stage, scanned for the lowest rank. Jails publish only a few parts
 * ahead of the engine, so the lists are short; a heap would cost more code than it saves.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "jobs/queue.h"

struct part {
	struct part *next;
	uint64_t job;
	uint32_t index;
	double rank;
	uint32_t failures;
	uint64_t token; /* of the claim that holds it; 0 while it is ready */
};

struct memory_job {
	struct memory_job *next;
	uint64_t id;
	double weight;
	double offset; /* of its priority, in virtual time */
	double finish[QUEUE_STAGES]; /* virtual finish time of the part published last */
};

struct memory_queue {
	struct queue base;
	struct memory_job *jobs;
	struct part *parts[QUEUE_STAGES];
	double now[QUEUE_STAGES]; /* virtual time: the rank claimed last */
	uint64_t last_job;
	uint64_t last_token;
};

static struct memory_queue *self(struct queue *queue)
{
	return (struct memory_queue *)queue;
}

static struct memory_job *find_job(const struct memory_queue *q, uint64_t id)
{
	struct memory_job *job = q->jobs;
	while (job && job->id != id)
		job = job->next;
	return job;
}

static void memory_end_job(struct queue *queue, uint64_t id)
{
	struct memory_queue *q = self(queue);
	for (int stage = 0; stage < QUEUE_STAGES; stage++) {
		for (struct part **link = &q->parts[stage]; *link;) {
			struct part *part = *link;
			if (part->job != id) {
				link = &part->next;
				continue;
			}
			*link = part->next;
			free(part);
		}
	}
	for (struct memory_job **link = &q->jobs; *link; link = &(*link)->next) {
		struct memory_job *job = *link;
		if (job->id == id) {
			*link = job->next;
			free(job);
			return;
		}
	}
}

static void memory_free(struct queue *queue)
{
	struct memory_queue *q = self(queue);
	while (q->jobs)
		memory_end_job(queue, q->jobs->id);
	free(q);
}

static enum err_code memory_add_job(struct queue *queue, double weight, int priority, uint64_t *ret_job,
				    struct err *err)
{
	struct memory_queue *q = self(queue);
	struct memory_job *job = calloc(1, sizeof *job);
	if (!job)
		return err_set(err, ERR_NO_MEMORY, "no memory for a job");
	job->id = ++q->last_job;
	job->weight = weight;
	job->offset = -priority * QUEUE_PRIORITY_COST;
	struct memory_job **tail = &q->jobs;
	while (*tail)
		tail = &(*tail)->next;
	*tail = job;
	*ret_job = job->id;
	return ERR_OK;
}

static enum err_code memory_publish(struct queue *queue, uint64_t id, enum queue_stage stage, uint32_t index,
				    double cost, struct err *err)
{
	struct memory_queue *q = self(queue);
	struct memory_job *job = find_job(q, id);
	if (!job)
		return err_set(err, ERR_NOT_FOUND, "no job %llu in the queue", (unsigned long long)id);
	struct part *part = calloc(1, sizeof *part);
	if (!part)
		return err_set(err, ERR_NO_MEMORY, "no memory for a part");
	double start = job->finish[stage] > q->now[stage] ? job->finish[stage] : q->now[stage];
	job->finish[stage] = start + cost / job->weight;
	part->job = id;
	part->index = index;
	part->rank = start + job->offset;
	struct part **tail = &q->parts[stage];
	while (*tail)
		tail = &(*tail)->next;
	*tail = part;
	return ERR_OK;
}

static bool memory_claim(struct queue *queue, enum queue_stage stage, struct queue_claim *ret)
{
	struct memory_queue *q = self(queue);
	struct part *best = NULL;
	/* Of equal ranks the one published first: the list is in that order. */
	for (struct part *part = q->parts[stage]; part; part = part->next) {
		if (part->token == 0 && (!best || part->rank < best->rank))
			best = part;
	}
	if (!best)
		return false;
	best->token = ++q->last_token;
	const struct memory_job *job = find_job(q, best->job);
	double start = best->rank - job->offset;
	/* Not ahead of what others of no priority have reached: a job in a hurry must not make those that come after it
	 * start behind them. */
	double reached = start < best->rank ? start : best->rank;
	if (reached > q->now[stage])
		q->now[stage] = reached;
	*ret = (struct queue_claim){
		.job = best->job, .stage = stage, .index = best->index, .token = best->token, .failures = best->failures
	};
	return true;
}

/* The link to the claimed part, or NULL where the claim no longer counts. */
static struct part **find_claimed(struct memory_queue *q, const struct queue_claim *claim)
{
	for (struct part **link = &q->parts[claim->stage]; *link; link = &(*link)->next) {
		if ((*link)->token == claim->token)
			return link;
	}
	return NULL;
}

static enum err_code refuse(struct err *err)
{
	return err_set(err, ERR_CANCELLED, "the part was given to another worker or its job was cancelled");
}

static enum err_code memory_complete(struct queue *queue, const struct queue_claim *claim, struct err *err)
{
	struct part **link = find_claimed(self(queue), claim);
	if (!link)
		return refuse(err);
	struct part *part = *link;
	*link = part->next;
	free(part);
	return ERR_OK;
}

static enum err_code memory_release(struct queue *queue, const struct queue_claim *claim, bool is_failure,
				    bool *ret_given_up, struct err *err)
{
	struct part **link = find_claimed(self(queue), claim);
	if (!link)
		return refuse(err);
	struct part *part = *link;
	part->token = 0;
	part->failures += is_failure;
	*ret_given_up = part->failures >= QUEUE_ATTEMPTS_MAX;
	if (*ret_given_up) {
		*link = part->next;
		free(part);
	}
	return ERR_OK;
}

static uint64_t memory_ready(const struct queue *queue, enum queue_stage stage)
{
	const struct memory_queue *q = (const struct memory_queue *)queue;
	uint64_t count = 0;
	for (const struct part *part = q->parts[stage]; part; part = part->next)
		count += part->token == 0;
	return count;
}

static const struct queue_ops memory_ops = { .free = memory_free,
					     .add_job = memory_add_job,
					     .publish = memory_publish,
					     .claim = memory_claim,
					     .complete = memory_complete,
					     .release = memory_release,
					     .end_job = memory_end_job,
					     .ready = memory_ready };

enum err_code queue_memory_new(struct queue **ret, struct err *err)
{
	struct memory_queue *q = calloc(1, sizeof *q);
	if (!q)
		return err_set(err, ERR_NO_MEMORY, "no memory for a queue");
	q->base.ops = &memory_ops;
	*ret = (struct queue *)q;
	return ERR_OK;
}
