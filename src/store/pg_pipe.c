/* Statements travel in a pipeline: what needs no answer is sent with what does, in one round trip. */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/pg_priv.h"

/* Object ids of types, from PostgreSQL's catalog (pg_type.dat); they never change. */
enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };

/* One round trip more than a unit may take, so that the server's own time-out comes first. */
#define GRACE_US (2 * US_PER_S)

struct wire_params {
	int count;
	const char *values[DB_PARAMS_MAX];
	int lengths[DB_PARAMS_MAX];
	int formats[DB_PARAMS_MAX];
	Oid types[DB_PARAMS_MAX];
	uint64_t integers[DB_PARAMS_MAX];
};

static Oid type_of_letter(char letter)
{
	if (letter == 'i')
		return OID_INT8;
	return letter == 't' ? OID_TEXT : OID_BYTEA;
}

static void pack_params(const struct db_stmt *stmt, const struct db_value *params, struct wire_params *w)
{
	w->count = (int)strlen(stmt->params);
	for (int i = 0; i < w->count; i++) {
		const struct db_value *value = &params[i];
		w->types[i] = type_of_letter(stmt->params[i]);
		w->formats[i] = 1;
		w->lengths[i] = (int)value->size;
		w->values[i] = value->data;
		if (value->type == DB_INT) {
			w->integers[i] = htobe64((uint64_t)value->integer);
			w->values[i] = (const char *)&w->integers[i];
			w->lengths[i] = sizeof w->integers[i];
		} else if (value->type == DB_NULL) {
			w->values[i] = NULL;
		}
	}
}

/* -- sending ----------------------------------------------------------------------------------------- */

static enum err_code lost(struct pg_conn *conn, struct err *err)
{
	bool is_unknown = conn->is_commit_sent && !conn->is_committed;
	pg_disconnect(conn);
	conn->is_retry = !is_unknown;
	if (is_unknown)
		return err_set(err, ERR_OUTCOME_UNKNOWN, "the connection to the database was lost during a commit");
	return err_set(err, ERR_NETWORK, "the connection to the database was lost");
}

static enum err_code push_step(struct pg_conn *conn, int sent, struct pg_step step, struct err *err)
{
	if (!sent)
		return lost(conn, err);
	conn->steps[conn->step_count++] = step;
	return ERR_OK;
}

enum err_code pg_send_plain(struct pg_conn *conn, const char *sql, struct pg_step step, struct err *err)
{
	if (!conn->pg)
		return lost(conn, err);
	return push_step(conn, PQsendQueryParams(conn->pg, sql, 0, NULL, NULL, NULL, NULL, 1), step, err);
}

static enum err_code send_prepare(struct pg_conn *conn, const struct db_stmt *stmt, int number,
				  const struct wire_params *w, struct err *err)
{
	cleanup_strbuf struct strbuf sql = STRBUF_INIT(DIALECT_SQL_MAX);
	enum err_code code = dialect_expand(DIALECT_POSTGRES, stmt->sql, &sql, err);
	if (code != ERR_OK)
		return code;
	char name[16];
	(void)snprintf(name, sizeof name, "s%d", number);
	struct pg_step step = { .kind = PG_STEP_PREPARE, .number = number };
	/* Known from now on: what follows in the same pipeline may use it. Undone where this fails. */
	conn->is_prepared[number] = true;
	return push_step(conn, PQsendPrepare(conn->pg, name, strbuf_str(&sql), w->count, w->types), step, err);
}

static enum err_code send_once(struct pg_conn *conn, const struct db_stmt *stmt, const struct wire_params *w,
			       struct err *err)
{
	cleanup_strbuf struct strbuf sql = STRBUF_INIT(DIALECT_SQL_MAX);
	enum err_code code = dialect_expand(DIALECT_POSTGRES, stmt->sql, &sql, err);
	if (code != ERR_OK)
		return code;
	int sent =
		PQsendQueryParams(conn->pg, strbuf_str(&sql), w->count, w->types, w->values, w->lengths, w->formats, 1);
	return push_step(conn, sent, (struct pg_step){ .kind = PG_STEP_OTHER }, err);
}

enum err_code pg_send(struct pg_conn *conn, const struct db_stmt *stmt, const struct db_value *params, struct err *err)
{
	if (!conn->pg)
		return lost(conn, err);
	struct wire_params w;
	pack_params(stmt, params, &w);
	if (stmt->is_once)
		return send_once(conn, stmt, &w, err);
	int number;
	enum err_code code = stmt_map_number(&conn->map, stmt, &number, err);
	if (code == ERR_OK && !conn->is_prepared[number])
		code = send_prepare(conn, stmt, number, &w, err);
	if (code != ERR_OK)
		return code;
	char name[16];
	(void)snprintf(name, sizeof name, "s%d", number);
	int sent = PQsendQueryPrepared(conn->pg, name, w.count, w.values, w.lengths, w.formats, 1);
	return push_step(conn, sent, (struct pg_step){ .kind = PG_STEP_OTHER }, err);
}

