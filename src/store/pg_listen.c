/* One connection per node that only listens. When it was away, everyone is told that something may have been missed. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/pg_priv.h"

struct pg_listener {
	struct db *db;
	struct pg_conn conn;
	int stop_fd; /* readable: end */
	pthread_t thread;
};

/* Our own channel's name, a space, the text. What other programs send on the channel is ignored. */
static void tell(const struct pg_listener *l, char *payload)
{
	char *space = strchr(payload, ' ');
	if (!space)
		return;
	*space = '\0';
	db_tell(l->db, payload, space + 1);
}

static void take_notices(const struct pg_listener *l)
{
	PGnotify *notify;
	while ((notify = PQnotifies(l->conn.pg))) {
		tell(l, notify->extra);
		PQfreemem(notify);
	}
}

/* Waits for the server or the end; true where the server has something to say or has gone. */
static bool wait_for(const struct pg_listener *l, int fd, int timeout_ms)
{
	struct pollfd p[2] = { { .fd = l->stop_fd, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
	int status = poll(p, fd >= 0 ? 2 : 1, timeout_ms);
	return status > 0 && p[1].revents != 0;
}

static bool is_stopped(const struct pg_listener *l)
{
	struct pollfd p = { .fd = l->stop_fd, .events = POLLIN };
	return poll(&p, 1, 0) > 0;
}

static bool subscribe(struct pg_listener *l)
{
	struct err err;
	if (pg_connect(&l->conn, &err) != ERR_OK)
		return false;
	/* Nothing is pipelined here, and simple queries are simpler. */
	bool is_ready = PQexitPipelineMode(l->conn.pg) == 1 && PQsetnonblocking(l->conn.pg, 0) == 0;
	PGresult *result = is_ready ? PQexec(l->conn.pg, "LISTEN " PG_CHANNEL) : NULL;
	is_ready = PQresultStatus(result) == PGRES_COMMAND_OK;
	PQclear(result);
	if (!is_ready)
		pg_disconnect(&l->conn);
	return is_ready;
}

static void *listener_main(void *arg)
{
	struct pg_listener *l = arg;
	for (int attempt = 0; !is_stopped(l); attempt++) {
		if (!subscribe(l)) {
			(void)wait_for(l, -1, (int)(pg_backoff_us(attempt) / US_PER_MS));
			continue;
		}
		attempt = 0;
		db_tell(l->db, "", NULL);
		do {
			take_notices(l);
			if (!wait_for(l, PQsocket(l->conn.pg), -1) && is_stopped(l))
				break;
		} while (PQconsumeInput(l->conn.pg) == 1);
		take_notices(l);
		pg_disconnect(&l->conn);
	}
	return NULL;
}

enum err_code pg_listener_start(struct db *db, const struct pg_settings *settings, struct pg_listener **ret,
				struct err *err)
{
	struct pg_listener *l = calloc(1, sizeof *l);
	if (!l)
		return err_set(err, ERR_NO_MEMORY, "no memory for a listener");
	l->db = db;
	l->conn.settings = settings;
	l->stop_fd = eventfd(0, EFD_CLOEXEC);
	int status = l->stop_fd < 0 ? errno : pthread_create(&l->thread, NULL, listener_main, l);
	if (status != 0) {
		if (l->stop_fd >= 0)
			(void)close(l->stop_fd);
		free(l);
		return err_set_errno(err, ERR_SYSTEM, status, "cannot listen to the database");
	}
	*ret = l;
	return ERR_OK;
}

void pg_listener_stop(struct pg_listener *l)
{
	if (!l)
		return;
	(void)eventfd_write(l->stop_fd, 1);
	(void)pthread_join(l->thread, NULL);
	pg_disconnect(&l->conn);
	(void)close(l->stop_fd);
	free(l);
}
