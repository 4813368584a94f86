/*
 * Answers that go on for long (event streams), and the rights that they were begun with: when a user is switched off,
 * has all their tokens ended, or loses a share, the stream ends, on every node.
 *
 * A notice of the database says whose rights may have changed (accounts/users.h); then each stream of that user is
 * looked up again, some at a time. Loop's thread.
 */
#ifndef TIRO_API_RIGHTS_H
#define TIRO_API_RIGHTS_H

#include "accounts/access.h"
#include "files/files.h"
#include "http/work.h"

struct rights_watch;

/* All borrowed for the watch's life. Errors: ERR_NO_MEMORY, those of db_listen. */
enum err_code rights_watch_new(const struct files *files, struct http_pool *pool, struct rights_watch **ret,
			       struct err *err) MUST_CHECK;
/* Before db_close. NULL is fine. */
void rights_watch_stop(struct rights_watch *watch);
/* After the pool is gone, when nobody is watched any more. NULL is fine. */
void rights_watch_free(struct rights_watch *watch);

/* What goes on; embedded in its object. */
struct right {
	struct right *next, **link; /* the watch's; link NULL: not watched */
	struct rights_watch *watch;
	struct uuid user;
	int64_t generation; /* of the user's tokens when it began */
	struct uuid file;
	bool is_in_doubt;
	void (*on_lost)(struct right *right); /* once; it is not watched any more */
};

/* Watches until the right is lost or given up. */
void right_begin(struct rights_watch *watch, struct right *right, const struct access *access, const struct uuid *file);
/* Harmless where it is not watched. */
void right_end(struct right *right);

#endif
