#include "engine/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"

/* Packed results: a page of LIMIT_PAGE_WORDS words with its text is the largest. */
#define RESULT_MAX ((size_t)32 * 1024 * 1024)

struct entry {
	struct entry *next;
	struct pool_task task;
	atomic_bool abort;
};

struct pool {
	pthread_mutex_t mutex;
	pthread_cond_t work;
	struct entry *waiting; /* oldest first */
	struct entry *running;
	size_t waiting_count;
	bool ending;
	struct pool_models models;
	pool_done_fn *done;
	void *ctx;
	int thread_count;
	pthread_t threads[];
};

/* What one thread keeps between tasks. */
struct worker {
	struct pool *pool;
	struct asr_session *speech;
	struct ocr_session *pages;
};

static bool is_aborted(void *ctx)
{
	struct entry *entry = ctx;
	return atomic_load_explicit(&entry->abort, memory_order_relaxed);
}

static enum err_code run_speech(struct worker *w, struct entry *entry, const struct io_map *map, struct strbuf *out,
				struct err *err)
{
	const struct asr_engine_ops *ops = w->pool->models.speech_ops;
	if (!w->pool->models.speech)
		return err_set(err, ERR_UNAVAILABLE, "this engine has no speech model");
	if (map->size % sizeof(int16_t) != 0 || map->size / sizeof(int16_t) > (size_t)LIMIT_PART_MAX_S * AUDIO_RATE)
		return err_set(err, ERR_PROTOCOL, "a part of %zu bytes is not sound", map->size);
	if (!w->speech && ops->session_open(w->pool->models.speech, &w->speech, err) != ERR_OK)
		return err->code;
	cleanup_transcript struct asr_transcript result = { 0 };
	enum err_code code = ops->recognise(w->speech, map->data, map->size / sizeof(int16_t), &entry->task.speech,
					    is_aborted, entry, &result, err);
	if (code == ERR_OK)
		asr_transcript_pack(&result, out);
	return code;
}

static enum err_code run_page(struct worker *w, struct entry *entry, const struct io_map *map, struct strbuf *out,
			      struct err *err)
{
	const struct ocr_engine_ops *ops = w->pool->models.page_ops;
	if (!w->pool->models.pages)
		return err_set(err, ERR_UNAVAILABLE, "this engine reads no pages");
	struct ocr_raster raster = entry->task.page.raster;
	if (map->size < (size_t)raster.stride * raster.height)
		return err_set(err, ERR_PROTOCOL, "a page of %zu bytes is shorter than its raster", map->size);
	raster.pixels = map->data;
	if (!w->pages && ops->session_open(w->pool->models.pages, &w->pages, err) != ERR_OK)
		return err->code;
	cleanup_page struct ocr_page result = { 0 };
	enum err_code code = ops->read(w->pages, &raster, &entry->task.page.options, is_aborted, entry, &result, err);
	if (code == ERR_OK)
		ocr_page_pack(&result, out);
	return code;
}

static void run(struct worker *w, struct entry *entry)
{
	int64_t start = clock_monotonic_us();
	cleanup_strbuf struct strbuf result = STRBUF_INIT(RESULT_MAX);
	cleanup_map struct io_map map = { 0 };
	struct engine_outcome outcome = { 0 };
	enum err_code code = ERR_OK;
	if (is_aborted(entry))
		code = err_set(&outcome.why, ERR_CANCELLED, "the part was cancelled");
	if (code == ERR_OK)
		code = io_map_sealed(entry->task.fd, LIMIT_BULK_BYTES, &map, &outcome.why);
	if (code == ERR_OK)
		code = entry->task.kind == POOL_SPEECH ? run_speech(w, entry, &map, &result, &outcome.why)
						       : run_page(w, entry, &map, &result, &outcome.why);
	if (code == ERR_OK)
		code = strbuf_check(&result, "a result", &outcome.why);
	outcome.why.code = code;
	outcome.busy_us = clock_monotonic_us() - start;
	outcome.result = code == ERR_OK ? result.data : NULL;
	outcome.result_len = result.len;
	w->pool->done(w->pool->ctx, entry->task.kind, entry->task.number, &outcome);
}

static void unlink_entry(struct entry **list, struct entry *entry)
{
	while (*list != entry)
		list = &(*list)->next;
	*list = entry->next;
}

