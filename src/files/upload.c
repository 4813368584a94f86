#include "files/upload.h"

#include <string.h>

#include "accounts/plans.h"
#include "base/clock.h"
#include "base/log.h"
#include "files/files_priv.h"
#include "files/keys.h"

/* Room is reserved in steps of this many bytes where a file's size was not announced: a step is one unit of work. */
#define RESERVE_STEP ((uint64_t)64 * 1024 * 1024)

static const struct db_stmt lock_owner_stmt = { .sql = "SELECT id FROM users WHERE id = $1 {lock_rows}",
						.params = "b" };
static const struct db_stmt used_stmt = { .sql = "SELECT n FROM user_counts WHERE user_id = $1 AND what = 6",
					  .params = "b" };
static const struct db_stmt insert_stmt = {
	.sql = "INSERT INTO files (id, owner_id, name, content_type, size_bytes, state, created_at, node_id) "
	       "VALUES ($1, $2, $3, $4, $5, 0, $6, $7)",
	.params = "bbttiii"
};
/* An id that came free while its upload went on (the file was deleted, the node taken for dead) may be another upload's
 * by now: the time of its beginning tells them apart. */
static const struct db_stmt reserve_stmt = {
	.sql = "UPDATE files SET size_bytes = $3 WHERE id = $1 AND created_at = $2 AND state = 0 RETURNING id",
	.params = "bii"
};
static const struct db_stmt stored_stmt = {
	.sql = "UPDATE files SET state = 1, size_bytes = $3, sha256 = $4, stored_at = $5 "
	       "WHERE id = $1 AND created_at = $2 AND state = 0 RETURNING id",
	.params = "biibi"
};
static const struct db_stmt drop_stmt = { .sql = "DELETE FROM files WHERE id = $1 AND created_at = $2 AND state = 0",
					  .params = "bi" };
static const struct db_stmt find_stmt = { .sql = "SELECT state, created_at FROM files WHERE id = $1", .params = "b" };

struct upload {
	const struct files *files;
	struct uuid id, owner;
	int64_t begun_us; /* its row's created_at */
	struct vault_writer *writer; /* NULL once sealed */
	bool may_have_object; /* in the store, under the file's name */
	struct vault_info info; /* of the sealed object */
	uint64_t bytes, reserved_bytes, max_bytes;
};

/* Once bytes are under way the upload waits for the database: its client may have sent gigabytes. */
static struct db *db_of(const struct upload *upload)
{
	return upload->files->lasting_db ? upload->files->lasting_db : upload->files->db;
}

static enum err_code was_deleted(struct err *err)
{
	return err_set(err, ERR_CANCELLED, "the file was deleted while it was uploaded");
}

/* -- room in the quota ------------------------------------------------------------------------------ */

/* Fails where what the owner has and `more_bytes` are more than the plan has room for. Two uploads of one user take
 * turns. */
static enum err_code check_quota(struct db_tx *tx, const struct upload *upload, const struct plan *plan,
				 uint64_t more_bytes, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value owner[] = { db_id(&upload->owner) };
	if (db_query(tx, &lock_owner_stmt, owner, NULL, err) != ERR_OK ||
	    db_query(tx, &used_stmt, owner, &rows, err) != ERR_OK)
		return err->code;
	uint64_t used = rows.count > 0 ? (uint64_t)db_get_int(&rows, 0, 0) : 0;
	uint64_t quota = (uint64_t)plan->storage_bytes;
	if (more_bytes > quota || used > quota - more_bytes)
		return err_set(err, ERR_NO_SPACE,
			       "the storage quota of %llu bytes is used up: delete files that are no longer needed",
			       (unsigned long long)quota);
	return ERR_OK;
}

struct reservation {
	struct upload *upload;
	uint64_t bytes;
};

