/*
 * The database, whichever it is. Callers write SQL once, with parameters $1, $2 ... and integer times, and never ask
 * which back end they have: SQLite in a file, SQLite in memory, or PostgreSQL. The few words that differ are named in
 * store/dialect.h.
 *
 * Work is given as one unit: a function that runs on a thread of the database, inside a transaction, with a `struct
 * db_tx` to make its statements on. It may be run more than once (a deadlock, a lost connection before the commit), so
 * it changes nothing but what it will set again, and touches nothing of the loop's. When it is over, the commit's
 * outcome arrives on the loop's thread (db_submit), or is returned (db_run, for commands and tests).
 *
 * Types: 64-bit integers, UTF-8 text, bytes, and null. Times are integer microseconds UTC; booleans are 0 and 1; ids
 * are the 16 bytes of a UUID, not its text: less than half the size in every index, and both databases order bytes
 * alike.
 *
 * Errors of a unit of work, beside those that its own function returns:
 *   ERR_CONFLICT          a unique key is taken
 *   ERR_REFERENCE         a row that is named is not there, or is still needed by others
 *   ERR_INVALID           a value that the schema forbids
 *   ERR_BUSY              too much waits, or another program holds SQLite's lock
 *   ERR_NETWORK           PostgreSQL could not be reached: nothing was written, trying again is safe
 *   ERR_OUTCOME_UNKNOWN   the connection or the disk failed during the commit: it may or may not have been written
 *   ERR_TIMEOUT           it took longer than the setting; nothing was written
 *   ERR_NO_SPACE, ERR_READ_ONLY, ERR_IO, ERR_CORRUPT, ERR_NO_MEMORY   as they say; nothing was written
 *   ERR_INTERNAL          a statement of ours is wrong
 *
 * Isolation: statements of one unit see a state that nobody else changes (SQLite), or each the state at its start
 * (PostgreSQL's READ COMMITTED); what must not race is told by a condition in the statement or by a unique key. A
 * DB_READ unit sees one state on both.
 */
#ifndef TIRO_STORE_DB_H
#define TIRO_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "base/uuid.h"

/* -- limits -------------------------------------------------------------------------------------- */

enum {
	/* Parameters of one statement: the widest table has about as many columns. */
	DB_PARAMS_MAX = 32,
	/* Columns of one result. */
	DB_COLUMNS_MAX = 32,
	/* Units of work that wait; a server so far behind should refuse, not collect. */
	DB_WAITING_MAX = 10000,
};
/* Bytes of one parameter: a result's text at its largest, far below what either database takes. */
#define DB_VALUE_MAX ((size_t)64 * 1024 * 1024)
/* Bytes of one result: what is larger is read in pages. */
#define DB_RESULT_MAX ((size_t)128 * 1024 * 1024)

/* -- values and statements ----------------------------------------------------------------------- */

enum db_type { DB_NULL, DB_INT, DB_TEXT, DB_BYTES };

/* A parameter; text and bytes are borrowed until the statement has run. */
struct db_value {
	enum db_type type;
	int64_t integer;
	const void *data;
	size_t size;
};

struct db_value db_null(void);
struct db_value db_int(int64_t value);
struct db_value db_text(const char *text); /* NULL is null */
struct db_value db_bytes(const void *bytes, size_t size); /* NULL is null */
struct db_value db_id(const struct uuid *id); /* bytes */

/*
 * A statement: always a constant, so that no SQL is ever built from values. Its address is its key in the cache of
 * prepared statements. `params` has a letter for each parameter: i(nteger), t(ext), b(ytes); each may also be null.
 */
struct db_stmt {
	const char *sql; /* in the common dialect */
	const char *params;
	bool is_once; /* not kept prepared; such a statement need not be a constant (migrations) */
};

/* -- results ------------------------------------------------------------------------------------- */

struct db_cell {
	enum db_type type;
	int64_t integer;
	size_t offset; /* in `bytes` */
	size_t size;
};

/* Rows that a statement returned, all of them, owned by the caller. */
struct db_rows {
	struct db_cell *cells; /* row by row */
	size_t count; /* rows */
	size_t columns;
	size_t capacity; /* of `cells` */
	int64_t changed; /* rows inserted, updated or deleted, where the statement did that */
	struct strbuf bytes;
};

/* clang-format off */
#define DB_ROWS_INIT { .bytes = STRBUF_INIT(DB_RESULT_MAX) }
/* clang-format on */
void db_rows_done(struct db_rows *rows);
#define cleanup_rows cleanup(db_rows_done)

/* A cell. Asking for a row or a column that is not there, or for another type than it has, is a defect. A null is 0, ""
 * and nothing. Text and bytes are borrowed from the rows; text ends with a 0 that is not counted in its size. */
bool db_is_null(const struct db_rows *rows, size_t row, size_t column);
int64_t db_get_int(const struct db_rows *rows, size_t row, size_t column);
const char *db_get_text(const struct db_rows *rows, size_t row, size_t column);
const void *db_get_bytes(const struct db_rows *rows, size_t row, size_t column, size_t *ret_size);
/* Bytes as an id; where they are not UUID_BYTES, which no statement of ours writes, all zeros. */
struct uuid db_get_id(const struct db_rows *rows, size_t row, size_t column);

/* -- statements inside a unit of work ------------------------------------------------------------- */

struct db_tx;

