/* Outcomes and notices on their way to the loop's thread. */
#include <assert.h>
#include <stdlib.h>

#include "store/bus_priv.h"

struct loop_link {
	uv_async_t async;
	struct bus *bus; /* owned */
	/* The loop's thread only: units under way; while there are some, the loop lives. */
	int expected;
	pthread_mutex_t mutex; /* of the two below */
	struct db_job *first, **tail;
};

static void free_jobs(struct db_job *job)
{
	while (job) {
		struct db_job *next = job->next;
		free(job);
		job = next;
	}
}

static struct db_job *take_jobs(struct loop_link *link)
{
	(void)pthread_mutex_lock(&link->mutex);
	struct db_job *first = link->first;
	link->first = NULL;
	link->tail = &link->first;
	(void)pthread_mutex_unlock(&link->mutex);
	return first;
}

static void on_wake(uv_async_t *async)
{
	struct loop_link *link = async->data;
	struct db_job *job = take_jobs(link);
	while (job) {
		struct db_job *next = job->next;
		if (--link->expected == 0)
			uv_unref((uv_handle_t *)async);
		job->work.done(job->work.arg, job->code, &job->err);
		free(job);
		job = next;
		/* `done` may have closed the database: what is left is nobody's any more. */
		if (uv_is_closing((uv_handle_t *)async)) {
			free_jobs(job);
			return;
		}
	}
	bus_deliver(link->bus);
}

enum err_code link_open(uv_loop_t *loop, struct bus *bus, struct loop_link **ret, struct err *err)
{
	struct loop_link *link = calloc(1, sizeof *link);
	if (!link)
		return err_set(err, ERR_NO_MEMORY, "no memory for a database");
	int status = uv_async_init(loop, &link->async, on_wake);
	if (status != 0) {
		free(link);
		return err_set_errno(err, ERR_SYSTEM, -status, "cannot wake the event loop");
	}
	link->async.data = link;
	link->bus = bus;
	link->tail = &link->first;
	(void)pthread_mutex_init(&link->mutex, NULL);
	uv_unref((uv_handle_t *)&link->async);
	*ret = link;
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	struct loop_link *link = handle->data;
	free_jobs(link->first);
	bus_drop_listeners(link->bus);
	bus_free(link->bus);
	(void)pthread_mutex_destroy(&link->mutex);
	free(link);
}

void link_close(struct loop_link *link)
{
	if (link)
		uv_close((uv_handle_t *)&link->async, on_closed);
}

void link_expect(struct loop_link *link)
{
	if (link->expected++ == 0)
		uv_ref((uv_handle_t *)&link->async);
}

void link_deliver(struct loop_link *link, struct db_job *job)
{
	(void)pthread_mutex_lock(&link->mutex);
	job->next = NULL;
	*link->tail = job;
	link->tail = &job->next;
	(void)pthread_mutex_unlock(&link->mutex);
	link_wake(link);
}

void link_wake(struct loop_link *link)
{
	(void)uv_async_send(&link->async);
}
