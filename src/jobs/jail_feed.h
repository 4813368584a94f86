/*
 * A stored file as a jail reads it: the ranges that the jail asks for are fetched and decrypted in the pool, one after
 * the other.
 *
 * All calls and callbacks: the loop's thread.
 */
#ifndef TIRO_JOBS_JAIL_FEED_H
#define TIRO_JOBS_JAIL_FEED_H

#include "files/reader.h"
#include "jail/jail.h"

/* Ranges that a jail may have asked for at once, with room. */
enum { JAIL_FEED_READS_MAX = 16 };

struct jail_feed {
	struct jail_source source; /* for the jail, once the file is open */
	/* Its own. */
	struct reader *reader;
	struct jail_read *reads[JAIL_FEED_READS_MAX]; /* that the jail waits for; the reader has the first */
	size_t count;
	void (*on_open)(void *owner, const struct err *why);
	void *owner;
};

/* Where the file is read from, and who is told that it is open (`why` is ERR_OK) or cannot be opened. */
struct jail_feed_spec {
	const struct files *files; /* outlives the feed */
	struct http_pool *pool; /* outlives the feed */
	struct uuid file;
	void (*on_open)(void *owner, const struct err *why);
	void *owner;
};

/* Opens the file in the background. Errors: those of reader_new. */
enum err_code jail_feed_open(struct jail_feed *feed, const struct jail_feed_spec *spec, struct err *err) MUST_CHECK;

/* After the jail was closed. No callback follows; a feed of zeros, or one that is closed, is fine. */
void jail_feed_close(struct jail_feed *feed);

#endif