static enum err_code run_reserve(struct db_tx *tx, void *arg, struct err *err)
{
	const struct reservation *r = arg;
	struct plan plan;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(&r->upload->id), db_int(r->upload->begun_us), db_int((int64_t)r->bytes) };
	if (plan_of_user(tx, &r->upload->owner, &plan, err) != ERR_OK ||
	    check_quota(tx, r->upload, &plan, r->bytes - r->upload->reserved_bytes, err) != ERR_OK ||
	    db_query(tx, &reserve_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	return rows.count == 1 ? ERR_OK : was_deleted(err);
}

static enum err_code reserve(struct upload *upload, uint64_t bytes, struct err *err)
{
	struct reservation r = { upload, bytes < upload->max_bytes ? bytes : upload->max_bytes };
	struct db_work work = { .mode = DB_WRITE_RELAXED, .run = run_reserve, .arg = &r };
	enum err_code code = db_run(db_of(upload), &work, err);
	if (code == ERR_OK)
		upload->reserved_bytes = r.bytes;
	return code;
}

/* A step ahead; near the end of the quota only what is needed. */
static enum err_code reserve_more(struct upload *upload, uint64_t needed, struct err *err)
{
	struct err why;
	if (reserve(upload, needed + RESERVE_STEP, &why) == ERR_OK)
		return ERR_OK;
	if (why.code == ERR_NO_SPACE)
		return reserve(upload, needed, err);
	*err = why;
	return why.code;
}

/* -- begin ----------------------------------------------------------------------------------------- */

struct beginning {
	struct upload *upload;
	const struct upload_spec *spec;
	const struct data_key *key;
	int64_t node;
};

/* The smaller of what the server and what the plan allows. */
static enum err_code check_size(const struct beginning *b, const struct plan *plan, struct err *err)
{
	uint64_t max = b->spec->max_bytes;
	uint64_t announced = b->spec->announced_bytes;
	if ((uint64_t)plan->file_bytes < max)
		max = (uint64_t)plan->file_bytes;
	if (announced > max && announced - max > b->spec->slack_bytes)
		return err_set(err, ERR_TOO_BIG, "the file is larger than the %llu bytes that are allowed",
			       (unsigned long long)max);
	b->upload->max_bytes = max;
	b->upload->reserved_bytes = announced < max ? announced : max;
	return ERR_OK;
}

static enum err_code run_begin(struct db_tx *tx, void *arg, struct err *err)
{
	const struct beginning *b = arg;
	struct plan plan;
	if (plan_of_user(tx, &b->spec->owner, &plan, err) != ERR_OK || check_size(b, &plan, err) != ERR_OK ||
	    check_quota(tx, b->upload, &plan, b->upload->reserved_bytes, err) != ERR_OK)
		return err->code;
	struct db_value params[] = { db_id(&b->spec->id),
				     db_id(&b->spec->owner),
				     db_text(b->spec->name),
				     db_text(b->spec->content_type),
				     db_int((int64_t)b->upload->reserved_bytes),
				     db_int(b->upload->begun_us),
				     db_int(b->node) };
	if (db_query(tx, &insert_stmt, params, NULL, err) != ERR_OK)
		return err->code;
	return file_key_add_owner(tx, &b->spec->id, &b->spec->owner, b->key, err);
}

static enum err_code add_row(struct upload *upload, const struct upload_spec *spec, const struct data_key *key,
			     struct err *err)
{
	const struct files *files = upload->files;
	struct beginning b = { upload, spec, key, files->queue ? parts_node(files->queue) : 0 };
	struct db_work work = { .mode = DB_WRITE, .run = run_begin, .arg = &b };
	enum err_code code = db_run(files->db, &work, err);
	return code == ERR_CONFLICT ? err_set(err, code, "the id is taken") : code;
}

static enum err_code open_object(struct upload *upload, const struct data_key *key, struct err *err)
{
	char object[BLOB_KEY_MAX + 1];
	files_object_key("files", &upload->id, object);
	struct vault_place place = { .store = upload->files->blobs, .key = object, .data_key = key };
	memcpy(place.object_id, upload->id.bytes, sizeof place.object_id);
	return vault_create(&place, NULL, &upload->writer, err);
}

enum err_code upload_begin(const struct files *files, const struct upload_spec *spec, struct upload **ret,
			   struct err *err)
{
	struct upload *upload = calloc(1, sizeof *upload);
	if (!upload)
		return err_set(err, ERR_NO_MEMORY, "no memory for an upload");
	*upload = (struct upload){ .files = files, .id = spec->id, .owner = spec->owner, .begun_us = clock_wall_us() };
	cleanup_data_key struct data_key key = { 0 };
	if (data_key_new(&key, err) != ERR_OK || add_row(upload, spec, &key, err) != ERR_OK) {
		free(upload); /* a taken id is somebody else's row: it stays */
		return err->code;
	}
	if (open_object(upload, &key, err) != ERR_OK) {
		upload_abort(upload);
		return err->code;
	}
	*ret = upload;
	return ERR_OK;
}

/* -- bytes ----------------------------------------------------------------------------------------- */

enum err_code upload_write(struct upload *upload, const void *bytes, size_t len, struct err *err)
{
	if (len > upload->max_bytes - upload->bytes)
		return err_set(err, ERR_TOO_BIG, "the file has more than the %llu bytes that are allowed",
			       (unsigned long long)upload->max_bytes);
	if (upload->bytes + len > upload->reserved_bytes && reserve_more(upload, upload->bytes + len, err) != ERR_OK)
		return err->code;
	upload->bytes += len;
	return vault_write(upload->writer, bytes, len, err);
}

uint64_t upload_bytes(const struct upload *upload)
{
	return upload->bytes;
}

/* -- end ------------------------------------------------------------------------------------------- */

static void drop_row(const struct upload *upload)
{
	struct err err;
	struct db_value params[] = { db_id(&upload->id), db_int(upload->begun_us) };
	if (db_run_stmt(db_of(upload), DB_WRITE, &drop_stmt, params, NULL, &err) != ERR_OK)
		log_line(LOG_WARNING, "the row of an upload that ended early is left to the sweep: %s", err.message);
}

struct storing {
	const struct upload *upload;
	const struct upload_also *also;
	unsigned char sha256[(SHA256_HEX_SIZE - 1) / 2];
	int64_t now_us;
};

static enum err_code run_store(struct db_tx *tx, void *arg, struct err *err)
{
	const struct storing *s = arg;
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(&s->upload->id), db_int(s->upload->begun_us),
				     db_int((int64_t)s->upload->info.plain_bytes),
				     db_bytes(s->sha256, sizeof s->sha256), db_int(s->now_us) };
	if (db_query(tx, &stored_stmt, params, &rows, err) != ERR_OK)
		return err->code;
	if (rows.count == 0)
		return was_deleted(err);
	return s->also ? s->also->run(tx, s->also->arg, err) : ERR_OK;
}

