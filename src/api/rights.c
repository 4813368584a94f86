#include "api/rights.h"

#include <stdlib.h>
#include <string.h>

#include "accounts/users.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "files/keys.h"

/* Looked up by one piece of work: a node has ten thousand streams, and others wait for the database too. */
enum { CHECKED_AT_ONCE = 64 };

struct check {
	struct right *right; /* NULL: it has ended meanwhile */
	struct uuid user, file;
	int64_t generation;
	bool holds, is_known;
};

struct rights_watch {
	struct http_work work; /* first */
	const struct files *files;
	struct http_pool *pool;
	struct db_listener *listener;
	struct right *rights;
	struct check checks[CHECKED_AT_ONCE]; /* the thread's while it works, but for `right` */
	size_t count;
	bool is_checking;
	int64_t notice_us; /* monotonic, of the last one; 0: none came */
};

static void check_next(struct rights_watch *watch);

/* In the pool. What the database does not answer is in doubt until the next notice, which comes when it is back. */
static void run(struct http_work *work)
{
	struct rights_watch *watch = (struct rights_watch *)work;
	struct err err;
	for (size_t i = 0; i < watch->count; i++) {
		struct check *check = &watch->checks[i];
		check->holds = check->is_known = true;
		if (file_key_holds(watch->files, &check->user, check->generation, &check->file, &check->holds, &err) !=
		    ERR_OK) {
			check->is_known = false;
			log_line(LOG_WARNING, "it is not known whether a stream may go on: %s", err.message);
		}
	}
}

static void done(struct http_work *work)
{
	struct rights_watch *watch = (struct rights_watch *)work;
	bool is_answered = false;
	watch->is_checking = false;
	for (size_t i = 0; i < watch->count && !work->dropped; i++) {
		struct right *right = watch->checks[i].right;
		is_answered |= watch->checks[i].is_known;
		if (right)
			right->is_in_doubt |= !watch->checks[i].is_known;
		if (!right || watch->checks[i].holds)
			continue;
		right_end(right);
		right->on_lost(right);
	}
	watch->count = 0;
	if (!work->dropped && is_answered)
		check_next(watch);
}

static void check_next(struct rights_watch *watch)
{
	if (watch->is_checking)
		return;
	watch->count = 0;
	for (struct right *right = watch->rights; right && watch->count < CHECKED_AT_ONCE; right = right->next) {
		if (!right->is_in_doubt)
			continue;
		right->is_in_doubt = false;
		watch->checks[watch->count++] = (struct check){
			.right = right, .user = right->user, .file = right->file, .generation = right->generation
		};
	}
	if (watch->count == 0)
		return;
	watch->is_checking = true;
	watch->work.run = run;
	watch->work.done = done;
	http_pool_continue(watch->pool, &watch->work);
}

static void on_notice(void *arg, const char *text)
{
	struct rights_watch *watch = arg;
	struct uuid user;
	bool is_one = text && uuid_parse(text, strlen(text), &user);
	watch->notice_us = clock_monotonic_us();
	for (struct right *right = watch->rights; right; right = right->next)
		right->is_in_doubt |= !is_one || memcmp(&right->user, &user, sizeof user) == 0;
	check_next(watch);
}

enum err_code rights_watch_new(const struct files *files, struct http_pool *pool, struct rights_watch **ret,
			       struct err *err)
{
	struct rights_watch *watch = calloc(1, sizeof *watch);
	if (!watch)
		return err_set(err, ERR_NO_MEMORY, "no memory to watch rights");
	watch->files = files;
	watch->pool = pool;
	if (db_listen(files->db, USERS_CHANNEL, on_notice, watch, &watch->listener, err) != ERR_OK) {
		free(watch);
		return err->code;
	}
	*ret = watch;
	return ERR_OK;
}

void rights_watch_stop(struct rights_watch *watch)
{
	if (watch && watch->listener)
		db_unlisten(steal_ptr(&watch->listener));
}

void rights_watch_free(struct rights_watch *watch)
{
	free(watch);
}

void right_begin(struct rights_watch *watch, struct right *right, const struct access *access, const struct uuid *file)
{
	*right = (struct right){ .next = watch->rights,
				 .link = &watch->rights,
				 .watch = watch,
				 .user = access->user,
				 .generation = access->generation,
				 .file = *file,
				 .on_lost = right->on_lost };
	if (right->next)
		right->next->link = &right->next;
	watch->rights = right;
	/* What was said while the request was on its way from its authentication to here was not said to it. */
	right->is_in_doubt = watch->notice_us > 0 && clock_monotonic_us() - watch->notice_us < ACCESS_AGE_US;
	if (right->is_in_doubt)
		check_next(watch);
}

void right_end(struct right *right)
{
	if (!right->link)
		return;
	*right->link = right->next;
	if (right->next)
		right->next->link = right->link;
	right->link = NULL;
	struct rights_watch *watch = right->watch;
	for (size_t i = 0; i < watch->count; i++) {
		if (watch->checks[i].right == right)
			watch->checks[i].right = NULL;
	}
}
