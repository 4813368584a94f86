#include "blob/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "blob/blob_priv.h"

enum { FIRST_ROOM = 4096 };

/* An object, or a put on its way to one. Objects stand in the order of their keys, puts in no order. */
struct entry {
	struct entry *next;
	char key[BLOB_KEY_MAX + 1];
	unsigned char *bytes;
	size_t len, room;
	int64_t time_us;
	bool aborted; /* a put that was cleaned up under its writer, who still owns the entry */
};

struct memory_store {
	struct blob_store base;
	pthread_mutex_t lock; /* guards all below */
	uint64_t max_bytes, held_bytes;
	struct entry *objects;
	struct entry *puts;
};

struct memory_put {
	struct blob_put base;
	struct entry *entry; /* in the store's list of puts */
};

static struct memory_store *of(struct blob_store *store)
{
	return (struct memory_store *)store;
}

static void entry_free(struct memory_store *m, struct entry *entry)
{
	if (!entry)
		return;
	m->held_bytes -= entry->len;
	free(entry->bytes);
	free(entry);
}

/* The link that points at the entry with that key, or at the one before which it belongs. */
static struct entry **find(struct memory_store *m, const char *key)
{
	struct entry **link = &m->objects;
	while (*link && strcmp((*link)->key, key) < 0)
		link = &(*link)->next;
	return link;
}

static struct entry *lookup(struct memory_store *m, const char *key)
{
	struct entry *entry = *find(m, key);
	return entry && strcmp(entry->key, key) == 0 ? entry : NULL;
}

static void unlink_put(struct memory_store *m, const struct entry *entry)
{
	struct entry **link = &m->puts;
	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
}

static void memory_close(struct blob_store *store)
{
	struct memory_store *m = of(store);
	while (m->objects) {
		struct entry *entry = m->objects;
		m->objects = entry->next;
		entry_free(m, entry);
	}
	(void)pthread_mutex_destroy(&m->lock);
	free(m);
}

static enum err_code memory_put_begin(struct blob_store *store, const char *key, struct blob_put **ret, struct err *err)
{
	struct memory_store *m = of(store);
	cleanup_free struct memory_put *put = calloc(1, sizeof *put);
	cleanup_free struct entry *entry = calloc(1, sizeof *entry);
	if (!put || !entry)
		return err_set(err, ERR_NO_MEMORY, "no memory for an object");
	memcpy(entry->key, key, strlen(key) + 1);
	entry->time_us = clock_wall_us();
	put->entry = entry;
	(void)pthread_mutex_lock(&m->lock);
	entry->next = m->puts;
	m->puts = steal_ptr(&entry);
	(void)pthread_mutex_unlock(&m->lock);
	*ret = (struct blob_put *)steal_ptr(&put);
	return ERR_OK;
}

static enum err_code append(struct memory_store *m, struct entry *entry, const void *bytes, size_t len, struct err *err)
{
	if (len > m->max_bytes - m->held_bytes)
		return err_set(err, ERR_NO_SPACE, "the store in memory is full");
	if (len > entry->room - entry->len) {
		size_t room = entry->len + len < FIRST_ROOM ? FIRST_ROOM : 2 * (entry->len + len);
		unsigned char *grown = realloc(entry->bytes, room);
		if (!grown)
			return err_set(err, ERR_NO_MEMORY, "no memory for an object");
		entry->bytes = grown;
		entry->room = room;
	}
	memcpy(entry->bytes + entry->len, bytes, len);
	entry->len += len;
	entry->time_us = clock_wall_us();
	m->held_bytes += len;
	return ERR_OK;
}

static enum err_code memory_put_write(struct blob_put *base, const void *bytes, size_t len, struct err *err)
{
	struct memory_put *put = (struct memory_put *)base;
	struct memory_store *m = of(base->store);
	(void)pthread_mutex_lock(&m->lock);
	enum err_code code =
		put->entry->aborted ? blob_put_is_gone(put->entry->key, err) : append(m, put->entry, bytes, len, err);
	(void)pthread_mutex_unlock(&m->lock);
	return code;
}

static void publish(struct memory_store *m, struct entry *entry)
{
	struct entry **link = find(m, entry->key);
	struct entry *old = *link;
	bool replaces = old && strcmp(old->key, entry->key) == 0;
	entry->time_us = clock_wall_us();
	entry->next = replaces ? old->next : old;
	*link = entry;
	entry_free(m, replaces ? old : NULL);
}

static enum err_code memory_put_commit(struct blob_put *base, struct err *err)
{
	struct memory_put *put = (struct memory_put *)base;
	struct memory_store *m = of(base->store);
	enum err_code code = ERR_OK;
	(void)pthread_mutex_lock(&m->lock);
	unlink_put(m, put->entry);
	if (put->entry->aborted) {
		code = blob_put_is_gone(put->entry->key, err);
		entry_free(m, put->entry);
	} else {
		publish(m, put->entry);
	}
	(void)pthread_mutex_unlock(&m->lock);
	free(put);
	return code;
}

