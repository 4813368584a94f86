#include "files/keys.h"

#include <string.h>

#include "accounts/users.h"
#include "base/clock.h"
#include "files/files_priv.h"

static const struct db_stmt recipient_stmt = {
	.sql = "SELECT public_key, own_public_key FROM users WHERE id = $1 AND is_active = 1", .params = "b"
};
static const struct db_stmt insert_stmt = {
	.sql = "INSERT INTO file_keys (file_id, user_id, sealed_key, own_sealed_key, is_owner, created_at) "
	       "VALUES ($1, $2, $3, $4, $5, $6)",
	.params = "bbbbii"
};
static const struct db_stmt find_stmt = {
	.sql = "SELECT f.owner_id, k.sealed_key, k.own_sealed_key, k.created_at FROM file_keys k "
	       "JOIN files f ON f.id = k.file_id WHERE k.file_id = $1 AND k.user_id = $2 AND f.state <> 2",
	.params = "bb"
};
static const struct db_stmt owned_stmt = { .sql = "SELECT id FROM files WHERE id = $1 AND owner_id = $2 AND state <> 2",
					   .params = "bb" };
static const struct db_stmt delete_stmt = {
	.sql = "DELETE FROM file_keys WHERE file_id = $1 AND user_id = $2 AND is_owner = 0 RETURNING user_id",
	.params = "bb"
};
static const struct db_stmt holds_stmt = {
	.sql = "SELECT 1 FROM file_keys k JOIN users u ON u.id = k.user_id JOIN files f ON f.id = k.file_id "
	       "WHERE k.file_id = $1 AND k.user_id = $2 AND u.is_active = 1 AND u.generation = $3 AND f.state <> 2",
	.params = "bbi"
};
static const struct db_stmt register_stmt = {
	.sql = "UPDATE users SET own_public_key = $2, own_key_at = $3, updated_at = $3 WHERE id = $1 RETURNING id",
	.params = "bbi"
};
static const struct db_stmt readable_stmt = {
	.sql = "SELECT file_id FROM file_keys WHERE user_id = $1 AND file_id > $2 ORDER BY file_id LIMIT 500",
	.params = "bb"
};
static const struct db_stmt add_own_stmt = {
	.sql = "UPDATE file_keys SET own_sealed_key = $3 WHERE file_id = $1 AND user_id = $2", .params = "bbb"
};

/* -- boxes ----------------------------------------------------------------------------------------- */

static enum err_code seal_to(const struct db_rows *rows, size_t column, const struct data_key *key,
			     unsigned char ret[DATA_KEY_BOX_BYTES], struct err *err)
{
	struct public_key recipient;
	size_t size;
	const void *bytes = db_get_bytes(rows, 0, column, &size);
	if (size != sizeof recipient.bytes)
		return err_set(err, ERR_CORRUPT, "a user's public key has a wrong size");
	memcpy(recipient.bytes, bytes, size);
	return data_key_box(key, &recipient, ret, err);
}

struct recipient {
	struct uuid file, user;
	const struct data_key *key;
	bool is_owner;
	int64_t now_us;
};

