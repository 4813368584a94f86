#include "accounts/installation.h"

#include <sodium.h>
#include <string.h>

#include "base/secret.h"

/* Names in `meta`. */
static const char master_now[] = "master_key", master_next[] = "master_key_next", server_pair[] = "server_key";

static const struct db_stmt get = { .sql = "SELECT value FROM meta WHERE key = $1", .params = "t" };
static const struct db_stmt get_locked = { .sql = "SELECT value FROM meta WHERE key = $1 {lock_rows}", .params = "t" };
static const struct db_stmt insert = { .sql = "INSERT INTO meta (key, value) VALUES ($1, $2) "
					      "ON CONFLICT (key) DO NOTHING",
				       .params = "tb" };
static const struct db_stmt put = { .sql = "INSERT INTO meta (key, value) VALUES ($1, $2) "
					   "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
				    .params = "tb" };
static const struct db_stmt drop = { .sql = "DELETE FROM meta WHERE key = $1", .params = "t" };

/* A record: version (big-endian), check value, id. */
enum { RECORD_ID_AT = 4 + MASTER_CHECK_BYTES, RECORD_MAX = RECORD_ID_AT + MASTER_ID_MAX };
/* The pair: public half, wrapped private half. */
enum { PAIR_BYTES = KEY_BYTES + USER_KEY_WRAPPED_BYTES };

void server_secret_done(struct server_secret *secret)
{
	secret_wipe(secret, sizeof *secret);
}

void server_secret_derive(const struct server_secret *secret, const char *purpose, unsigned char ret[KEY_BYTES])
{
	/* HMAC as the expanding half of HKDF (RFC 5869): the secret is random as it is. */
	_Static_assert(crypto_auth_hmacsha256_KEYBYTES == KEY_BYTES && crypto_auth_hmacsha256_BYTES == KEY_BYTES, "");
	(void)crypto_auth_hmacsha256(ret, (const unsigned char *)purpose, strlen(purpose), secret->bytes);
}

/* -- rows ------------------------------------------------------------------------------------------ */

static size_t pack_record(const struct master_key_record *record, unsigned char ret[RECORD_MAX])
{
	size_t id_len = strlen(record->id);
	for (int i = 0; i < 4; i++)
		ret[i] = (unsigned char)(record->version >> (24 - 8 * i));
	memcpy(ret + 4, record->check, MASTER_CHECK_BYTES);
	memcpy(ret + RECORD_ID_AT, record->id, id_len);
	return RECORD_ID_AT + id_len;
}

static enum err_code unpack_record(const struct db_rows *rows, struct master_key_record *ret, struct err *err)
{
	size_t size;
	const unsigned char *bytes = db_get_bytes(rows, 0, 0, &size);
	if (size <= RECORD_ID_AT || size > RECORD_MAX)
		return err_set(err, ERR_CORRUPT, "the database's record of the master key is damaged");
	*ret = (struct master_key_record){ 0 };
	for (int i = 0; i < 4; i++)
		ret->version = ret->version << 8 | bytes[i];
	memcpy(ret->check, bytes + 4, MASTER_CHECK_BYTES);
	memcpy(ret->id, bytes + RECORD_ID_AT, size - RECORD_ID_AT);
	return ERR_OK;
}

static enum err_code record_of(const struct master_key *key, struct master_key_record *ret, struct err *err)
{
	*ret = (struct master_key_record){ .version = key->version };
	memcpy(ret->id, key->id, sizeof ret->id);
	return master_key_check_value(key, ret->check, err);
}

static enum err_code write_value(struct db_tx *tx, const struct db_stmt *stmt, const char *name, const void *bytes,
				 size_t size, struct err *err)
{
	struct db_value params[] = { db_text(name), db_bytes(bytes, size) };
	return db_query(tx, stmt, params, NULL, err);
}

static enum err_code write_record(struct db_tx *tx, const struct db_stmt *stmt, const char *name,
				  const struct master_key_record *record, struct err *err)
{
	unsigned char bytes[RECORD_MAX];
	return write_value(tx, stmt, name, bytes, pack_record(record, bytes), err);
}

static enum err_code read_value(struct db_tx *tx, const struct db_stmt *stmt, const char *name, struct db_rows *ret,
				struct err *err)
{
	struct db_value params[] = { db_text(name) };
	return db_query(tx, stmt, params, ret, err);
}

enum err_code installation_lock(struct db_tx *tx, struct installation_keys *ret, struct err *err)
{
	cleanup_rows struct db_rows now = DB_ROWS_INIT, next = DB_ROWS_INIT;
	struct installation_keys keys = { .is_rotating = false };
	enum err_code code = read_value(tx, &get_locked, master_now, &now, err);
	if (!code && now.count == 0)
		code = err_set(err, ERR_NOT_FOUND, "the database has no record of a master key yet");
	if (!code)
		code = unpack_record(&now, &keys.now, err);
	if (!code)
		code = read_value(tx, &get, master_next, &next, err);
	if (!code && next.count > 0) {
		keys.is_rotating = true;
		code = unpack_record(&next, &keys.next, err);
	}
	if (!code)
		*ret = keys;
	return code;
}