/* -- receiving --------------------------------------------------------------------------------------- */

/* Sends and receives until a result is there; false where the connection is lost or the time is over. */
static bool wait_for_result(const struct pg_conn *conn, int64_t until_us)
{
	while (PQisBusy(conn->pg)) {
		int pending = PQflush(conn->pg);
		int64_t left_us = until_us - clock_monotonic_us();
		if (pending < 0 || left_us <= 0)
			return false;
		struct pollfd p = { .fd = PQsocket(conn->pg), .events = (short)(pending ? POLLIN | POLLOUT : POLLIN) };
		int status = poll(&p, 1, (int)(left_us / US_PER_MS) + 1);
		if (status < 0 && errno != EINTR)
			return false;
		if (status > 0 && (p.revents & (POLLIN | POLLERR | POLLHUP)) && !PQconsumeInput(conn->pg))
			return false;
	}
	return true;
}

static PGresult *next_result(const struct pg_conn *conn, int64_t until_us)
{
	return wait_for_result(conn, until_us) ? PQgetResult(conn->pg) : NULL;
}

static void note_success(struct pg_conn *conn, const struct pg_step *step, const PGresult *result)
{
	if (step->kind == PG_STEP_SYNC_COMMIT)
		conn->sync_commit = step->number;
	/* PostgreSQL answers the COMMIT of a transaction that had failed with a rollback. */
	if (step->kind == PG_STEP_COMMIT)
		conn->is_committed = strcmp(PQcmdStatus((PGresult *)(uintptr_t)result), "COMMIT") == 0;
}

/* Trying again helps after a deadlock and the like, and after a farewell in place of a statement's own answer, which
 * proves that it was not done. */
static enum err_code note_failure(struct pg_conn *conn, const struct pg_step *step, const PGresult *result,
				  struct err *err)
{
	if (!PQresultErrorField(result, PG_DIAG_SQLSTATE))
		return lost(conn, err);
	enum err_code code = pg_result_error(result, err);
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	if (severity && strcmp(severity, "ERROR") != 0) {
		/* The connection ends with it. What a commit did before that nobody can tell. */
		if (step->kind != PG_STEP_COMMIT)
			conn->is_commit_sent = false;
		return lost(conn, err);
	}
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	conn->is_retry = strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0;
	return code;
}

static enum err_code take_step(struct pg_conn *conn, const struct pg_step *step, const PGresult *result,
			       struct db_rows *ret, struct err *err)
{
	ExecStatusType status = PQresultStatus(result);
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
		note_success(conn, step, result);
		enum err_code code = ret ? pg_fetch(result, ret, err) : ERR_OK;
		/* A unit of one statement is committed whether its rows can be taken in or not. */
		return code != ERR_OK && conn->is_commit_sent
			       ? err_set(err, ERR_OUTCOME_UNKNOWN, "the answer of the database was lost")
			       : code;
	}
	if (step->kind == PG_STEP_PREPARE)
		conn->is_prepared[step->number] = false;
	/* What was skipped after a failure adds nothing to it. */
	return status == PGRES_PIPELINE_ABORTED ? ERR_OK : note_failure(conn, step, result, err);
}

/* One step's result and the NULL that closes it. */
static enum err_code collect_step(struct pg_conn *conn, const struct pg_step *step, int64_t until_us,
				  struct db_rows *ret, struct err *err)
{
	PGresult *result = next_result(conn, until_us);
	if (!result)
		return lost(conn, err);
	enum err_code code = take_step(conn, step, result, ret, err);
	PQclear(result);
	if (conn->pg && (!wait_for_result(conn, until_us) || PQgetResult(conn->pg)))
		code = lost(conn, err);
	return code;
}

static enum err_code collect_sync(struct pg_conn *conn, int64_t until_us, struct err *err)
{
	PGresult *result = next_result(conn, until_us);
	bool is_sync = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
	PQclear(result);
	return is_sync ? ERR_OK : lost(conn, err);
}

enum err_code pg_collect(struct pg_conn *conn, struct db_rows *ret, struct err *err)
{
	if (!conn->pg || !PQpipelineSync(conn->pg))
		return lost(conn, err);
	int64_t until_us = conn->job->deadline_us + GRACE_US;
	int count = conn->step_count;
	enum err_code first = ERR_OK;
	struct err other;
	for (int i = 0; i < count && conn->pg; i++) {
		struct err *where = first == ERR_OK ? err : &other;
		struct db_rows *rows = i == count - 1 ? ret : NULL;
		enum err_code code = collect_step(conn, &conn->steps[i], until_us, rows, where);
		if (first == ERR_OK)
			first = code;
	}
	conn->step_count = 0;
	if (conn->pg) {
		enum err_code code = collect_sync(conn, until_us, first == ERR_OK ? err : &other);
		if (first == ERR_OK)
			first = code;
	}
	return first;
}