static void free_entry(struct entry *entry)
{
	(void)close(entry->task.fd);
	free(entry);
}

static void *worker_main(void *arg)
{
	struct worker worker = { .pool = arg };
	struct pool *pool = arg;
	(void)pthread_mutex_lock(&pool->mutex);
	for (;;) {
		while (!pool->waiting && !pool->ending)
			(void)pthread_cond_wait(&pool->work, &pool->mutex);
		if (pool->ending)
			break;
		struct entry *entry = pool->waiting;
		pool->waiting = entry->next;
		pool->waiting_count--;
		entry->next = pool->running;
		pool->running = entry;
		(void)pthread_mutex_unlock(&pool->mutex);
		run(&worker, entry);
		(void)pthread_mutex_lock(&pool->mutex);
		unlink_entry(&pool->running, entry);
		free_entry(entry);
	}
	(void)pthread_mutex_unlock(&pool->mutex);
	if (worker.speech)
		pool->models.speech_ops->session_close(worker.speech);
	if (worker.pages)
		pool->models.page_ops->session_close(worker.pages);
	return NULL;
}

enum err_code pool_new(int threads, const struct pool_models *models, pool_done_fn *done, void *ctx, struct pool **ret,
		       struct err *err)
{
	struct pool *pool = calloc(1, sizeof *pool + (size_t)threads * sizeof pool->threads[0]);
	if (!pool)
		return err_set(err, ERR_NO_MEMORY, "no memory for %d threads", threads);
	(void)pthread_mutex_init(&pool->mutex, NULL);
	(void)pthread_cond_init(&pool->work, NULL);
	pool->models = *models;
	pool->done = done;
	pool->ctx = ctx;
	for (; pool->thread_count < threads; pool->thread_count++) {
		int rc = pthread_create(&pool->threads[pool->thread_count], NULL, worker_main, pool);
		if (rc != 0) {
			enum err_code code = err_set_errno(err, ERR_SYSTEM, rc, "could not start a thread");
			pool_free(pool);
			return code;
		}
	}
	*ret = pool;
	return ERR_OK;
}

enum err_code pool_submit(struct pool *pool, const struct pool_task *task, struct err *err)
{
	struct entry *entry = calloc(1, sizeof *entry);
	if (!entry) {
		(void)close(task->fd);
		return err_set(err, ERR_NO_MEMORY, "no memory for a task");
	}
	entry->task = *task;
	(void)pthread_mutex_lock(&pool->mutex);
	bool room = pool->waiting_count < LIMIT_ENGINE_TASKS;
	if (room) {
		struct entry **tail = &pool->waiting;
		while (*tail)
			tail = &(*tail)->next;
		*tail = entry;
		pool->waiting_count++;
		(void)pthread_cond_signal(&pool->work);
	}
	(void)pthread_mutex_unlock(&pool->mutex);
	if (room)
		return ERR_OK;
	free_entry(entry);
	return err_set(err, ERR_TOO_BIG, "more than %d tasks wait in the engine", LIMIT_ENGINE_TASKS);
}

static void abort_in(struct entry *list, uint32_t number)
{
	for (struct entry *entry = list; entry; entry = entry->next) {
		if (entry->task.number == number)
			atomic_store(&entry->abort, true);
	}
}

void pool_abort(struct pool *pool, uint32_t number)
{
	(void)pthread_mutex_lock(&pool->mutex);
	abort_in(pool->waiting, number);
	abort_in(pool->running, number);
	(void)pthread_mutex_unlock(&pool->mutex);
}

void pool_free(struct pool *pool)
{
	(void)pthread_mutex_lock(&pool->mutex);
	pool->ending = true;
	for (struct entry *entry = pool->running; entry; entry = entry->next)
		atomic_store(&entry->abort, true);
	(void)pthread_cond_broadcast(&pool->work);
	(void)pthread_mutex_unlock(&pool->mutex);
	for (int i = 0; i < pool->thread_count; i++)
		(void)pthread_join(pool->threads[i], NULL);
	while (pool->waiting) {
		struct entry *entry = pool->waiting;
		pool->waiting = entry->next;
		free_entry(entry);
	}
	(void)pthread_cond_destroy(&pool->work);
	(void)pthread_mutex_destroy(&pool->mutex);
	free(pool);
}
