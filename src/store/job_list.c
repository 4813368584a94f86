#include <time.h>

#include "base/clock.h"
#include "store/db_priv.h"

void job_list_init(struct job_list *list)
{
	pthread_condattr_t attr;
	(void)pthread_condattr_init(&attr);
	/* A clock that is set must not end a wait, nor prolong it. */
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&list->mutex, NULL);
	(void)pthread_cond_init(&list->cond, &attr);
	(void)pthread_condattr_destroy(&attr);
	list->first = NULL;
	list->tail = &list->first;
	list->count = 0;
	list->waiting = 0;
	list->is_closing = false;
}

void job_list_done(struct job_list *list)
{
	(void)pthread_cond_destroy(&list->cond);
	(void)pthread_mutex_destroy(&list->mutex);
}

enum err_code job_list_put(struct job_list *list, struct db_job *job, struct err *err)
{
	(void)pthread_mutex_lock(&list->mutex);
	bool is_full = list->count >= DB_WAITING_MAX || list->is_closing;
	if (!is_full) {
		job->next = NULL;
		*list->tail = job;
		list->tail = &job->next;
		list->count++;
		(void)pthread_cond_signal(&list->cond);
	}
	(void)pthread_mutex_unlock(&list->mutex);
	return is_full ? err_set(err, ERR_BUSY, "the database has too much to do") : ERR_OK;
}

static bool wait_until(struct job_list *list, int64_t until_us)
{
	if (until_us == 0)
		return pthread_cond_wait(&list->cond, &list->mutex) == 0;
	struct timespec until = { .tv_sec = until_us / US_PER_S, .tv_nsec = until_us % US_PER_S * 1000 };
	return pthread_cond_timedwait(&list->cond, &list->mutex, &until) == 0;
}

struct db_job *job_list_take(struct job_list *list, int64_t until_us, bool all)
{
	(void)pthread_mutex_lock(&list->mutex);
	list->waiting++;
	while (!list->first && !list->is_closing && wait_until(list, until_us))
		;
	list->waiting--;
	struct db_job *taken = list->first;
	if (taken) {
		struct db_job *rest = all ? NULL : taken->next;
		list->count = all ? 0 : list->count - 1;
		list->first = rest;
		if (!rest)
			list->tail = &list->first;
		if (!all)
			taken->next = NULL;
	}
	(void)pthread_mutex_unlock(&list->mutex);
	return taken;
}

struct db_job *job_list_take_impatient(struct job_list *list)
{
	struct db_job *taken = NULL, **end = &taken;
	(void)pthread_mutex_lock(&list->mutex);
	for (struct db_job **link = &list->first; *link;) {
		struct db_job *job = *link;
		if (!job->is_impatient) {
			link = &job->next;
			continue;
		}
		*link = job->next;
		job->next = NULL;
		*end = job;
		end = &job->next;
		list->count--;
	}
	list->tail = &list->first;
	while (*list->tail)
		list->tail = &(*list->tail)->next;
	(void)pthread_mutex_unlock(&list->mutex);
	return taken;
}

bool job_list_is_behind(struct job_list *list)
{
	(void)pthread_mutex_lock(&list->mutex);
	bool is_behind = list->count > list->waiting;
	(void)pthread_mutex_unlock(&list->mutex);
	return is_behind;
}

void job_list_close(struct job_list *list)
{
	(void)pthread_mutex_lock(&list->mutex);
	list->is_closing = true;
	(void)pthread_cond_broadcast(&list->cond);
	(void)pthread_mutex_unlock(&list->mutex);
}

bool job_list_is_closing(struct job_list *list)
{
	(void)pthread_mutex_lock(&list->mutex);
	bool is_closing = list->is_closing;
	(void)pthread_mutex_unlock(&list->mutex);
	return is_closing;
}
