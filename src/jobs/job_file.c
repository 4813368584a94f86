#include "jobs/job_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "jobs/job_work_priv.h"
#include "jobs/list.h"

#define SELECT_FILES(rest)                                                                                             \
	"SELECT f.id, f.owner_id, f.name, f.content_type, f.state, f.size_bytes, f.sha256, f.created_at, j.state, "    \
	"j.ended_at "                                                                                                  \
	"FROM files f LEFT JOIN jobs j ON j.id = f.id " rest

static const struct db_stmt find_stmt = {
	.sql = SELECT_FILES("JOIN file_keys k ON k.file_id = f.id AND k.user_id = $2 WHERE f.id = $1 AND f.state <> 2"),
	.params = "bb",
};
static const struct db_stmt list_stmt = {
	.sql = SELECT_FILES(
		"WHERE f.owner_id = $1 AND f.state <> 2 ORDER BY f.created_at DESC, f.id DESC LIMIT $2 OFFSET $3"),
	.params = "bii",
};
static const struct db_stmt count_stmt = {
	.sql = "SELECT n FROM user_counts WHERE user_id = $1 AND what = 5",
	.params = "b",
};

static void read_row(const struct db_rows *rows, size_t row, struct job_file *ret)
{
	size_t size;
	*ret = (struct job_file){ .is_stored = db_get_int(rows, row, 4) == FILE_STORED };
	ret->id = db_get_id(rows, row, 0);
	ret->owner = db_get_id(rows, row, 1);
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
	struct db_value params[] = { db_id(id), db_id(viewer) };
	if (db_run_stmt(db, DB_READ, &find_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no such file");
	read_row(&rows, 0, ret);
	return ERR_OK;
}

enum err_code job_file_list(struct db *db, const struct file_page *page, struct job_files *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(&page->owner), db_int((int64_t)page->limit), db_int((int64_t)page->offset) };
	struct list_query query = { &count_stmt, params, &list_stmt, params, page->limit, FILES_LIST_MAX };
	*ret = (struct job_files){ 0 };
	if (list_read(db, &query, &rows, &ret->total, err) != ERR_OK)
		return err->code;
	ret->rows = calloc(rows.count + 1, sizeof *ret->rows);
	if (!ret->rows)
		return err_set(err, ERR_NO_MEMORY, "no memory for a list of files");
	for (; ret->count < rows.count; ret->count++)
		read_row(&rows, ret->count, &ret->rows[ret->count]);
	return ERR_OK;
}

void job_files_done(struct job_files *list)
{
	free(list->rows);
	*list = (struct job_files){ 0 };
}
