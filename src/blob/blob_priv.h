/*
 * What a back end of blob/blob.h implements. All members are mandatory. Arguments are valid: keys are well formed,
 * ranges within the limits, and no write follows a failed one.
 */
#ifndef TIRO_BLOB_BLOB_PRIV_H
#define TIRO_BLOB_BLOB_PRIV_H

#include "blob/blob.h"

struct blob_ops {
	void (*close)(struct blob_store *store);
	/* Begins a put of a type of its own, whose first member is a zeroed `struct blob_put`. */
	enum err_code (*put_begin)(struct blob_store *store, const char *key, struct blob_put **ret, struct err *err);
	enum err_code (*put_write)(struct blob_put *put, const void *bytes, size_t len, struct err *err);
	/* Frees the put in any case, and on failure removes what it wrote. */
	enum err_code (*put_commit)(struct blob_put *put, struct err *err);
	/* Removes what was written and frees the put. */
	void (*put_abort)(struct blob_put *put);
	enum err_code (*get)(struct blob_store *store, const char *key, struct blob_range range, void *buffer,
			     size_t *ret_len, struct err *err);
	enum err_code (*size)(struct blob_store *store, const char *key, uint64_t *ret_bytes, struct err *err);
	enum err_code (*remove)(struct blob_store *store, const char *key, struct err *err);
	enum err_code (*list)(struct blob_store *store, const char *prefix, blob_list_fn *fn, void *owner,
			      struct err *err);
	enum err_code (*list_unfinished)(struct blob_store *store, int64_t before_us, blob_list_fn *fn, void *owner,
					 struct err *err);
	enum err_code (*abort_unfinished)(struct blob_store *store, int64_t before_us, uint64_t *ret_count,
					  struct err *err);
};

/* Sets the table of a new store; every member must be there. */
void blob_store_init(struct blob_store *store, const struct blob_ops *ops);

/* The error of a key that is not there; the same words in every back end. */
enum err_code blob_not_found(const char *key, struct err *err);
/* The error of a put that blob_abort_unfinished has aborted under its writer. */
enum err_code blob_put_is_gone(const char *key, struct err *err);

#endif
