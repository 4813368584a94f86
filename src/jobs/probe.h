/*
 * How long a stored recording is, before anybody works on it: a jail looks into the file, by its header where that
 * tells, else by a scan of its packets, and decodes nothing.
 *
 * Jails are few at once and the others wait their turn. All calls and callbacks: the loop's thread.
 */
#ifndef TIRO_JOBS_PROBE_H
#define TIRO_JOBS_PROBE_H

#include "jobs/jail_feed.h"

struct prober;

struct prober_spec {
	uv_loop_t *loop;
	const struct files *files; /* outlives the prober */
	struct http_pool *pool; /* outlives the prober */
	int at_once; /* jails; 0: PROBES_AT_ONCE */
};
enum { PROBES_AT_ONCE = 4 };

/* Errors: ERR_NO_MEMORY. */
enum err_code prober_new(const struct prober_spec *spec, struct prober **ret, struct err *err) MUST_CHECK;

/* What is under way or waits is told ERR_CANCELLED, then it is freed. NULL is fine. */
void prober_close(struct prober *prober);

/* One question; embedded in the object of whoever asks, which lives until `done`. */
struct probe {
	struct uuid file; /* sealed, stored or not */
	/* The answer, once, never from within probe_start: ERR_OK and the length; ERR_BAD_MEDIA and the like where the
	 * file is no recording; else what kept it from being read. */
	void (*done)(struct probe *probe);
	struct err why;
	int64_t length_us;
	/* The prober's own. */
	struct prober *prober;
	struct probe *next;
	struct jail_feed feed;
	struct jail *jail;
};
void probe_start(struct prober *prober, struct probe *probe);

#endif
