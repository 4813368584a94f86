/* A server that runs: signals, drain, and the sweep of what was left behind. */
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/server.h"
#include "jobs/job_admit.h"
#include "jobs/job_request.h"
#include "jobs/retention.h"
#include "jobs/sweep.h"
#include "jobs/user_removal.h"

/* What a shell says of a process that a signal ended. */
enum { SIGNALLED = 128, MS = 1000 };
/* How often is looked for what cannot wait for the sweep: uploads of dead nodes, whose clients come back with the same
 * ids, and jobs that may enter the queue. */
#define CHECK_MS ((uint64_t)15 * 1000)
/* How long after its time something is still to be seen. */
#define HISTORY_MS ((uint64_t)3600 * 1000)
/* Rows of one unit of work: it holds up no other for long. */
enum { SESSIONS_AT_ONCE = 1000 };
/* A load balancer asks as often. */
enum { STORAGE_CHECK_MS = 5000 };

/* -- the sweep ---------------------------------------------------------------------------------------- */

/* Refresh tokens that have expired. */
static enum err_code run_session_sweep(struct db_tx *tx, void *count, struct err *err)
{
	return session_sweep(tx, clock_wall_us(), SESSIONS_AT_ONCE, count, err);
}

static void sweep_sessions(const struct server *s)
{
	int64_t count = 0;
	struct err err;
	struct db_work work = { .mode = DB_WRITE_RELAXED, .run = run_session_sweep, .arg = &count };
	do {
		if (db_run(s->db, &work, &err) != ERR_OK) {
			log_line(LOG_WARNING, "expired sessions could not be swept: %s", err.message);
			return;
		}
	} while (count == SESSIONS_AT_ONCE);
}

static void sweep_users(const struct server *s)
{
	uint64_t count = 0;
	struct err err;
	if (jobs_sweep_users(&s->files, &count, &err) != ERR_OK)
		log_line(LOG_WARNING, "deleted users could not be swept: %s", err.message);
	if (count > 0)
		log_line(LOG_INFO, "swept %" PRIu64 " deleted users", count);
}

static void run_sweep(struct http_work *work)
{
	const struct server *s = ((struct chore *)work)->server;
	sweep_sessions(s);
	sweep_users(s);
	struct sweep_counts counts = { 0 };
	struct err err;
	if (jobs_sweep(&s->files, s->sweep_before_us, &counts, &err) != ERR_OK)
		log_line(LOG_WARNING, "the sweep stopped early: %s", err.message);
	if (counts.uploads + counts.deletions + counts.puts + counts.objects > 0)
		log_line(LOG_INFO,
			 "swept %" PRIu64 " uploads, %" PRIu64 " deletions, %" PRIu64 " puts, %" PRIu64 " objects",
			 counts.uploads, counts.deletions, counts.puts, counts.objects);
}

static void sweep_requests(const struct server *s)
{
	uint64_t count = 0;
	struct err err;
	if (job_requests_sweep(&s->files, &count, &err) != ERR_OK)
		log_line(LOG_WARNING, "jobs that nobody waits for could not be swept: %s", err.message);
	if (count > 0)
		log_line(LOG_INFO, "cancelled %" PRIu64 " jobs that nobody waits for any more", count);
}

/* Where no other node can be, none can have died. */
static void sweep_uploads(const struct server *s)
{
	if (db_is_alone(s->db))
		return;
	uint64_t count = 0;
	struct err err;
	if (files_sweep_dead_uploads(&s->files, &count, &err) != ERR_OK)
		log_line(LOG_WARNING, "uploads of dead nodes could not be swept: %s", err.message);
	if (count > 0)
		log_line(LOG_INFO, "swept %" PRIu64 " uploads of dead nodes", count);
}

static void admit_waiting(const struct server *s)
{
	uint64_t count = 0;
	struct err err;
	if (jobs_admit_waiting(&s->files, &count, &err) != ERR_OK)
		log_line(LOG_WARNING, "waiting jobs could not be let into the queue: %s", err.message);
	if (count > 0)
		log_line(LOG_INFO, "let %" PRIu64 " waiting jobs into the queue", count);
}

static void run_check(struct http_work *work)
{
	const struct server *s = ((struct chore *)work)->server;
	sweep_uploads(s);
	admit_waiting(s);
	sweep_requests(s);
}

static void run_history(struct http_work *work)
{
	const struct server *s = ((struct chore *)work)->server;
	uint64_t count = 0;
	struct err err;
	if (jobs_sweep_history(&s->files, clock_wall_us(), &count, &err) != ERR_OK)
		log_line(LOG_WARNING, "files past their plan's history could not be deleted: %s", err.message);
	if (count > 0)
		log_line(LOG_INFO, "deleted %" PRIu64 " files past their plan's history", count);
}

static void done_chore(struct http_work *work)
{
	((struct chore *)work)->is_running = false;
}

static void start_chore(struct chore *chore, void (*run)(struct http_work *work), void (*done)(struct http_work *work))
{
	struct err err;
	if (chore->is_running)
		return;
	chore->work = (struct http_work){ .run = run, .done = done };
	chore->is_running = http_pool_submit(chore->server->pool, &chore->work, &err) == ERR_OK;
}

