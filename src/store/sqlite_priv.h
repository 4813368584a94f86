/* The SQLite back end's parts: a connection (sqlite_conn.c), the threads that write and read (sqlite_writer.c), and
 * what holds them together (sqlite.c). */
#ifndef TIRO_STORE_SQLITE_PRIV_H
#define TIRO_STORE_SQLITE_PRIV_H

#include <sqlite3.h>

#include "store/db_priv.h"

enum {
	/* Readers see the last commit and never wait for the writer; more of them than cores help nobody. */
	SQLITE_READERS = 2,
	/* A writer that finds the lock held (by `tiro admin`, or a backup) waits this long. */
	SQLITE_BUSY_MS = 10000,
};

/* Bytes of the notices of one transaction. */
#define SQLITE_NOTICES_MAX ((size_t)1024 * 1024)

/* One connection, used by one thread. */
struct sqlite_conn {
	struct db_tx tx; /* first: what units of work are given */
	sqlite3 *db;
	struct stmt_map map;
	sqlite3_stmt *stmts[STMT_MAP_MAX];
	int64_t deadline_us; /* of the unit that runs */
	struct strbuf notices; /* channel, 0, text, 0, and so on, of what is not committed yet */
};

enum err_code sqlite_conn_open(const char *path, bool create, struct sqlite_conn **ret, struct err *err) MUST_CHECK;
void sqlite_conn_close(struct sqlite_conn *conn);

/* Runs SQL of ours that returns nothing. */
enum err_code sqlite_conn_exec(struct sqlite_conn *conn, const char *sql, struct err *err) MUST_CHECK;

/* Runs a prepared statement without parameters; SQLite's result code, for those who must tell them apart. */
int sqlite_conn_step(struct sqlite_conn *conn, const struct db_stmt *stmt);

/* Turns SQLite's result code into an error. */
enum err_code sqlite_conn_error(const struct sqlite_conn *conn, int status, struct err *err);

/* Runs the unit's function with a fresh tx. */
enum err_code sqlite_conn_run(struct sqlite_conn *conn, struct db_job *job);

struct sqlite_store {
	struct db db;
	int lock_fd; /* -1: not the server, or in memory */
	bool is_memory;
	struct sqlite_conn *writer;
	struct job_list writes;
	pthread_t writer_thread;
	bool has_writer;
	struct sqlite_conn *readers[SQLITE_READERS];
	struct job_list reads;
	pthread_t reader_threads[SQLITE_READERS];
	int reader_count; /* threads that run */
};

/* `arg` is the struct sqlite_store. */
void *sqlite_writer_main(void *arg);
/* `arg` is a struct sqlite_reader, freed by the thread. */
void *sqlite_reader_main(void *arg);

struct sqlite_reader {
	struct sqlite_store *store;
	struct sqlite_conn *conn;
};

#endif
