#include "blob/blob.h"

#include <assert.h>
#include <string.h>

#include "blob/blob_priv.h"

void blob_store_init(struct blob_store *store, const struct blob_ops *ops)
{
	assert(ops->close && ops->put_begin && ops->put_write && ops->put_commit && ops->put_abort);
	assert(ops->get && ops->size && ops->remove);
	assert(ops->list && ops->list_unfinished && ops->abort_unfinished);
	store->ops = ops;
}

enum err_code blob_not_found(const char *key, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "there is no object \"%s\"", key);
}

enum err_code blob_put_is_gone(const char *key, struct err *err)
{
	return err_set(err, ERR_CANCELLED, "the object \"%s\" was cleaned up while it was being written", key);
}

static bool key_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '/';
}

static bool prefix_valid(const char *prefix)
{
	size_t len = 0;
	for (; prefix[len]; len++) {
		bool doubled = prefix[len] == '/' && (len == 0 || prefix[len - 1] == '/');
		if (len >= BLOB_KEY_MAX || !key_char(prefix[len]) || doubled)
			return false;
	}
	return true;
}

bool blob_key_valid(const char *key)
{
	size_t len = strnlen(key, BLOB_KEY_MAX + 1);
	return len > 0 && key[len - 1] != '/' && prefix_valid(key);
}

/* The key is quoted in part only: a bad one may be of any length and hold anything. */
static enum err_code check_key(const char *key, struct err *err)
{
	if (blob_key_valid(key))
		return ERR_OK;
	return err_set(err, ERR_INVALID, "\"%.40s\" is not the key of an object", key);
}

void blob_close(struct blob_store *store)
{
	if (store)
		store->ops->close(store);
}

enum err_code blob_put_begin(struct blob_store *store, const char *key, struct blob_put **ret, struct err *err)
{
	struct blob_put *put = NULL;
	enum err_code code = check_key(key, err);
	if (!code)
		code = store->ops->put_begin(store, key, &put, err);
	if (code)
		return code;
	*put = (struct blob_put){ .store = store };
	*ret = put;
	return ERR_OK;
}

enum err_code blob_put_write(struct blob_put *put, const void *bytes, size_t len, struct err *err)
{
	assert(!put->failed);
	enum err_code code = ERR_OK;
	if (len > BLOB_SIZE_MAX - put->size_bytes)
		code = err_set(err, ERR_TOO_BIG, "an object may have at most %ju bytes", (uintmax_t)BLOB_SIZE_MAX);
	else if (len > 0)
		code = put->store->ops->put_write(put, bytes, len, err);
	if (code)
		put->failed = true;
	else
		put->size_bytes += len;
	return code;
}

enum err_code blob_put_commit(struct blob_put *put, struct err *err)
{
	assert(!put->failed);
	return put->store->ops->put_commit(put, err);
}

void blob_put_abort(struct blob_put *put)
{
	if (put)
		put->store->ops->put_abort(put);
}

enum err_code blob_get(struct blob_store *store, const char *key, struct blob_range range, void *buffer,
		       size_t *ret_len, struct err *err)
{
	enum err_code code = check_key(key, err);
	if (code)
		return code;
	if (range.len > BLOB_GET_MAX || range.offset > BLOB_SIZE_MAX)
		return err_set(err, ERR_INVALID, "%zu bytes at %ju are no range of an object", range.len,
			       (uintmax_t)range.offset);
	size_t len = 0;
	code = store->ops->get(store, key, range, buffer, &len, err);
	if (code)
		return code;
	assert(len <= range.len);
	*ret_len = len;
	return ERR_OK;
}

enum err_code blob_size(struct blob_store *store, const char *key, uint64_t *ret_bytes, struct err *err)
{
	enum err_code code = check_key(key, err);
	return code ? code : store->ops->size(store, key, ret_bytes, err);
}

enum err_code blob_delete(struct blob_store *store, const char *key, struct err *err)
{
	enum err_code code = check_key(key, err);
	return code ? code : store->ops->remove(store, key, err);
}

enum err_code blob_list(struct blob_store *store, const char *prefix, blob_list_fn *fn, void *owner, struct err *err)
{
	if (!prefix_valid(prefix))
		return err_set(err, ERR_INVALID, "\"%.40s\" begins no key of an object", prefix);
	return store->ops->list(store, prefix, fn, owner, err);
}

enum err_code blob_list_unfinished(struct blob_store *store, int64_t before_us, blob_list_fn *fn, void *owner,
				   struct err *err)
{
	return store->ops->list_unfinished(store, before_us, fn, owner, err);
}

enum err_code blob_abort_unfinished(struct blob_store *store, int64_t before_us, uint64_t *ret_count, struct err *err)
{
	uint64_t count = 0;
	enum err_code code = store->ops->abort_unfinished(store, before_us, &count, err);
	if (!code)
		*ret_count = count;
	return code;
}
