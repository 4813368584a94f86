/*
 * What happens to a file and its job, as a stream that a client can leave and come back to: rows of the database with
 * ascending ids, kept as long as the file, and a hub on each node that hands them to whoever follows a file.
 *
 * An event is added in the unit of work that makes it true, after that unit has changed the file's or the job's row:
 * the row's lock keeps ids in the order of commits, so that who has seen an id has seen all before it.
 */
#ifndef TIRO_JOBS_EVENTS_H
#define TIRO_JOBS_EVENTS_H

#include "base/uuid.h"
#include "store/db.h"

enum {
	EVENT_NAME_MAX = 31,
	EVENT_DATA_MAX = 4096, /* JSON */
	EVENTS_PER_READ = 200
};

/* Adds an event and tells the nodes when the unit commits. `name` and `data` are ours, JSON text. */
enum err_code event_add(struct db_tx *tx, const struct uuid *file, const char *name, const char *data, struct err *err)
	MUST_CHECK;

/* Tells followers that the file, and its events with it, is being deleted. */
enum err_code event_tell_gone(struct db_tx *tx, const struct uuid *file, struct err *err) MUST_CHECK;

/* Adds "uploaded": all `bytes` are stored. Only in the unit that stores the file. */
enum err_code event_add_uploaded(struct db_tx *tx, const struct uuid *file, uint64_t bytes, struct err *err) MUST_CHECK;
/*
 * Adds "upload_progress" in a unit of its own, which may be lost with the machine's power: `bytes` of `total_bytes` (0:
 * not known) are written. Only for who writes the file, while it is not stored yet: so nobody else adds events to it.
 * Blocks. Errors: ERR_REFERENCE (the file is gone).
 */
enum err_code event_tell_upload(struct db *db, const struct uuid *file, uint64_t bytes, uint64_t total_bytes,
				struct err *err) MUST_CHECK;

/* -- following --------------------------------------------------------------------------------------------- */

struct event_hub;
struct follower;

struct event {
	int64_t id;
	const char *name; /* borrowed for the call, like data; NULL: the file was deleted, nothing follows */
	const char *data;
};

/* One hub per node. Errors: ERR_NO_MEMORY. Loop's thread, like all below. */
enum err_code event_hub_new(struct db *db, struct event_hub **ret, struct err *err) MUST_CHECK;
/* Followers must be gone. The loop must turn until the database has answered. NULL is fine. */
void event_hub_close(struct event_hub *hub);

/*
 * Follows a file from behind `after_id` (0: from its first event). `on_event` is called for each, in order, never from
 * within this call; it may call event_unfollow. Who may follow is the caller's to check. Errors: ERR_NO_MEMORY.
 */
enum err_code event_follow(struct event_hub *hub, const struct uuid *file, int64_t after_id,
			   void (*on_event)(void *owner, const struct event *event), void *owner, struct follower **ret,
			   struct err *err) MUST_CHECK;
/* `on_caught_up` is called whenever the follower was told all that is there, for the first time after it has begun. */
void event_when_caught_up(struct follower *follower, void (*on_caught_up)(void *owner));
/* NULL is fine. */
void event_unfollow(struct follower *follower);

#endif
