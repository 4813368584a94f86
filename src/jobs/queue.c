#include "jobs/queue.h"

#include <assert.h>

void queue_free(struct queue *queue)
{
	if (queue)
		queue->ops->free(queue);
}

enum err_code queue_add_job(struct queue *queue, double weight, int priority, uint64_t *ret_job, struct err *err)
{
	if (!(weight > 0) || priority < -10 || priority > 10)
		return err_set(err, ERR_INVALID, "a job of weight %g and priority %d is out of range", weight,
			       priority);
	return queue->ops->add_job(queue, weight, priority, ret_job, err);
}

enum err_code queue_publish(struct queue *queue, uint64_t job, enum queue_stage stage, uint32_t index, double cost,
			    struct err *err)
{
	assert(stage < QUEUE_STAGES && cost >= 0);
	return queue->ops->publish(queue, job, stage, index, cost, err);
}

bool queue_claim(struct queue *queue, enum queue_stage stage, struct queue_claim *ret)
{
	return queue->ops->claim(queue, stage, ret);
}

enum err_code queue_complete(struct queue *queue, const struct queue_claim *claim, struct err *err)
{
	return queue->ops->complete(queue, claim, err);
}

enum err_code queue_release(struct queue *queue, const struct queue_claim *claim, bool is_failure, bool *ret_given_up,
			    struct err *err)
{
	return queue->ops->release(queue, claim, is_failure, ret_given_up, err);
}

void queue_end_job(struct queue *queue, uint64_t job)
{
	queue->ops->end_job(queue, job);
}

uint64_t queue_ready(const struct queue *queue, enum queue_stage stage)
{
	return queue->ops->ready(queue, stage);
}