static void on_sweep(uv_timer_t *timer)
{
	struct server *s = timer->data;
	if (s->sweep.is_running)
		return;
	/* At its start a node that is alone knows that whatever was under way has died with its last life. */
	int64_t now_us = clock_wall_us();
	s->sweep_before_us = db_is_alone(s->db) && s->sweep_before_us == 0 ? now_us : now_us - SWEEP_AGE_US;
	start_chore(&s->sweep, run_sweep, done_chore);
}

static void on_check(uv_timer_t *timer)
{
	struct server *s = timer->data;
	start_chore(&s->check, run_check, done_chore);
}

static void on_history(uv_timer_t *timer)
{
	struct server *s = timer->data;
	start_chore(&s->history, run_history, done_chore);
}

/* -- the object store, for /readyz ------------------------------------------------------------------------- */

static void run_storage_check(struct http_work *work)
{
	struct server *s = ((struct chore *)work)->server;
	s->storage_seen.code = store_marker_check(&s->marker, s->api_db, s->blobs, &s->storage_seen);
}

static void done_storage_check(struct http_work *work)
{
	struct server *s = ((struct chore *)work)->server;
	if (s->storage_seen.code != s->storage.code && s->storage_seen.code == ERR_OK)
		log_line(LOG_INFO, "the object store answers again");
	else if (s->storage_seen.code != s->storage.code)
		log_line(LOG_WARNING, "the object store fails: %s", s->storage_seen.message);
	s->storage = s->storage_seen;
	done_chore(work);
}

static void on_storage_check(uv_timer_t *timer)
{
	struct server *s = timer->data;
	start_chore(&s->storage_check, run_storage_check, done_storage_check);
}

/* -- the end ------------------------------------------------------------------------------------------ */

static void on_worker_drained(void *owner)
{
	struct server *s = owner;
	s->worker_drained = true;
	if (s->http_drained)
		uv_stop(&s->loop);
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct server *s = signal->data;
	uint32_t drain_ms = (uint32_t)(s->settings->drain_s * MS);
	if (s->is_draining) {
		log_line(LOG_INFO, "told to stop again: stopping at once");
		_exit(SIGNALLED + number);
	}
	log_line(LOG_INFO, "told to stop: finishing what is under way, for at most %" PRId64 " s",
		 s->settings->drain_s);
	s->is_draining = true;
	s->api.is_stopping = true;
	worker_drain(s->worker, drain_ms, on_worker_drained, s);
	if (s->http.server)
		http_server_drain(s->http.server, drain_ms);
}

static void start_handles(struct server *s)
{
	/* None of these can fail but for a lack of descriptors, which opening would have met before. */
	(void)uv_signal_init(&s->loop, &s->term);
	(void)uv_signal_init(&s->loop, &s->interrupt);
	(void)uv_timer_init(&s->loop, &s->sweep.timer);
	(void)uv_timer_init(&s->loop, &s->check.timer);
	(void)uv_timer_init(&s->loop, &s->history.timer);
	(void)uv_timer_init(&s->loop, &s->storage_check.timer);
	s->term.data = s->interrupt.data = s;
	s->sweep.timer.data = s->check.timer.data = s->history.timer.data = s->storage_check.timer.data = s;
	s->sweep.server = s->check.server = s->history.server = s->storage_check.server = s;
	(void)uv_signal_start(&s->term, on_signal, SIGTERM);
	(void)uv_signal_start(&s->interrupt, on_signal, SIGINT);
	(void)uv_timer_start(&s->sweep.timer, on_sweep, 0, (uint64_t)s->settings->cleanup_interval_s * MS);
	(void)uv_timer_start(&s->check.timer, on_check, CHECK_MS, CHECK_MS);
	(void)uv_timer_start(&s->history.timer, on_history, 0, HISTORY_MS);
	(void)uv_timer_start(&s->storage_check.timer, on_storage_check, STORAGE_CHECK_MS, STORAGE_CHECK_MS);
}

/* The address of the settings, which may leave the port to the system, with the port that it is. */
static void say_address(const char *what, const char *address, const struct http_server *server)
{
	int host_len = (int)(strrchr(address, ':') - address);
	log_line(LOG_INFO, "%s on %.*s:%u", what, host_len, address, http_server_port(server));
}

void server_live(struct server *s)
{
	start_handles(s);
	if (s->http.server)
		say_address("tiro " TIRO_VERSION " listens", s->settings->listen, s->http.server);
	if (s->health.server)
		say_address("health is told", s->settings->metrics_listen, s->health.server);
	if (!s->http.server)
		log_line(LOG_INFO, "tiro %s works", TIRO_VERSION);
	(void)uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&s->term, NULL);
	uv_close((uv_handle_t *)&s->interrupt, NULL);
	uv_close((uv_handle_t *)&s->sweep.timer, NULL);
	uv_close((uv_handle_t *)&s->check.timer, NULL);
	uv_close((uv_handle_t *)&s->history.timer, NULL);
	uv_close((uv_handle_t *)&s->storage_check.timer, NULL);
	log_line(LOG_INFO, "stopped");
}