static enum err_code add_recipient(struct db_tx *tx, const struct recipient *r, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value find[] = { db_id(&r->user) };
	if (db_query(tx, &recipient_stmt, find, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return err_set(err, ERR_REFERENCE, "there is no such user");
	unsigned char box[DATA_KEY_BOX_BYTES];
	unsigned char own_box[DATA_KEY_BOX_BYTES];
	bool has_own = !db_is_null(&rows, 0, 1);
	if (seal_to(&rows, 0, r->key, box, err) != ERR_OK ||
	    (has_own && seal_to(&rows, 1, r->key, own_box, err) != ERR_OK))
		return err->code;
	struct db_value params[] = { db_id(&r->file),		db_id(&r->user),
				     db_bytes(box, sizeof box), db_bytes(has_own ? own_box : NULL, sizeof own_box),
				     db_int(r->is_owner),	db_int(r->now_us) };
	return db_query(tx, &insert_stmt, params, NULL, err);
}

enum err_code file_key_add_owner(struct db_tx *tx, const struct uuid *file, const struct uuid *owner,
				 const struct data_key *key, struct err *err)
{
	struct recipient r = { *file, *owner, key, true, clock_wall_us() };
	return add_recipient(tx, &r, err);
}

enum err_code file_key_find(const struct files *files, const struct uuid *viewer, const struct uuid *file,
			    struct file_key *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(file), db_id(viewer) };
	if (db_run_stmt(files->db, DB_READ, &find_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no such file");
	size_t size;
	const void *box = db_get_bytes(&rows, 0, db_is_null(&rows, 0, 2) ? 1 : 2, &size);
	if (size != sizeof ret->box)
		return err_set(err, ERR_CORRUPT, "a file's sealed key has a wrong size");
	memcpy(ret->box, box, size);
	ret->owner = db_get_id(&rows, 0, 0);
	ret->created_us = db_get_int(&rows, 0, 3);
	return ERR_OK;
}

/* -- shares ---------------------------------------------------------------------------------------- */

struct share {
	struct uuid owner;
	struct recipient to;
};

static enum err_code check_owner(struct db_tx *tx, const struct share *share, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(&share->to.file), db_id(&share->owner) };
	if (db_query(tx, &owned_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	return rows.count == 1 ? ERR_OK : err_set(err, ERR_NOT_FOUND, "there is no such file");
}

static enum err_code run_share(struct db_tx *tx, void *arg, struct err *err)
{
	const struct share *share = arg;
	enum err_code code = check_owner(tx, share, err);
	return code == ERR_OK ? add_recipient(tx, &share->to, err) : code;
}

static enum err_code run_unshare(struct db_tx *tx, void *arg, struct err *err)
{
	const struct share *share = arg;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(&share->to.file), db_id(&share->to.user) };
	if (check_owner(tx, share, err) != ERR_OK || db_query(tx, &delete_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return err_set(err, ERR_NOT_FOUND, "the file is not shared with that user");
	return user_tell(tx, &share->to.user, err);
}

enum err_code file_key_share(const struct files *files, const struct uuid *owner, const struct uuid *file,
			     const struct uuid *user, int64_t *ret_created_us, struct err *err)
{
	cleanup_data_key struct data_key key = { 0 };
	struct share share = { *owner, { *file, *user, &key, false, clock_wall_us() } };
	if (files_data_key(files, file, &key, err) != ERR_OK)
		return err->code;
	struct db_work work = { .mode = DB_WRITE, .run = run_share, .arg = &share };
	enum err_code code = db_run(files->db, &work, err);
	if (code == ERR_CONFLICT)
		return err_set(err, code, "the file is shared with that user already");
	*ret_created_us = share.to.now_us;
	return code;
}

enum err_code file_key_unshare(const struct files *files, const struct uuid *owner, const struct uuid *file,
			       const struct uuid *user, struct err *err)
{
	struct share share = { *owner, { *file, *user, NULL, false, 0 } };
	struct db_work work = { .mode = DB_WRITE, .run = run_unshare, .arg = &share };
	return db_run(files->db, &work, err);
}

enum err_code file_key_holds(const struct files *files, const struct uuid *viewer, int64_t generation,
			     const struct uuid *file, bool *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(file), db_id(viewer), db_int(generation) };
	enum err_code code = db_run_stmt(files->db, DB_READ, &holds_stmt, params, &rows, err);
	if (code == ERR_OK)
		*ret = rows.count > 0;
	return code;
}

/* -- a user's own key ------------------------------------------------------------------------------- */

struct registration {
	struct uuid user;
	const struct public_key *key;
	int64_t now_us;
};

static enum err_code run_register(struct db_tx *tx, void *arg, struct err *err)
{
	const struct registration *r = arg;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(&r->user), db_bytes(r->key->bytes, sizeof r->key->bytes),
				     db_int(r->now_us) };
	enum err_code code = db_query(tx, &register_stmt, params, &rows, err);
	if (code == ERR_OK && rows.count == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no such user");
	return code;
}

/* Seals one file's key to the new recipient. A file that was deleted meanwhile is passed over. */
static enum err_code add_own_box(const struct files *files, const struct registration *r, const struct uuid *file,
				 struct err *err)
{
	cleanup_data_key struct data_key key = { 0 };
	unsigned char box[DATA_KEY_BOX_BYTES];
	enum err_code code = files_data_key(files, file, &key, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK || data_key_box(&key, r->key, box, err) != ERR_OK)
		return err->code;
	struct db_value params[] = { db_id(file), db_id(&r->user), db_bytes(box, sizeof box) };
	return db_run_stmt(files->db, DB_WRITE, &add_own_stmt, params, NULL, err);
}

static enum err_code add_own_boxes(const struct files *files, const struct registration *r, struct err *err)
{
	struct uuid after = { 0 };
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	do {
		struct db_value params[] = { db_id(&r->user), db_id(&after) };
		if (db_run_stmt(files->db, DB_READ, &readable_stmt, params, &rows, err) != ERR_OK)
			return err->code;
		for (size_t i = 0; i < rows.count; i++) {
			after = db_get_id(&rows, i, 0);
			if (add_own_box(files, r, &after, err) != ERR_OK)
				return err->code;
		}
	} while (rows.count > 0);
	return ERR_OK;
}

enum err_code file_key_register(const struct files *files, const struct uuid *user, const struct public_key *key,
				int64_t *ret_registered_us, struct err *err)
{
	if (!public_key_valid(key))
		return err_set(err, ERR_INVALID, "the public key is none that can be sealed to");
	struct registration r = { *user, key, clock_wall_us() };
	struct db_work work = { .mode = DB_WRITE, .run = run_register, .arg = &r };
	/* The key first: a file that comes meanwhile is sealed to it already. */
	if (db_run(files->db, &work, err) != ERR_OK || add_own_boxes(files, &r, err) != ERR_OK)
		return err->code;
	*ret_registered_us = r.now_us;
	return ERR_OK;
}