static void memory_put_abort(struct blob_put *base)
{
	struct memory_put *put = (struct memory_put *)base;
	struct memory_store *m = of(base->store);
	(void)pthread_mutex_lock(&m->lock);
	unlink_put(m, put->entry);
	entry_free(m, put->entry);
	(void)pthread_mutex_unlock(&m->lock);
	free(put);
}

static enum err_code memory_get(struct blob_store *store, const char *key, struct blob_range range, void *buffer,
				size_t *ret_len, struct err *err)
{
	struct memory_store *m = of(store);
	(void)pthread_mutex_lock(&m->lock);
	const struct entry *entry = lookup(m, key);
	if (entry) {
		size_t start = range.offset < entry->len ? (size_t)range.offset : entry->len;
		*ret_len = entry->len - start < range.len ? entry->len - start : range.len;
		if (*ret_len > 0)
			memcpy(buffer, entry->bytes + start, *ret_len);
	}
	(void)pthread_mutex_unlock(&m->lock);
	return entry ? ERR_OK : blob_not_found(key, err);
}

static enum err_code memory_size(struct blob_store *store, const char *key, uint64_t *ret_bytes, struct err *err)
{
	struct memory_store *m = of(store);
	(void)pthread_mutex_lock(&m->lock);
	const struct entry *entry = lookup(m, key);
	if (entry)
		*ret_bytes = entry->len;
	(void)pthread_mutex_unlock(&m->lock);
	return entry ? ERR_OK : blob_not_found(key, err);
}

static enum err_code memory_remove(struct blob_store *store, const char *key, struct err *err)
{
	(void)err;
	struct memory_store *m = of(store);
	(void)pthread_mutex_lock(&m->lock);
	struct entry **link = find(m, key);
	struct entry *entry = *link;
	if (entry && strcmp(entry->key, key) == 0) {
		*link = entry->next;
		entry_free(m, entry);
	}
	(void)pthread_mutex_unlock(&m->lock);
	return ERR_OK;
}

/* Copies what is known of the first object whose key comes after `key`, which it replaces; false at the end. */
static bool next_object(struct memory_store *m, char key[BLOB_KEY_MAX + 1], struct blob_info *info)
{
	(void)pthread_mutex_lock(&m->lock);
	const struct entry *entry = *find(m, key);
	if (entry && strcmp(entry->key, key) == 0)
		entry = entry->next;
	if (entry) {
		memcpy(key, entry->key, BLOB_KEY_MAX + 1);
		*info = (struct blob_info){ .key = key, .size_bytes = entry->len, .time_us = entry->time_us };
	}
	(void)pthread_mutex_unlock(&m->lock);
	return entry != NULL;
}

/* The lock is not held while the caller is told, who may use the store. */
static enum err_code memory_list(struct blob_store *store, const char *prefix, blob_list_fn *fn, void *owner,
				 struct err *err)
{
	(void)err;
	char key[BLOB_KEY_MAX + 1] = "";
	struct blob_info info;
	bool more = true;
	while (more && next_object(of(store), key, &info))
		more = strncmp(key, prefix, strlen(prefix)) != 0 || fn(owner, &info);
	return ERR_OK;
}

static enum err_code memory_list_unfinished(struct blob_store *store, int64_t before_us, blob_list_fn *fn, void *owner,
					    struct err *err)
{
	(void)err;
	struct memory_store *m = of(store);
	bool more = true;
	(void)pthread_mutex_lock(&m->lock);
	for (const struct entry *put = m->puts; put && more; put = put->next) {
		struct blob_info info = { .key = put->key, .size_bytes = put->len, .time_us = put->time_us };
		if (!put->aborted && put->time_us < before_us)
			more = fn(owner, &info);
	}
	(void)pthread_mutex_unlock(&m->lock);
	return ERR_OK;
}

static enum err_code memory_abort_unfinished(struct blob_store *store, int64_t before_us, uint64_t *ret_count,
					     struct err *err)
{
	(void)err;
	struct memory_store *m = of(store);
	(void)pthread_mutex_lock(&m->lock);
	for (struct entry *put = m->puts; put; put = put->next) {
		if (put->aborted || put->time_us >= before_us)
			continue;
		m->held_bytes -= put->len;
		free(steal_ptr(&put->bytes));
		put->len = put->room = 0;
		put->aborted = true;
		(*ret_count)++;
	}
	(void)pthread_mutex_unlock(&m->lock);
	return ERR_OK;
}

static const struct blob_ops memory_ops = {
	.close = memory_close,
	.put_begin = memory_put_begin,
	.put_write = memory_put_write,
	.put_commit = memory_put_commit,
	.put_abort = memory_put_abort,
	.get = memory_get,
	.size = memory_size,
	.remove = memory_remove,
	.list = memory_list,
	.list_unfinished = memory_list_unfinished,
	.abort_unfinished = memory_abort_unfinished,
};

enum err_code blob_memory_open(uint64_t max_bytes, struct blob_store **ret, struct err *err)
{
	struct memory_store *m = calloc(1, sizeof *m);
	if (!m)
		return err_set(err, ERR_NO_MEMORY, "no memory for a store");
	blob_store_init(&m->base, &memory_ops);
	(void)pthread_mutex_init(&m->lock, NULL);
	m->max_bytes = max_bytes;
	*ret = (struct blob_store *)m;
	return ERR_OK;
}
