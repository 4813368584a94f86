/*
 * SQLite. One server at a time: it holds a lock on a file beside the database for as long as it runs. `tiro admin`
 * takes no such lock: SQLite's own locks keep its transactions apart from the server's, and the server's writer notices
 * them (check_foreign). The lock goes with the process, however that ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/sqlite_priv.h"

static void sqlite_close(struct db *db)
{
	struct sqlite_store *store = (struct sqlite_store *)db;
	job_list_close(&store->writes);
	job_list_close(&store->reads);
	if (store->has_writer)
		(void)pthread_join(store->writer_thread, NULL);
	for (int i = 0; i < store->reader_count; i++)
		(void)pthread_join(store->reader_threads[i], NULL);
	for (int i = 0; i < SQLITE_READERS; i++)
		sqlite_conn_close(store->readers[i]);
	/* The last connection to close moves the log into the database, so it must be one that may write. */
	sqlite_conn_close(store->writer);
	job_list_done(&store->writes);
	job_list_done(&store->reads);
	if (store->lock_fd >= 0)
		(void)close(store->lock_fd);
	free(store);
}

static enum err_code sqlite_start(struct db *db, struct db_job *job, struct err *err)
{
	struct sqlite_store *store = (struct sqlite_store *)db;
	bool reads = job->work.mode == DB_READ && !store->is_memory;
	return job_list_put(reads ? &store->reads : &store->writes, job, err);
}

/* Notices never leave the process: nothing to set up. */
static enum err_code sqlite_listen(struct db *db, struct err *err)
{
	(void)db, (void)err;
	return ERR_OK;
}

static enum err_code say_who_holds(const char *path, int fd, struct err *err)
{
	char pid[24] = "";
	ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
	pid[n > 0 ? n : 0] = '\0';
	return err_set(err, ERR_BUSY, "another server (process %.20s) uses the database \"%s\"", pid, path);
}

static enum err_code take_lock(const char *path, int *ret_fd, struct err *err)
{
	cleanup_strbuf struct strbuf name = STRBUF_INIT(4096);
	strbuf_addf(&name, "%s.lock", path);
	enum err_code code = strbuf_check(&name, "the path of the database", err);
	if (code != ERR_OK)
		return code;
	cleanup_close int fd = open(strbuf_str(&name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot open \"%s\"", strbuf_str(&name));
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return say_who_holds(path, fd, err);
		return err_set_errno(err, ERR_SYSTEM, errno, "cannot lock \"%s\"", strbuf_str(&name));
	}
	if (ftruncate(fd, 0) != 0 || dprintf(fd, "%d", (int)getpid()) < 0)
		return err_set_errno(err, ERR_IO, errno, "cannot write \"%s\"", strbuf_str(&name));
	*ret_fd = steal_fd(&fd);
	return ERR_OK;
}

/* The database holds sealed keys and hashes of passwords: nobody else may read it, whatever the umask says. SQLite
 * gives its other files the same mode. */
static enum err_code make_file(const char *path, struct err *err)
{
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fd >= 0 ? ERR_OK : err_set_errno(err, ERR_IO, errno, "cannot open the database \"%s\"", path);
}

static enum err_code find_file(const char *path, struct err *err)
{
	if (access(path, R_OK | W_OK) == 0)
		return ERR_OK;
	return err_set_errno(err, ERR_IO, errno, "cannot open the database \"%s\"", path);
}

static enum err_code open_connections(struct sqlite_store *store, const char *path, struct err *err)
{
	enum err_code code = sqlite_conn_open(path, store->is_memory, &store->writer, err);
	for (int i = 0; code == ERR_OK && !store->is_memory && i < SQLITE_READERS; i++) {
		code = sqlite_conn_open(path, false, &store->readers[i], err);
		if (code == ERR_OK)
			code = sqlite_conn_exec(store->readers[i], "PRAGMA query_only = ON", err);
	}
	return code;
}

static enum err_code start_reader(struct sqlite_store *store, struct sqlite_conn *conn, struct err *err)
{
	struct sqlite_reader *reader = malloc(sizeof *reader);
	if (!reader)
		return err_set(err, ERR_NO_MEMORY, "no memory for the database");
	*reader = (struct sqlite_reader){ .store = store, .conn = conn };
	int status = pthread_create(&store->reader_threads[store->reader_count], NULL, sqlite_reader_main, reader);
	if (status != 0) {
		free(reader);
		return err_set_errno(err, ERR_SYSTEM, status, "cannot start a thread");
	}
	store->reader_count++;
	return ERR_OK;
}

static enum err_code sqlite_begin(struct db *db, struct err *err)
{
	struct sqlite_store *store = (struct sqlite_store *)db;
	int status = pthread_create(&store->writer_thread, NULL, sqlite_writer_main, store);
	if (status != 0)
		return err_set_errno(err, ERR_SYSTEM, status, "cannot start a thread");
	store->has_writer = true;
	enum err_code code = ERR_OK;
	for (int i = 0; code == ERR_OK && i < SQLITE_READERS && store->readers[i]; i++)
		code = start_reader(store, store->readers[i], err);
	return code;
}

static enum err_code open_store(struct sqlite_store *store, const struct db_config *config, struct err *err)
{
	enum err_code code = ERR_OK;
	if (!store->is_memory && config->role == DB_ADMIN)
		code = find_file(config->path, err);
	else if (!store->is_memory)
		code = take_lock(config->path, &store->lock_fd, err);
	if (code == ERR_OK && !store->is_memory && config->role == DB_SERVER)
		code = make_file(config->path, err);
	if (code == ERR_OK)
		code = open_connections(store, store->is_memory ? ":memory:" : config->path, err);
	return code;
}

static const struct db_ops sqlite_ops = {
	.begin = sqlite_begin, .close = sqlite_close, .start = sqlite_start, .listen = sqlite_listen
};

enum err_code sqlite_open(const struct db_config *config, struct db **ret, struct err *err)
{
	struct sqlite_store *store = calloc(1, sizeof *store);
	if (!store)
		return err_set(err, ERR_NO_MEMORY, "no memory for the database");
	store->db.ops = &sqlite_ops;
	store->db.is_alone = config->role == DB_SERVER;
	store->db.timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : DB_TIMEOUT_DEFAULT_MS;
	store->lock_fd = -1;
	store->is_memory = config->kind == DB_SQLITE_MEMORY;
	job_list_init(&store->writes);
	job_list_init(&store->reads);
	enum err_code code = open_store(store, config, err);
	if (code != ERR_OK) {
		sqlite_close((struct db *)store);
		return code;
	}
	*ret = (struct db *)store;
	return ERR_OK;
}
