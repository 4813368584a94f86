#include "accounts/rotation.h"

#include <inttypes.h>

#include "accounts/users_priv.h"

enum { GROUP = 200 };

static const struct db_stmt read_group = {
	.sql = "SELECT id, public_key, wrapped_private_key FROM users WHERE id > $1 ORDER BY id LIMIT $2",
	.params = "bi"
};
/* A row that another run has rewrapped meanwhile is left as it is: it is under the same key. */
static const struct db_stmt write_row = { .sql = "UPDATE users SET wrapped_private_key = $2 WHERE id = $1",
					  .params = "bb" };

struct rotation {
	struct db *db;
	struct keyring *keyring;
	struct master_key from, to;
	struct installation_keys keys;
	bool is_over; /* it was, before we began */
	struct db_tx *tx; /* of the group under way */
	struct uuid last;
	struct db_rows rows;
	size_t next_row;
	uint64_t count;
};

static enum err_code run_unit(struct rotation *r, enum err_code (*run)(struct db_tx *tx, void *arg, struct err *err),
			      struct err *err)
{
	struct db_work work = { .mode = DB_WRITE, .run = run, .arg = r };
	return db_run(r->db, &work, err);
}

static enum err_code record_of(const struct master_key *key, struct master_key_record *ret, struct err *err)
{
	*ret = (struct master_key_record){ .version = key->version };
	memcpy(ret->id, key->id, sizeof ret->id);
	return master_key_check_value(key, ret->check, err);
}

static bool is_same(const struct master_key_record *a, const struct master_key_record *b)
{
	return a->version == b->version && strcmp(a->id, b->id) == 0 &&
	       memcmp(a->check, b->check, sizeof a->check) == 0;
}

/* -- begin and end ---------------------------------------------------------------------------------- */

static enum err_code begin_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct rotation *r = arg;
	struct master_key_record next;
	enum err_code code = installation_lock(tx, &r->keys, err);
	if (!code)
		code = record_of(&r->to, &next, err);
	if (code)
		return code;
	r->is_over = is_same(&next, &r->keys.now);
	if (r->is_over)
		return ERR_OK;
	if (r->keys.is_rotating && !is_same(&next, &r->keys.next))
		return err_set(err, ERR_DENIED,
			       "a rotation to \"%s\" version %" PRIu32 " is under way; it must end first",
			       r->keys.next.id, r->keys.next.version);
	if (next.version <= r->keys.now.version)
		return err_set(err, ERR_INVALID,
			       "the next master key has version %" PRIu32 "; it must be above %" PRIu32, next.version,
			       r->keys.now.version);
	r->keys.is_rotating = true;
	r->keys.next = next;
	return installation_write(tx, &r->keys, err);
}

static enum err_code end_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct rotation *r = arg;
	struct installation_keys keys = { .now = r->keys.next };
	return installation_write(tx, &keys, err);
}

/* -- rows ------------------------------------------------------------------------------------------ */

static void read_row(const struct db_rows *rows, size_t row, struct user_key_row *ret)
{
	size_t size;
	struct uuid id = db_get_id(rows, row, 0);
	*ret = (struct user_key_row){ .wrapped = { 0 } };
	memcpy(ret->user_id, id.bytes, sizeof ret->user_id);
	const void *key = db_get_bytes(rows, row, 1, &size);
	if (size == sizeof ret->public_half.bytes)
		memcpy(ret->public_half.bytes, key, size);
	key = db_get_bytes(rows, row, 2, &size);
	/* A wrapped key of another size is a damaged one: zeros are refused as such. */
	if (size == sizeof ret->wrapped)
		memcpy(ret->wrapped, key, size);
}

static enum err_code next_user(void *owner, struct user_key_row *ret, bool *ret_end, struct err *err)
{
	struct rotation *r = owner;
	(void)err;
	*ret_end = r->next_row == r->rows.count;
	if (!*ret_end)
		read_row(&r->rows, r->next_row++, ret);
	return ERR_OK;
}

static enum err_code store_user(void *owner, const struct user_key_row *row, struct err *err)
{
	struct rotation *r = owner;
	struct db_value params[] = { db_bytes(row->user_id, sizeof row->user_id),
				     db_bytes(row->wrapped, sizeof row->wrapped) };
	return db_post(r->tx, &write_row, params, err);
}

static enum err_code rewrap_group(struct rotation *r, struct err *err)
{
	struct keys_rotation steps = { .owner = r, .next = next_user, .store = store_user };
	uint64_t count = 0;
	enum err_code code = keys_rotate(&r->from, &r->to, &steps, &count, err);
	r->count = count;
	return code;
}

static enum err_code group_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct rotation *r = arg;
	struct db_value params[] = { db_id(&r->last), db_int(GROUP) };
	r->tx = tx;
	r->next_row = 0;
	enum err_code code = db_query(tx, &read_group, params, &r->rows, err);
	return code ? code : rewrap_group(r, err);
}

static enum err_code rewrap_users(struct rotation *r, uint64_t *total, struct err *err)
{
	do {
		enum err_code code = run_unit(r, group_unit, err);
		if (code)
			return code;
		*total += r->count;
		if (r->rows.count > 0)
			r->last = db_get_id(&r->rows, r->rows.count - 1, 0);
	} while (r->rows.count > 0);
	return ERR_OK;
}

/* -- the server's own pair --------------------------------------------------------------------------- */

static enum err_code next_pair(void *owner, struct user_key_row *ret, bool *ret_end, struct err *err)
{
	struct rotation *r = owner;
	*ret_end = r->next_row > 0;
	r->next_row = 1;
	return *ret_end ? ERR_OK : installation_read_pair(r->tx, ret, err);
}

static enum err_code store_pair(void *owner, const struct user_key_row *row, struct err *err)
{
	struct rotation *r = owner;
	return installation_write_pair(r->tx, row, err);
}

static enum err_code pair_unit(struct db_tx *tx, void *arg, struct err *err)
{
	struct rotation *r = arg;
	struct keys_rotation steps = { .owner = r, .next = next_pair, .store = store_pair };
	uint64_t count = 0;
	r->tx = tx;
	r->next_row = 0;
	enum err_code code = keys_rotate(&r->from, &r->to, &steps, &count, err);
	r->count = count;
	return code;
}

/* -- all of it -------------------------------------------------------------------------------------- */

static enum err_code rotate(struct rotation *r, uint64_t *total, struct err *err)
{
	enum err_code code = keyring_next(r->keyring, &r->to, err);
	if (!code)
		code = run_unit(r, begin_unit, err);
	if (code || r->is_over)
		return code;
	code = keyring_get(r->keyring, &r->keys.now, &r->from, err);
	if (!code)
		code = rewrap_users(r, total, err);
	if (!code)
		code = run_unit(r, pair_unit, err);
	if (code)
		return code;
	*total += r->count;
	return run_unit(r, end_unit, err);
}

enum err_code rotation_run(struct db *db, struct keyring *keyring, uint64_t *ret_count, struct err *err)
{
	struct rotation rotation = { .db = db, .keyring = keyring, .rows = DB_ROWS_INIT };
	uint64_t total = 0;
	enum err_code code = rotate(&rotation, &total, err);
	master_key_done(&rotation.from);
	master_key_done(&rotation.to);
	db_rows_done(&rotation.rows);
	if (!code)
		*ret_count = total;
	return code;
}