/* Who has the id now. */
struct holder {
	bool is_there;
	bool is_other; /* than this upload */
	enum file_state state;
};

static enum err_code find_holder(const struct upload *upload, struct holder *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_id(&upload->id) };
	enum err_code code = db_run_stmt(db_of(upload), DB_READ, &find_stmt, params, &rows, err);
	if (code != ERR_OK)
		return code;
	*ret = (struct holder){ .is_there = rows.count == 1 };
	if (ret->is_there) {
		ret->state = (enum file_state)db_get_int(&rows, 0, 0);
		ret->is_other = db_get_int(&rows, 0, 1) != upload->begun_us;
	}
	return ERR_OK;
}

/* The answer to the commit was lost: the row tells. */
static enum err_code find_outcome(const struct upload *upload, struct err *err)
{
	struct holder holder;
	if (find_holder(upload, &holder, err) != ERR_OK)
		return err_set(err, ERR_OUTCOME_UNKNOWN, "the database went away while the file was being stored");
	if (holder.is_there && !holder.is_other && holder.state == FILE_STORED)
		return ERR_OK;
	return err_set(err, ERR_NETWORK, "the database went away before the file was stored");
}

static enum err_code store_row(const struct upload *upload, const struct upload_also *also, struct err *err)
{
	struct storing s = { .upload = upload, .also = also, .now_us = clock_wall_us() };
	for (size_t i = 0; i < sizeof s.sha256; i++) {
		const char *hex = upload->info.sha256 + 2 * i;
		const char digits[3] = { hex[0], hex[1], '\0' };
		s.sha256[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	struct db_work work = { .mode = DB_WRITE, .run = run_store, .arg = &s };
	enum err_code code = db_run(db_of(upload), &work, err);
	return code == ERR_OUTCOME_UNKNOWN ? find_outcome(upload, err) : code;
}

/* The object's name is the id's: it must not be written over one of whoever has the id now. */
static enum err_code check_is_ours(const struct upload *upload, struct err *err)
{
	struct holder holder;
	if (find_holder(upload, &holder, err) != ERR_OK)
		return err->code;
	bool is_ours = holder.is_there && !holder.is_other && holder.state == FILE_UPLOADING;
	return is_ours ? ERR_OK : was_deleted(err);
}

/* Removes the object and the row. */
static void undo(const struct upload *upload)
{
	char object[BLOB_KEY_MAX + 1];
	struct err err;
	struct holder holder;
	files_object_key("files", &upload->id, object);
	enum err_code code = find_holder(upload, &holder, &err);
	if (code == ERR_OK && !holder.is_other)
		code = blob_delete(upload->files->blobs, object, &err);
	if (code != ERR_OK)
		log_line(LOG_WARNING, "an object of an upload that failed is left to the sweep: %s", err.message);
	drop_row(upload);
}

void upload_abort(struct upload *upload)
{
	if (!upload)
		return;
	if (upload->may_have_object) {
		undo(upload);
	} else {
		vault_abort(upload->writer);
		drop_row(upload);
	}
	free(upload);
}

enum err_code upload_seal(struct upload *upload, struct err *err)
{
	if (check_is_ours(upload, err) != ERR_OK)
		return err->code;
	upload->may_have_object = true;
	return vault_commit(steal_ptr(&upload->writer), &upload->info, err);
}

enum err_code upload_store(struct upload *upload, const struct upload_also *also, struct vault_info *ret,
			   struct err *err)
{
	enum err_code code = store_row(upload, also, err);
	/* Where the outcome is unknown the object must stay: the row may be there. The sweep decides. */
	if (code != ERR_OK && code != ERR_OUTCOME_UNKNOWN)
		undo(upload);
	if (code == ERR_OK)
		*ret = upload->info;
	free(upload);
	return code;
}
