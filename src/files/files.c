#include "files/files.h"

#include <stdio.h>
#include <string.h>

#include "files/files_priv.h"

static const struct db_stmt find_stmt = {
	.sql = "SELECT " FILE_COLUMNS " FROM files f JOIN file_keys k ON k.file_id = f.id AND k.user_id = $2 "
	       "WHERE f.id = $1 AND f.state <> 2",
	.params = "bb"
};
static const struct db_stmt key_stmt = {
	.sql = "SELECT k.sealed_key, u.id, u.public_key, u.wrapped_private_key FROM file_keys k "
	       "JOIN users u ON u.id = k.user_id WHERE k.file_id = $1 AND k.is_owner = 1",
	.params = "b"
};
static const struct db_stmt mark_stmt = {
	.sql = "UPDATE files SET state = 2 WHERE id = $1 AND owner_id = $2 AND state <> 2 RETURNING id", .params = "bb"
};
static const struct db_stmt shred_stmt = { .sql = "DELETE FROM file_keys WHERE file_id = $1", .params = "b" };
static const struct db_stmt remove_stmt = { .sql = "DELETE FROM files WHERE id = $1 AND state = 2", .params = "b" };

/* -- rows ------------------------------------------------------------------------------------------ */

static void copy_text(const struct db_rows *rows, size_t row, size_t column, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s", db_get_text(rows, row, column));
}

static void read_hash(const struct db_rows *rows, size_t row, size_t column, char ret[SHA256_HEX_SIZE])
{
	size_t size = 0;
	const unsigned char *hash = db_get_bytes(rows, row, column, &size);
	ret[0] = '\0';
	for (size_t i = 0; size == (SHA256_HEX_SIZE - 1) / 2 && i < size; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", hash[i]);
}

void file_row_read(const struct db_rows *rows, size_t row, struct file_row *ret)
{
	ret->id = db_get_id(rows, row, 0);
	ret->owner = db_get_id(rows, row, 1);
	ret->state = (enum file_state)db_get_int(rows, row, 2);
	copy_text(rows, row, 3, ret->name, sizeof ret->name);
	copy_text(rows, row, 4, ret->content_type, sizeof ret->content_type);
	ret->size_bytes = (uint64_t)db_get_int(rows, row, 5);
	read_hash(rows, row, 6, ret->sha256);
	ret->created_us = db_get_int(rows, row, 7);
	ret->stored_us = db_get_int(rows, row, 8);
}

enum err_code files_find(const struct files *files, const struct uuid *viewer, const struct uuid *id,
			 struct file_row *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(id), db_id(viewer) };
	enum err_code code = db_run_stmt(files->db, DB_READ, &find_stmt, params, &rows, err);
	if (code != ERR_OK)
		return code;
	if (rows.count == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no such file");
	file_row_read(&rows, 0, ret);
	return ERR_OK;
}

/* -- keys and bytes --------------------------------------------------------------------------------- */

static enum err_code open_box(const struct files *files, const struct db_rows *rows, struct data_key *ret,
			      struct err *err)
{
	cleanup_user_key struct user_key owner = { 0 };
	struct user_key_row row;
	struct uuid user;
	size_t box_len, public_len, wrapped_len;
	const unsigned char *box = db_get_bytes(rows, 0, 0, &box_len);
	const void *public_bytes = db_get_bytes(rows, 0, 2, &public_len);
	const void *wrapped = db_get_bytes(rows, 0, 3, &wrapped_len);
	if (public_len != sizeof row.public_half.bytes || wrapped_len != sizeof row.wrapped)
		return err_set(err, ERR_CORRUPT, "the keys of a file's owner have a wrong size");
	user = db_get_id(rows, 0, 1);
	memcpy(row.user_id, user.bytes, sizeof row.user_id);
	memcpy(row.public_half.bytes, public_bytes, public_len);
	memcpy(row.wrapped, wrapped, wrapped_len);
	if (keyring_unwrap(files->keyring, &row, &owner, err) != ERR_OK)
		return err->code;
	return data_key_unbox(box, box_len, &owner, ret, err);
}

enum err_code files_data_key(const struct files *files, const struct uuid *id, struct data_key *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(id) };
	enum err_code code = db_run_stmt(files->db, DB_READ, &key_stmt, params, &rows, err);
	if (code != ERR_OK)
		return code;
	if (rows.count == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no such file");
	return open_box(files, &rows, ret, err);
}

void files_object_key(const char *word, const struct uuid *id, char ret[BLOB_KEY_MAX + 1])
{
	char text[UUID_TEXT_SIZE];
	uuid_text(id, text);
	(void)snprintf(ret, BLOB_KEY_MAX + 1, "%s/%s", word, text);
}

enum err_code files_open(const struct files *files, const struct uuid *id, struct vault_reader **ret, struct err *err)
{
	cleanup_data_key struct data_key key = { 0 };
	char object[BLOB_KEY_MAX + 1];
	if (files_data_key(files, id, &key, err) != ERR_OK)
		return err->code;
	files_object_key("files", id, object);
	struct vault_place place = { .store = files->blobs, .key = object, .data_key = &key };
	memcpy(place.object_id, id->bytes, sizeof place.object_id);
	return vault_open(&place, ret, err);
}

/* -- deletion -------------------------------------------------------------------------------------- */

enum err_code files_mark_deleted(struct db_tx *tx, const struct uuid *owner, const struct uuid *id, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(id), db_id(owner) };
	enum err_code code = db_query(tx, &mark_stmt, params, &rows, err);
	if (code != ERR_OK)
		return code;
	if (rows.count == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no such file");
	return db_post(tx, &shred_stmt, params, err);
}

enum err_code files_remove(const struct files *files, const struct uuid *id, struct err *err)
{
	char object[BLOB_KEY_MAX + 1];
	files_object_key("files", id, object);
	if (blob_delete(files->blobs, object, err) != ERR_OK)
		return err->code;
	struct db_value params[] = { db_id(id) };
	return db_run_stmt(files->db, DB_WRITE, &remove_stmt, params, NULL, err);
}
