/*
 * Applications: what a user's tokens are given to and what usage is charged to. Inside a unit of work; times are the
 * caller's, microseconds UTC. Thread-safe.
 *
 * A user's default application has the user's id: what no other application is named for is charged to it. Its row
 * comes with its first charge (accounts/usage.h).
 *
 * Another user's application is ERR_NOT_FOUND, like one that is not there. One that is switched off or deleted ends
 * its tokens with the commit, on all nodes.
 */
#ifndef TIRO_ACCOUNTS_APPLICATIONS_H
#define TIRO_ACCOUNTS_APPLICATIONS_H

#include "base/uuid.h"
#include "store/db.h"

enum {
	/* Bytes. */
	APPLICATION_NAME_MAX = 255,
	APPLICATION_DESCRIPTION_MAX = 2000,
	/* Of one user; more is a mistake of a script. */
	APPLICATIONS_MAX = 1000,
};

struct application {
	struct uuid id;
	struct uuid owner;
	char name[APPLICATION_NAME_MAX + 1];
	char description[APPLICATION_DESCRIPTION_MAX + 1];
	bool is_active;
	int64_t created_us, updated_us;
};

/* Adds *application, whose owner and texts are set; fills the rest. Errors: ERR_INVALID (no name), ERR_TOO_BIG (the
 * user has APPLICATIONS_MAX). */
enum err_code application_add(struct db_tx *tx, struct application *application, int64_t now_us, struct err *err)
	MUST_CHECK;

enum err_code application_find(struct db_tx *tx, const struct uuid *owner, const struct uuid *id,
			       struct application *ret, struct err *err) MUST_CHECK;

/* Newest first. */
struct application_list {
	struct application *rows; /* owned */
	size_t count;
	int64_t total; /* of all pages */
};
enum err_code application_list(struct db_tx *tx, const struct uuid *owner, size_t limit, size_t offset,
			       struct application_list *ret, struct err *err) MUST_CHECK;
void application_list_done(struct application_list *list);
#define cleanup_application_list cleanup(application_list_done)

/* NULL leaves what is there. */
struct application_change {
	const char *name, *description;
	const bool *is_active;
};
/* *ret is the application as it is then. */
enum err_code application_change(struct db_tx *tx, const struct uuid *owner, const struct uuid *id,
				 const struct application_change *change, int64_t now_us, struct application *ret,
				 struct err *err) MUST_CHECK;

/* Its tokens go with it; jobs and usage stay its owner's. Errors: ERR_CONFLICT (the owner's default one). */
enum err_code application_delete(struct db_tx *tx, const struct uuid *owner, const struct uuid *id, struct err *err)
	MUST_CHECK;

#endif
