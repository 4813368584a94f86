#include "blob/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "blob/blob_priv.h"

struct fault_store {
	struct blob_store base;
	struct blob_store *inner;
	struct blob_fault_plan plan;
	atomic_uint writes, commits, gets;
};

struct fault_put {
	struct blob_put base;
	struct blob_put *inner;
};

static struct fault_store *of(struct blob_store *store)
{
	return (struct fault_store *)store;
}

/* Counts a call; its number. */
static unsigned count(atomic_uint *calls)
{
	return atomic_fetch_add(calls, 1) + 1;
}

static void dawdle(const struct fault_store *f)
{
	if (f->plan.slow_us > 0)
		clock_sleep_us(f->plan.slow_us);
}

static enum err_code injected(enum err_code code, struct err *err)
{
	return err_set(err, code, "a fault was injected");
}

static void fault_close(struct blob_store *store)
{
	blob_close(of(store)->inner);
	free(store);
}

static enum err_code fault_put_begin(struct blob_store *store, const char *key, struct blob_put **ret, struct err *err)
{
	struct fault_put *put = calloc(1, sizeof *put);
	if (!put)
		return err_set(err, ERR_NO_MEMORY, "no memory for an object");
	enum err_code code = blob_put_begin(of(store)->inner, key, &put->inner, err);
	if (code) {
		free(put);
		return code;
	}
	*ret = (struct blob_put *)put;
	return ERR_OK;
}

static enum err_code fault_put_write(struct blob_put *base, const void *bytes, size_t len, struct err *err)
{
	struct fault_put *put = (struct fault_put *)base;
	struct fault_store *f = of(base->store);
	dawdle(f);
	if (count(&f->writes) != f->plan.fail_write)
		return blob_put_write(put->inner, bytes, len, err);
	if (f->plan.short_write) {
		enum err_code code = blob_put_write(put->inner, bytes, len / 2, err);
		if (code)
			return code;
	}
	return injected(f->plan.write_code ? f->plan.write_code : ERR_IO, err);
}

static void fault_put_abort(struct blob_put *base)
{
	struct fault_put *put = (struct fault_put *)base;
	blob_put_abort(put->inner);
	free(put);
}

static enum err_code fault_put_commit(struct blob_put *base, struct err *err)
{
	struct fault_put *put = (struct fault_put *)base;
	struct fault_store *f = of(base->store);
	unsigned number = count(&f->commits);
	if (number == f->plan.kill_commit)
		(void)raise(SIGKILL);
	if (number == f->plan.fail_commit) {
		fault_put_abort(base);
		return injected(ERR_IO, err);
	}
	enum err_code code = blob_put_commit(put->inner, err);
	free(put);
	return code;
}

static enum err_code fault_get(struct blob_store *store, const char *key, struct blob_range range, void *buffer,
			       size_t *ret_len, struct err *err)
{
	struct fault_store *f = of(store);
	unsigned number = count(&f->gets);
	dawdle(f);
	if (number == f->plan.fail_get)
		return injected(ERR_IO, err);
	enum err_code code = blob_get(f->inner, key, range, buffer, ret_len, err);
	if (code)
		return code;
	if (number == f->plan.short_get)
		*ret_len /= 2;
	if (number == f->plan.flip_get && *ret_len > 0)
		((unsigned char *)buffer)[*ret_len / 2] ^= 1;
	return ERR_OK;
}

static enum err_code fault_size(struct blob_store *store, const char *key, uint64_t *ret_bytes, struct err *err)
{
	return blob_size(of(store)->inner, key, ret_bytes, err);
}

static enum err_code fault_remove(struct blob_store *store, const char *key, struct err *err)
{
	return blob_delete(of(store)->inner, key, err);
}

static enum err_code fault_list(struct blob_store *store, const char *prefix, blob_list_fn *fn, void *owner,
				struct err *err)
{
	return blob_list(of(store)->inner, prefix, fn, owner, err);
}

static enum err_code fault_list_unfinished(struct blob_store *store, int64_t before_us, blob_list_fn *fn, void *owner,
					   struct err *err)
{
	return blob_list_unfinished(of(store)->inner, before_us, fn, owner, err);
}

static enum err_code fault_abort_unfinished(struct blob_store *store, int64_t before_us, uint64_t *ret_count,
					    struct err *err)
{
	return blob_abort_unfinished(of(store)->inner, before_us, ret_count, err);
}

static const struct blob_ops fault_ops = {
	.close = fault_close,
	.put_begin = fault_put_begin,
	.put_write = fault_put_write,
	.put_commit = fault_put_commit,
	.put_abort = fault_put_abort,
	.get = fault_get,
	.size = fault_size,
	.remove = fault_remove,
	.list = fault_list,
	.list_unfinished = fault_list_unfinished,
	.abort_unfinished = fault_abort_unfinished,
};

enum err_code blob_fault_open(struct blob_store *inner, const struct blob_fault_plan *plan, struct blob_store **ret,
			      struct err *err)
{
	struct fault_store *f = calloc(1, sizeof *f);
	if (!f)
		return err_set(err, ERR_NO_MEMORY, "no memory for a store");
	blob_store_init(&f->base, &fault_ops);
	f->inner = inner;
	f->plan = *plan;
	*ret = (struct blob_store *)f;
	return ERR_OK;
}
