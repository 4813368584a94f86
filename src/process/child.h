/*
 * A helper program of ours (a jail, an engine) run as a child on a libuv loop, with a channel on its
 * descriptor CHILD_CHANNEL_FD. The child gets an environment of its own, /dev/null as standard input and
 * output, and is killed when this process dies.
 *
 * All calls and callbacks happen on the loop's thread.
 */
#ifndef TIRO_PROCESS_CHILD_H
#define TIRO_PROCESS_CHILD_H

#include <uv.h>

#include "base/err.h"
#include "process/channel.h"

/* Where the child finds its end of the channel. */
#define CHILD_CHANNEL_FD 3

struct child;

struct child_events {
	/* A frame arrived. Descriptors that are kept must be taken with steal_fd(); the rest is closed after. */
	void (*on_frame)(void *owner, struct frame *frame);
	/* The child is gone, or broke the protocol and was killed: `why` says which (ERR_CRASHED, ERR_PROTOCOL,
	 * ERR_TIMEOUT for a passed deadline, ERR_OK for an exit that child_close asked for). The last callback. */
	void (*on_exit)(void *owner, const struct err *why);
};

struct child_spec {
	const char *program; /* file name of the program, found beside this executable or in its libexec folder */
	const char *const *args; /* after argv[0], NULL-terminated; may be NULL. Never secrets: `ps` shows them */
	bool keep_stderr; /* else the child's standard error goes to /dev/null */
	const struct child_events *events;
	void *owner;
};

/* Starts the program. *ret is owned by the caller until child_close. Errors: ERR_UNAVAILABLE (the program is
 * not installed; the message names it), ERR_SYSTEM. */
enum err_code child_start(uv_loop_t *loop, const struct child_spec *spec, struct child **ret, struct err *err)
	MUST_CHECK;

/*
 * Sends a frame, or queues it where the socket is full (payload is copied, descriptors are duplicated).
 * A child that is gone is not an error here: on_exit tells.
 */
enum err_code child_send(struct child *child, const struct frame *frame, struct err *err) MUST_CHECK;

/* Kills the child with ERR_TIMEOUT unless this is called again, or called with 0, within `ms`. Time in which this
 * process is stopped itself hardly counts. */
void child_set_deadline(struct child *child, uint64_t ms);

/* Stops reading frames (back-pressure) or goes on; while stopped, on_exit waits too. */
void child_pause(struct child *child, bool paused);

/* Kills the child if it still runs and frees the object once it is reaped; no callback follows. NULL is fine. */
void child_close(struct child *child);

/* The signal that ended it, for on_exit to explain; 0 where it ended by itself or still runs. */
int child_signal(const struct child *child);

/* Process id, for memory figures; 0 once it is gone. */
int child_pid(const struct child *child);

/*
 * Finds a program of ours: TIRO_LIBEXEC_DIR of the environment, the folder of this executable, then the
 * configured libexec folder. `ret` has PATH_MAX bytes. Errors: ERR_UNAVAILABLE.
 */
enum err_code child_find_program(const char *program, char *ret, struct err *err) MUST_CHECK;

/* For the child's main: dies with its parent (prctl(2), PR_SET_PDEATHSIG) and not before it: signals to the whole
 * group, SIGINT and SIGTERM, are the parent's to act on. */
void child_die_with_parent(void);

#endif