/*
 * Runs a statement and fetches its rows into `ret`, which it empties first (NULL where none are wanted). `params` are
 * as many as the statement names. After an error no other statement of the unit runs: every later call returns the same
 * error.
 */
enum err_code db_query(struct db_tx *tx, const struct db_stmt *stmt, const struct db_value *params, struct db_rows *ret,
		       struct err *err) MUST_CHECK;

/*
 * Runs a statement whose rows and count do not matter. PostgreSQL gets it together with what comes next, which saves a
 * round trip; its error then shows at the next db_query or at the end. Parameters are copied.
 */
enum err_code db_post(struct db_tx *tx, const struct db_stmt *stmt, const struct db_value *params, struct err *err)
	MUST_CHECK;

enum {
	/* Bytes of a notice: a channel's name and its text together; PostgreSQL takes 8000. */
	DB_NOTICE_MAX = 4000
};

/* Tells all nodes `text` on `channel` (letters and `_`) when the unit commits, and only then. */
enum err_code db_notify(struct db_tx *tx, const char *channel, const char *text, struct err *err) MUST_CHECK;

/* -- units of work ------------------------------------------------------------------------------- */

enum db_mode {
	DB_READ, /* sees one state, changes nothing */
	DB_WRITE, /* on disk when it is done */
	DB_WRITE_RELAXED, /* whole or not at all, but the last ones may be lost with the machine's power: claims,
			     progress */
};

struct db_work {
	enum db_mode mode;
	/* The unit is one db_query, after any number of db_post, and returns what that returned: PostgreSQL then needs
	 * one round trip, not three. */
	bool is_single;
	enum err_code (*run)(struct db_tx *tx, void *arg, struct err *err);
	/* On the loop's thread, once; `err` is filled where code is not ERR_OK. For db_submit only. */
	void (*done)(void *arg, enum err_code code, const struct err *err);
	void *arg;
	int timeout_ms; /* 0: the database's, which on PostgreSQL each statement keeps to anyway */
};

struct db;

/* Hands over a unit of work; returns at once. Only on the loop's thread. `done` comes exactly once if this returns
 * ERR_OK. Errors: ERR_BUSY (DB_WAITING_MAX units wait), ERR_NO_MEMORY. */
enum err_code db_submit(struct db *db, const struct db_work *work, struct err *err) MUST_CHECK;

/* Runs a unit of work and waits for it. Never on the loop's thread of a server. Any thread. */
enum err_code db_run(struct db *db, const struct db_work *work, struct err *err) MUST_CHECK;

/* db_run for one statement. */
enum err_code db_run_stmt(struct db *db, enum db_mode mode, const struct db_stmt *stmt, const struct db_value *params,
			  struct db_rows *ret, struct err *err) MUST_CHECK;

/* Whether a statement that reads finds a row; db_run for it. */
enum err_code db_has_row(struct db *db, const struct db_stmt *stmt, const struct db_value *params, bool *ret,
			 struct err *err) MUST_CHECK;

/* -- notices ------------------------------------------------------------------------------------- */

struct db_listener;

/*
 * Calls `on_notice` on the loop's thread for each notice on `channel` from any node, this one too. With text NULL: some
 * may have been missed (the connection was away, or another program wrote), look for yourself. Only on the loop's
 * thread, and only for a database that was opened with a loop. *ret is the caller's until db_unlisten.
 */
enum err_code db_listen(struct db *db, const char *channel, void (*on_notice)(void *arg, const char *text), void *arg,
			struct db_listener **ret, struct err *err) MUST_CHECK;
void db_unlisten(struct db_listener *listener);

/* -- opening ------------------------------------------------------------------------------------- */

enum db_role {
	DB_SERVER, /* a node; on SQLite it must be the only one, and makes the file */
	DB_ADMIN, /* a command, beside a running server or without one; the database must exist */
};

enum db_kind { DB_SQLITE, DB_SQLITE_MEMORY, DB_POSTGRES };

/* Texts are copied. 0 or NULL stands for the default in brackets. */
struct db_config {
	enum db_kind kind;
	enum db_role role;
	const char *path; /* SQLite's file */
	const char *host; /* PostgreSQL: name, address, or folder of the socket [localhost] */
	int port; /* [5432] */
	const char *user, *dbname; /* [tiro, tiro] */
	const char *password; /* never in a message, a log or an argument list; wiped when it is no longer needed */
	int pool_min, pool_max; /* [5, 20] connections of one node */
	int timeout_ms; /* [30000] of one unit of work, waiting for a connection included */
};

/*
 * Opens the database. With `loop` (NULL: db_run only) completions and notices arrive on it. It does not migrate:
 * store/migrate.h. Errors: ERR_BUSY (another server has this SQLite file), ERR_NOT_FOUND (for DB_ADMIN), ERR_NETWORK,
 * ERR_DENIED (password), ERR_CORRUPT, ERR_NO_MEMORY.
 */
enum err_code db_open(const struct db_config *config, uv_loop_t *loop, struct db **ret, struct err *err) MUST_CHECK;

/* Ends what runs and what waits, then frees; `done` of units not delivered yet is not called any more. Listeners must
 * be gone. The loop must turn once after. NULL is fine. */
void db_close(struct db *db);

/* No other node can use this database at the same time, so whatever was running when it was opened is dead. */
bool db_is_alone(const struct db *db);

#endif