enum err_code installation_write(struct db_tx *tx, const struct installation_keys *keys, struct err *err)
{
	struct db_value params[] = { db_text(master_next) };
	enum err_code code = write_record(tx, &put, master_now, &keys->now, err);
	if (code)
		return code;
	return keys->is_rotating ? write_record(tx, &put, master_next, &keys->next, err)
				 : db_query(tx, &drop, params, NULL, err);
}

enum err_code installation_read_pair(struct db_tx *tx, struct user_key_row *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	size_t size = 0;
	enum err_code code = read_value(tx, &get, server_pair, &rows, err);
	if (code)
		return code;
	const unsigned char *bytes = rows.count > 0 ? db_get_bytes(&rows, 0, 0, &size) : NULL;
	if (size != PAIR_BYTES)
		return err_set(err, ERR_CORRUPT, "the server's own key is missing in the database, or damaged");
	*ret = (struct user_key_row){ .user_id = { 0 } };
	memcpy(ret->public_half.bytes, bytes, KEY_BYTES);
	memcpy(ret->wrapped, bytes + KEY_BYTES, USER_KEY_WRAPPED_BYTES);
	return ERR_OK;
}

static enum err_code write_pair(struct db_tx *tx, const struct db_stmt *stmt, const struct user_key_row *row,
				struct err *err)
{
	unsigned char bytes[PAIR_BYTES];
	memcpy(bytes, row->public_half.bytes, KEY_BYTES);
	memcpy(bytes + KEY_BYTES, row->wrapped, USER_KEY_WRAPPED_BYTES);
	return write_value(tx, stmt, server_pair, bytes, sizeof bytes, err);
}

enum err_code installation_write_pair(struct db_tx *tx, const struct user_key_row *row, struct err *err)
{
	return write_pair(tx, &put, row, err);
}

/* -- opening --------------------------------------------------------------------------------------- */

struct opening {
	struct master_key key; /* the configured one */
	struct user_key_row fresh; /* the pair of a database that is new */
	struct user_key_row pair;
	struct installation_keys keys;
};

/* Of two nodes that find nothing, one writes, and both read what it wrote. */
static enum err_code open_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct opening *o = arg;
	struct master_key_record record;
	enum err_code code = installation_lock(tx, &o->keys, err);
	if (code != ERR_NOT_FOUND)
		return code ? code : installation_read_pair(tx, &o->pair, err);
	code = record_of(&o->key, &record, err);
	if (!code)
		code = write_record(tx, &insert, master_now, &record, err);
	if (!code)
		code = write_pair(tx, &insert, &o->fresh, err);
	if (!code)
		code = installation_lock(tx, &o->keys, err);
	return code ? code : installation_read_pair(tx, &o->pair, err);
}

static enum err_code make_pair(struct opening *o, struct err *err)
{
	cleanup_user_key struct user_key pair = { .private_half = { 0 } };
	enum err_code code = user_key_new(&pair, err);
	if (code)
		return code;
	o->fresh.public_half = pair.public_half;
	return user_key_wrap(&pair, &o->key, o->fresh.user_id, o->fresh.wrapped, err);
}

enum err_code installation_open(struct db *db, struct keyring *keyring, struct server_secret *ret, struct err *err)
{
	struct opening opening = { .keys = { .is_rotating = false } };
	struct db_work work = { .mode = DB_WRITE, .run = open_unit, .arg = &opening };
	cleanup_user_key struct user_key pair = { .private_half = { 0 } };
	keyring_first(keyring, &opening.key);
	enum err_code code = make_pair(&opening, err);
	if (!code)
		code = db_run(db, &work, err);
	if (!code)
		code = keyring_get(keyring, &opening.keys.now, &opening.key, err);
	if (!code && opening.keys.is_rotating)
		code = keyring_get(keyring, &opening.keys.next, &opening.key, err);
	if (!code)
		code = keyring_unwrap(keyring, &opening.pair, &pair, err);
	if (!code)
		memcpy(ret->bytes, pair.private_half, KEY_BYTES);
	master_key_done(&opening.key);
	return code;
}

enum err_code installation_is_new(struct db *db, bool *ret, struct err *err)
{
	cleanup_rows struct db_rows rows = DB_ROWS_INIT;
	struct db_value params[] = { db_text(master_now) };
	enum err_code code = db_run_stmt(db, DB_READ, &get, params, &rows, err);
	if (!code)
		*ret = rows.count == 0;
	return code;
}
