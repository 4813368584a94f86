#include "http/work.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

/* First in, first out. */
struct queue {
	struct http_work *first;
	struct http_work **last;
	size_t count;
};

struct http_pool {
	uv_async_t wake;
	pthread_mutex_t lock; /* over all below */
	pthread_cond_t more;
	struct queue waiting;
	struct queue finished;
	size_t max_waiting;
	bool stopping;
	bool closed; /* loop thread only */
	unsigned threads;
	pthread_t ids[];
};

static void queue_add(struct queue *queue, struct http_work *work)
{
	work->next = NULL;
	*queue->last = work;
	queue->last = &work->next;
	queue->count++;
}

static struct http_work *queue_take(struct queue *queue)
{
	struct http_work *work = queue->first;
	if (!work)
		return NULL;
	queue->first = work->next;
	queue->count--;
	if (!queue->first)
		queue->last = &queue->first;
	return work;
}

static void *run_thread(void *arg)
{
	struct http_pool *pool = arg;
	(void)pthread_mutex_lock(&pool->lock);
	while (!pool->stopping) {
		struct http_work *work = queue_take(&pool->waiting);
		if (!work) {
			(void)pthread_cond_wait(&pool->more, &pool->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&pool->lock);
		work->run(work);
		(void)pthread_mutex_lock(&pool->lock);
		queue_add(&pool->finished, work);
		(void)uv_async_send(&pool->wake);
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Calls what has finished until now; what finishes meanwhile has its own wake-up, so that the loop gets its turn. */
static void run_finished(struct http_pool *pool)
{
	(void)pthread_mutex_lock(&pool->lock);
	struct http_work *work = pool->finished.first;
	pool->finished = (struct queue){ .last = &pool->finished.first };
	(void)pthread_mutex_unlock(&pool->lock);
	while (work) {
		struct http_work *next = work->next;
		work->done(work);
		work = next;
	}
}

static void on_wake(uv_async_t *wake)
{
	run_finished(wake->data);
}

static void on_closed(uv_handle_t *handle)
{
	((struct http_pool *)handle->data)->closed = true;
}

/* Joins the threads that were started. */
static void stop_threads(struct http_pool *pool)
{
	(void)pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	(void)pthread_cond_broadcast(&pool->more);
	(void)pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->threads; i++)
		(void)pthread_join(pool->ids[i], NULL);
}

enum err_code http_pool_new(struct uv_loop_s *loop, unsigned threads, size_t max_waiting, struct http_pool **ret,
			    struct err *err)
{
	struct http_pool *pool = calloc(1, sizeof *pool + threads * sizeof pool->ids[0]);
	if (!pool)
		return err_set(err, ERR_NO_MEMORY, "no memory for a pool of threads");
	pool->max_waiting = max_waiting;
	pool->waiting.last = &pool->waiting.first;
	pool->finished.last = &pool->finished.first;
	int failed = uv_async_init(loop, &pool->wake, on_wake);
	if (failed) {
		free(pool);
		return err_set_errno(err, ERR_SYSTEM, -failed, "could not make a pool of threads");
	}
	pool->wake.data = pool;
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_cond_init(&pool->more, NULL);
	while (pool->threads < threads && !failed) {
		failed = pthread_create(&pool->ids[pool->threads], NULL, run_thread, pool);
		pool->threads += !failed;
	}
	if (failed) {
		http_pool_free(pool);
		return err_set_errno(err, ERR_SYSTEM, failed, "could not start a thread");
	}
	*ret = pool;
	return ERR_OK;
}

void http_pool_free(struct http_pool *pool)
{
	if (!pool)
		return;
	stop_threads(pool);
	/* What never ran is over as well; its owner must get its object back. */
	for (struct http_work *work = queue_take(&pool->waiting); work; work = queue_take(&pool->waiting)) {
		work->dropped = true;
		queue_add(&pool->finished, work);
	}
	while (pool->finished.first)
		run_finished(pool);
	uv_loop_t *loop = pool->wake.loop;
	uv_close((uv_handle_t *)&pool->wake, on_closed);
	while (!pool->closed)
		(void)uv_run(loop, UV_RUN_ONCE);
	(void)pthread_cond_destroy(&pool->more);
	(void)pthread_mutex_destroy(&pool->lock);
	free(pool);
}

enum err_code http_pool_submit(struct http_pool *pool, struct http_work *work, struct err *err)
{
	(void)pthread_mutex_lock(&pool->lock);
	bool full = pool->stopping || pool->waiting.count >= pool->max_waiting;
	if (!full) {
		work->dropped = false;
		queue_add(&pool->waiting, work);
		(void)pthread_cond_signal(&pool->more);
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return full ? err_set(err, ERR_UNAVAILABLE, "the server is busy; try again in a moment") : ERR_OK;
}

void http_pool_continue(struct http_pool *pool, struct http_work *work)
{
	(void)pthread_mutex_lock(&pool->lock);
	work->dropped = pool->stopping;
	queue_add(work->dropped ? &pool->finished : &pool->waiting, work);
	(void)pthread_cond_signal(&pool->more);
	(void)pthread_mutex_unlock(&pool->lock);
}

void http_pool_post(struct http_pool *pool, struct http_work *work)
{
	(void)pthread_mutex_lock(&pool->lock);
	queue_add(&pool->finished, work);
	(void)uv_async_send(&pool->wake);
	(void)pthread_mutex_unlock(&pool->lock);
}
