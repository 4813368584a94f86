/*
 * What a back end is made of. Only for this room.
 *
 * A back end takes jobs (`start`), runs each on a thread of its own through a `struct db_tx`, and calls job_end() once
 * when the outcome is known. Arguments are checked in db.c, so back ends may assume valid ones.
 */
#ifndef TIRO_STORE_DB_PRIV_H
#define TIRO_STORE_DB_PRIV_H

#include <pthread.h>

#include "store/db.h"
#include "store/dialect.h"

#define DB_TIMEOUT_DEFAULT_MS 30000

struct bus;
struct loop_link;

/* A unit of work on its way; freed by whoever delivers its outcome. */
struct db_job {
	struct db_job *next;
	struct db *db; /* the one that the caller knows */
	struct db_work work;
	int64_t deadline_us; /* on the monotonic clock */
	enum err_code code;
	struct err err;
	struct sync_wait *sync; /* NULL for db_submit */
	bool is_impatient; /* does not wait for a database that is away */
	/* Called first when the outcome is known, to change it; NULL where nobody stands between (store/fault.c). */
	void (*on_end)(struct db_job *job);
};

/* Jobs that wait, first in, first out; threads wait on it. */
struct job_list {
	pthread_mutex_t mutex;
	pthread_cond_t cond; /* on the monotonic clock */
	struct db_job *first, **tail;
	size_t count;
	size_t waiting; /* threads in job_list_take */
	bool is_closing; /* take what is there, then NULL */
};

void job_list_init(struct job_list *list);
void job_list_done(struct job_list *list);
/* ERR_BUSY where DB_WAITING_MAX wait. */
enum err_code job_list_put(struct job_list *list, struct db_job *job, struct err *err) MUST_CHECK;
/* Waits until `until_us` (0: for ever) and takes the first job, or with `all` the whole chain. NULL: time-out or
 * closing. */
struct db_job *job_list_take(struct job_list *list, int64_t until_us, bool all);
/* Takes the impatient ones out of the list, as a chain; NULL: none. */
struct db_job *job_list_take_impatient(struct job_list *list);
/* More jobs than threads that wait for one. */
bool job_list_is_behind(struct job_list *list);
void job_list_close(struct job_list *list);
bool job_list_is_closing(struct job_list *list);

/* Sets the outcome and delivers it; the job is gone after. Any thread. */
void job_end(struct db_job *job, enum err_code code, const struct err *err);

struct db_ops {
	/* Starts the threads: the loop, where there is one, is known by now. */
	enum err_code (*begin)(struct db *db, struct err *err);
	void (*close)(struct db *db); /* joins threads, ends all jobs, frees */
	enum err_code (*start)(struct db *db, struct db_job *job, struct err *err);
	/* Begins to receive notices of other nodes; called before the first listener is added. */
	enum err_code (*listen)(struct db *db, struct err *err);
};

/* Embedded first in every back end. */
struct db {
	const struct db_ops *ops;
	struct loop_link *link; /* NULL without a loop */
	struct bus *bus; /* NULL without a loop */
	int timeout_ms;
	bool is_alone; /* what db_is_alone says */
	bool is_view; /* of another one, which has the link and the bus */
};

struct db_tx_ops {
	enum err_code (*query)(struct db_tx *tx, const struct db_stmt *stmt, const struct db_value *params,
			       struct db_rows *ret, struct err *err);
	enum err_code (*post)(struct db_tx *tx, const struct db_stmt *stmt, const struct db_value *params,
			      struct err *err);
	enum err_code (*notify)(struct db_tx *tx, const char *channel, const char *text, struct err *err);
};

struct db_tx {
	const struct db_tx_ops *ops;
	struct err failed; /* the first error; code ERR_OK while there is none */
};

enum err_code sqlite_open(const struct db_config *config, struct db **ret, struct err *err) MUST_CHECK;
enum err_code pg_open(const struct db_config *config, struct db **ret, struct err *err) MUST_CHECK;

/* -- results (rows.c) ---------------------------------------------------------------------------- */

void rows_clear(struct db_rows *rows, size_t columns);
enum err_code rows_begin(struct db_rows *rows, struct err *err) MUST_CHECK;
void rows_set_int(struct db_rows *rows, size_t column, int64_t value);
void rows_set_bytes(struct db_rows *rows, size_t column, enum db_type type, const void *bytes, size_t size);
enum err_code rows_check(const struct db_rows *rows, struct err *err) MUST_CHECK;

/* -- the loop's side (loop.c, bus.c) -------------------------------------------------------------- */

/* Carries outcomes and notices to the loop's thread. Freed by the loop after link_close. */
enum err_code link_open(uv_loop_t *loop, struct bus *bus, struct loop_link **ret, struct err *err) MUST_CHECK;
void link_close(struct loop_link *link);
/* Loop's thread: one more unit is under way, so the loop must live. */
void link_expect(struct loop_link *link);
/* Any thread. */
void link_deliver(struct loop_link *link, struct db_job *job);
void link_wake(struct loop_link *link);

struct bus *bus_new(void);
void bus_free(struct bus *bus);
/* Any thread: keeps a notice for the loop's thread; text NULL says that some may have been missed, on all channels. The
 * caller wakes the loop. Memory that cannot be had turns a notice into a "may have been missed". */
void bus_put(struct bus *bus, const char *channel, const char *text);
/* Loop's thread: hands out what was kept. */
void bus_deliver(struct bus *bus);
/* Any thread: bus_put and wake, where the database has a loop. */
void db_tell(struct db *db, const char *channel, const char *text);

/* -- prepared statements (stmt_map.c) -------------------------------------------------------------- */

enum {
	/* Statements are constants of this program: there are fewer than this. */
	STMT_MAP_MAX = 1024
};

/* Numbers the statements of a connection from 0, by their address. */
struct stmt_map {
	const struct db_stmt *keys[STMT_MAP_MAX];
	int numbers[STMT_MAP_MAX];
	int count;
};

/* The statement's number; a new one gets the next. Errors: ERR_INTERNAL where the map is full. */
enum err_code stmt_map_number(struct stmt_map *map, const struct db_stmt *stmt, int *ret, struct err *err) MUST_CHECK;

#endif
