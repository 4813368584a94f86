#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "store/pg_priv.h"

/* -- errors ------------------------------------------------------------------------------------------ */

/* SQLSTATE, or its class where only two letters stand: PostgreSQL's manual, appendix A. The first that fits counts. */
static const struct {
	const char *state;
	enum err_code code;
	const char *text;
} states[] = {
	{ "23505", ERR_CONFLICT, "such a row exists already" },
	{ "23503", ERR_REFERENCE, "a row that is referred to is missing, or still referred to" },
	{ "23", ERR_INVALID, "the database refused a value" },
	{ "22", ERR_INVALID, "the database refused a value" },
	{ "25006", ERR_READ_ONLY, "the database can only be read" },
	{ "53100", ERR_NO_SPACE, "the disk of the database is full" },
	{ "53200", ERR_NO_MEMORY, "the database has no memory" },
	{ "53", ERR_NETWORK, "the database has no room for this connection" },
	{ "57014", ERR_TIMEOUT, "the database took too long" },
	{ "57P", ERR_NETWORK, "the database is starting or stopping" },
	{ "25P03", ERR_NETWORK, "the database ended the connection" },
	{ "08", ERR_NETWORK, "the connection to the database was lost" },
	{ "40", ERR_BUSY, "other transactions were in the way" },
	{ "55P03", ERR_BUSY, "another transaction holds a lock" },
	{ "28", ERR_DENIED, "the database refused the log-in" },
	{ "3D", ERR_DENIED, "there is no such database" },
	{ "42501", ERR_DENIED, "the database refused access" },
	{ "58", ERR_IO, "the database could not read or write" },
	{ "XX001", ERR_CORRUPT, "the database is damaged" },
	{ "XX002", ERR_CORRUPT, "an index of the database is damaged" },
};

enum err_code pg_result_error(const PGresult *result, struct err *err)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	/* The primary message alone: the details quote values. */
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	if (!state)
		return err_set(err, ERR_NETWORK, "the connection to the database was lost");
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		if (strncmp(state, states[i].state, strlen(states[i].state)) == 0)
			return err_set(err, states[i].code, "%s: %s", states[i].text, text ? text : state);
	}
	return err_set(err, ERR_INTERNAL, "a statement failed: %s (%s)", text ? text : "", state);
}

/* -- connecting -------------------------------------------------------------------------------------- */

static bool is_missing(const PGconn *pg, const char *text)
{
	char words[128];
	(void)snprintf(words, sizeof words, "database \"%.64s\" does not exist", PQdb(pg));
	return strstr(text, words);
}

static enum err_code connect_error(const PGconn *pg, struct err *err)
{
	const char *text = PQerrorMessage(pg);
	const char *name = PQdb(pg);
	if (is_missing(pg, text))
		return err_set(err, ERR_DENIED, "there is no database \"%s\" on \"%s\": make it with \"createdb %s\"",
			       name, PQhost(pg), name);
	/* libpq 15 gives no SQLSTATE for a failed log-in. */
	bool is_denied = strstr(text, "authentication failed") || strstr(text, "no password supplied") ||
			 strstr(text, "does not exist") || strstr(text, "pg_hba.conf");
	/* Its last line says most; none of them holds the password. */
	int len = (int)strcspn(text, "\n");
	if (is_denied)
		return err_set(err, ERR_DENIED, "the database refused the log-in: %.*s", len, text);
	return err_set(err, ERR_NETWORK, "the database cannot be reached: %.*s", len, text);
}

static void ignore_notice(void *arg, const PGresult *result)
{
	(void)arg, (void)result;
}

enum err_code pg_connect(struct pg_conn *conn, struct err *err)
{
	const struct pg_settings *s = conn->settings;
	const char *const keywords[] = { "host",
					 "port",
					 "user",
					 "dbname",
					 "password",
					 "options",
					 "application_name",
					 "client_encoding",
					 "connect_timeout",
					 "keepalives_idle",
					 "keepalives_interval",
					 "keepalives_count",
					 "tcp_user_timeout",
					 NULL };
	const char *const values[] = { s->host, s->port, s->user, s->dbname, s->password, s->options, "tiro",
				       "UTF8",	"5",	 "30",	  "10",	     "3",	  "60000",    NULL };
	pg_disconnect(conn);
	PGconn *pg = PQconnectdbParams(keywords, values, 0);
	if (!pg)
		return err_set(err, ERR_NO_MEMORY, "no memory for a connection to the database");
	if (PQstatus(pg) != CONNECTION_OK) {
		enum err_code code = connect_error(pg, err);
		atomic_store(&s->health->has_failed, code == ERR_NETWORK);
		PQfinish(pg);
		return code;
	}
	(void)PQsetNoticeReceiver(pg, ignore_notice, NULL);
	if (PQsetnonblocking(pg, 1) != 0 || PQenterPipelineMode(pg) != 1) {
		PQfinish(pg);
		return err_set(err, ERR_NETWORK, "the connection to the database was lost");
	}
	conn->pg = pg;
	atomic_fetch_add(&s->health->live, 1);
	atomic_store(&s->health->has_failed, false);
	conn->sync_commit = -1;
	memset(conn->is_prepared, 0, sizeof conn->is_prepared);
	return ERR_OK;
}

void pg_disconnect(struct pg_conn *conn)
{
	if (conn->pg)
		atomic_fetch_sub(&conn->settings->health->live, 1);
	PQfinish(conn->pg);
	conn->pg = NULL;
	conn->step_count = 0;
}

bool pg_is_away(const struct pg_settings *settings)
{
	return atomic_load(&settings->health->live) == 0 && atomic_load(&settings->health->has_failed);
}

bool pg_is_alive(struct pg_conn *conn)
{
	if (!conn->pg)
		return false;
	struct pollfd p = { .fd = PQsocket(conn->pg), .events = POLLIN };
	if (poll(&p, 1, 0) == 0)
		return true;
	/* An idle server says nothing but farewell. */
	return PQconsumeInput(conn->pg) == 1 && PQstatus(conn->pg) == CONNECTION_OK && poll(&p, 1, 0) == 0;
}

int64_t pg_backoff_us(int attempt)
{
	int64_t us = 50 * US_PER_MS << (attempt < 5 ? attempt : 5);
	if (us > 2 * US_PER_S)
		us = 2 * US_PER_S;
	/* Jitter, so that nodes which lost the server together do not come back together. */
	uint32_t random = 0;
	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		random = 0;
	return us / 2 + (int64_t)(random % (uint32_t)(us / 2 + 1));
}
