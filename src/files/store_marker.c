#include "files/store_marker.h"

#include <string.h>

#include "base/clock.h"

/* The value: the id, and 1 once the object is in the store. A store without it is the wrong one only from then on. */
enum { VALUE_BYTES = UUID_BYTES + 1 };

static const char name[] = "store_marker";

static const struct db_stmt insert = { .sql = "INSERT INTO meta (key, value) VALUES ($1, $2) "
					      "ON CONFLICT (key) DO NOTHING",
				       .params = "tb" };
static const struct db_stmt get = { .sql = "SELECT value FROM meta WHERE key = $1", .params = "t" };
static const struct db_stmt update = { .sql = "UPDATE meta SET value = $2 WHERE key = $1", .params = "tb" };

static struct db_value pack(const struct store_marker *marker, unsigned char value[VALUE_BYTES])
{
	memcpy(value, marker->id.bytes, UUID_BYTES);
	value[UUID_BYTES] = marker->is_in_store;
	return db_bytes(value, VALUE_BYTES);
}

/* Of nodes that start at once one chooses the id, and all read that one. */
static enum err_code claim_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct store_marker *marker = arg;
	unsigned char value[VALUE_BYTES];
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_text(name), pack(marker, value) };
	enum err_code code = db_query(tx, &insert, params, NULL, err);
	if (!code)
		code = db_query(tx, &get, params, &rows, err);
	if (code)
		return code;
	size_t size = 0;
	const unsigned char *bytes = rows.count > 0 ? db_get_bytes(&rows, 0, 0, &size) : NULL;
	if (size != VALUE_BYTES)
		return err_set(err, ERR_CORRUPT, "the database's marker of its object store is damaged");
	memcpy(marker->id.bytes, bytes, UUID_BYTES);
	marker->is_in_store = bytes[UUID_BYTES] == 1;
	return ERR_OK;
}

static enum err_code claim(struct store_marker *marker, struct db *db, struct err *err)
{
	struct store_marker claimed = { .is_in_store = false };
	struct db_work work = { .mode = DB_WRITE, .run = claim_unit, .arg = &claimed };
	enum err_code code = uuid_new(clock_wall_us(), &claimed.id, err);
	if (!code)
		code = db_run(db, &work, err);
	if (!code)
		*marker = claimed;
	return code;
}

static enum err_code write_object(const struct store_marker *marker, struct blob_store *blobs, struct err *err)
{
	struct blob_put *put;
	char text[UUID_TEXT_SIZE];
	uuid_text(&marker->id, text);
	enum err_code code = blob_put_begin(blobs, STORE_MARKER_KEY, &put, err);
	if (code)
		return code;
	code = blob_put_write(put, text, sizeof text - 1, err);
	if (!code)
		return blob_put_commit(put, err);
	blob_put_abort(put);
	return code;
}

/* ERR_NOT_FOUND: there is none. */
static enum err_code compare_object(const struct store_marker *marker, struct blob_store *blobs, struct err *err)
{
	char text[UUID_TEXT_SIZE], found[UUID_TEXT_SIZE];
	size_t len;
	uuid_text(&marker->id, text);
	enum err_code code =
		blob_get(blobs, STORE_MARKER_KEY, (struct blob_range){ .len = sizeof found }, found, &len, err);
	if (code)
		return code;
	if (len == sizeof text - 1 && memcmp(found, text, len) == 0)
		return ERR_OK;
	return err_set(err, ERR_CONFIG,
		       "the object store belongs to another installation: its object \"" STORE_MARKER_KEY
		       "\" is not the one that this database knows");
}

static enum err_code note_written(struct store_marker *marker, struct db *db, struct err *err)
{
	struct store_marker written = { .id = marker->id, .is_in_store = true };
	unsigned char value[VALUE_BYTES];
	struct db_value params[] = { db_text(name), pack(&written, value) };
	enum err_code code = db_run_stmt(db, DB_WRITE, &update, params, NULL, err);
	if (!code)
		*marker = written;
	return code;
}

enum err_code store_marker_check(struct store_marker *marker, struct db *db, struct blob_store *blobs, struct err *err)
{
	enum err_code code = marker->is_in_store ? ERR_OK : claim(marker, db, err);
	if (code)
		return code;
	code = compare_object(marker, blobs, err);
	if (code == ERR_NOT_FOUND && marker->is_in_store)
		return err_set(err, ERR_CONFIG,
			       "the object store is not the one that this database was used with: it has no object "
			       "\"" STORE_MARKER_KEY "\"");
	if (code == ERR_NOT_FOUND)
		code = write_object(marker, blobs, err);
	if (!code && !marker->is_in_store)
		code = note_written(marker, db, err);
	return code;
}
