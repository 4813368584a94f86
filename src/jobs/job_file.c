#include "jobs/job_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "jobs/job_work_priv.h"

#define COLUMNS                                                                                                        \
	"f.id, f.owner_id, f.name, f.content_type, f.state, f.size_bytes, f.sha256, f.created_at, j.state, "           \
	"j.ended_at "                                                                                                  \
	"FROM files f LEFT JOIN jobs j ON j.id = f.id "

static const struct db_stmt find_stmt = {
	.sql = "SELECT " COLUMNS
	       "JOIN file_keys k ON k.file_id = f.id AND k.user_id = $2 WHERE f.id = $1 AND f.state <> 2",
	.params = "bb"
};
static const struct db_stmt list_stmt = { .sql = "SELECT " COLUMNS "WHERE f.owner_id = $1 AND f.state <> 2 "
						 "ORDER BY f.created_at DESC, f.id DESC LIMIT $2 OFFSET $3",
					  .params = "bii" };
static const struct db_stmt count_stmt = { .sql = "SELECT n FROM user_counts WHERE user_id = $1 AND what = 5",
					   .params = "b" };

static void read_row(const struct db_rows *rows, size_t row, struct job_file *ret)
{
	size_t size;
	*ret = (struct job_file){ .is_stored = db_get_int(rows, row, 4) == FILE_STORED };
	job_read_id(rows, row, 0, &ret->id);
	job_read_id(rows, row, 1, &ret->owner);
	(void)snprintf(ret->name, sizeof ret->name, "%s", db_get_text(rows, row, 2));
	(void)snprintf(ret->content_type, sizeof ret->content_type, "%s", db_get_text(rows, row, 3));
	ret->size_bytes = (uint64_t)db_get_int(rows, row, 5);
	const unsigned char *hash = db_get_bytes(rows, row, 6, &size);
	for (size_t i = 0; size == (SHA256_HEX_SIZE - 1) / 2 && i < size; i++)
		(void)snprintf(ret->sha256 + 2 * i, 3, "%02x", hash[i]);
	ret->created_us = db_get_int(rows, row, 7);
	ret->state = (enum job_state)db_get_int(rows, row, 8);
	ret->ended_us = db_get_int(rows, row, 9);
}

enum err_code job_file_find(struct db *db, const struct uuid *viewer, const struct uuid *id, struct job_file *ret,
			    struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_bytes(id->bytes, sizeof id->bytes),
				     db_bytes(viewer->bytes, sizeof viewer->bytes) };
	if (db_run_stmt(db, DB_READ, &find_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no such file");
	read_row(&rows, 0, ret);
	return ERR_OK;
}

struct search {
	const struct file_page *page;
	struct db_rows rows;
	uint64_t total;
};

static enum err_code run_search(struct db_tx *tx, void *arg, struct err *err)
{
	struct search *search = arg;
	const struct file_page *page = search->page;
	struct db_value params[] = { db_bytes(page->owner.bytes, sizeof page->owner.bytes),
				     db_int((int64_t)page->limit), db_int((int64_t)page->offset) };
	if (db_query(tx, &count_stmt, params, &search->rows, err) != ERR_OK)
		return err->code;
	search->total = search->rows.count > 0 ? (uint64_t)db_get_int(&search->rows, 0, 0) : 0;
	return db_query(tx, &list_stmt, params, &search->rows, err);
}

enum err_code job_file_list(struct db *db, const struct file_page *page, struct job_files *ret, struct err *err)
{
	if (page->limit < 1 || page->limit > FILES_LIST_MAX)
		return err_set(err, ERR_INVALID, "a list has 1 to %d files", FILES_LIST_MAX);
	struct search search = { .page = page, .rows = DB_ROWS_INIT };
	struct db_work work = { .mode = DB_READ, .run = run_search, .arg = &search };
	*ret = (struct job_files){ 0 };
	enum err_code code = db_run(db, &work, err);
	if (code == ERR_OK) {
		ret->rows = calloc(search.rows.count ? search.rows.count : 1, sizeof *ret->rows);
		ret->total = search.total;
		if (!ret->rows)
			code = err_set(err, ERR_NO_MEMORY, "no memory for a list of files");
	}
	for (; code == ERR_OK && ret->count < search.rows.count; ret->count++)
		read_row(&search.rows, ret->count, &ret->rows[ret->count]);
	db_rows_done(&search.rows);
	return code;
}

void job_files_done(struct job_files *list)
{
	free(list->rows);
	*list = (struct job_files){ 0 };
}
