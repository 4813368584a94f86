#include "jobs/user_removal.h"

#include "accounts/users.h"
#include "base/clock.h"
#include "base/log.h"
#include "jobs/job_row.h"

enum {
	ROWS_AT_ONCE = 200,
	/* Uploads that had begun before the user was marked may add a file behind us: once, not again and again. */
	ROUNDS_MAX = 10
};

static const struct db_stmt kept_stmt = {
	.sql = "SELECT id FROM files WHERE owner_id = $1 AND state <> 2 ORDER BY created_at LIMIT $2", .params = "bi"
};
static const struct db_stmt marked_stmt = {
	.sql = "SELECT id FROM files WHERE owner_id = $1 AND state = 2 ORDER BY created_at LIMIT $2", .params = "bi"
};

/* What each step does to a file; it is not listed by the same statement any more after it. */
typedef enum err_code remove_step(const struct files *files, const struct uuid *owner, const struct uuid *file,
				  struct err *err);

/* Somebody else may be deleting it at the same time. */
static enum err_code delete_file(const struct files *files, const struct uuid *owner, const struct uuid *file,
				 struct err *err)
{
	enum err_code code = job_delete_file(files, owner, file, err);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code end_deletion(const struct files *files, const struct uuid *owner, const struct uuid *file,
				  struct err *err)
{
	(void)owner;
	return files_remove(files, file, err);
}

static enum err_code for_files(const struct files *files, const struct uuid *owner, const struct db_stmt *list,
			       remove_step *step, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(owner), db_int(ROWS_AT_ONCE) };
	do {
		if (db_run_stmt(files->db, DB_READ, list, params, &rows, err) != ERR_OK)
			return err->code;
		for (size_t i = 0; i < rows.count; i++) {
			struct uuid file = db_get_id(&rows, i, 0);
			if (step(files, owner, &file, err) != ERR_OK)
				return err->code;
		}
	} while (rows.count > 0);
	return ERR_OK;
}

static enum err_code run_mark(struct db_tx *tx, void *arg, struct err *err)
{
	return user_mark_deleted(tx, arg, clock_wall_us(), err);
}

static enum err_code run_delete(struct db_tx *tx, void *arg, struct err *err)
{
	const struct uuid *id = arg;
	enum err_code code = parts_forget_owner(tx, id->bytes, err);
	return code ? code : user_delete(tx, id, err);
}

static enum err_code run_unit(const struct files *files, enum err_code (*run)(struct db_tx *, void *, struct err *),
			      const struct uuid *id, struct err *err)
{
	struct uuid copy = *id;
	struct db_work work = { .mode = DB_WRITE, .run = run, .arg = &copy };
	return db_run(files->db, &work, err);
}

static enum err_code remove_marked(const struct files *all, const struct uuid *id, struct err *err)
{
	/* Without the queue: none of the user's jobs enters it in the place of one that goes. */
	struct files without_queue = *all, *files = &without_queue;
	files->queue = NULL;
	enum err_code code = ERR_REFERENCE;
	for (int round = 0; code == ERR_REFERENCE && round < ROUNDS_MAX; round++) {
		if (for_files(files, id, &kept_stmt, delete_file, err) != ERR_OK ||
		    for_files(files, id, &marked_stmt, end_deletion, err) != ERR_OK)
			return err->code;
		code = run_unit(files, run_delete, id, err);
	}
	/* Another may have been faster with the last step, and after an unknown outcome this one has. */
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code jobs_remove_user(const struct files *files, const struct uuid *id, struct err *err)
{
	enum err_code code = run_unit(files, run_mark, id, err);
	return code ? code : remove_marked(files, id, err);
}

static enum err_code run_list(struct db_tx *tx, void *arg, struct err *err)
{
	return user_list_deleted(tx, arg, err);
}

enum err_code jobs_sweep_users(const struct files *files, uint64_t *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_work work = { .mode = DB_READ, .is_single = true, .run = run_list, .arg = &rows };
	*ret = 0;
	if (db_run(files->db, &work, err) != ERR_OK)
		return err->code;
	for (size_t i = 0; i < rows.count; i++) {
		struct uuid id;
		struct err why;
		id = db_get_id(&rows, i, 0);
		if (remove_marked(files, &id, &why) == ERR_OK)
			++*ret;
		else
			log_line(LOG_WARNING, "a deleted user could not be removed: %s", why.message);
	}
	return ERR_OK;
}
