/* What the client's files share: client.c the child and the file, client_audio.c and client_pages.c the kinds. */
#ifndef TIRO_JAIL_CLIENT_PRIV_H
#define TIRO_JAIL_CLIENT_PRIV_H

#include "base/io.h"
#include "jail/jail.h"
#include "jail/proto.h"
#include "process/child.h"

struct jail_kind_ops {
	const char *program;
	/* A frame that is not about the file. An error ends the jail with it as the reason. */
	enum err_code (*take)(struct jail *jail, struct frame *frame, struct err *err);
	/* True while the jail has something to do for us. */
	bool (*is_busy)(const struct jail *jail);
};

/* A range that the source was asked for. It belongs to the jail until it is answered or the jail is closed, then to
 * whoever answers. */
struct pending_read {
	struct jail_read read; /* first: callers hold a pointer to it */
	struct jail *jail; /* NULL once the jail is closed */
	uint32_t tag;
	struct pending_read *next;
};

/* Pages that wait to be asked for, and those that were, in the order of asking. */
struct page_queue {
	uint32_t *pages; /* owned; a ring of LIMIT_PAGES */
	uint32_t first, count;
	uint32_t sent; /* of them, from the first: those that the jail has */
};

struct jail {
	struct child *child; /* NULL once it is given up */
	struct jail_source source;
	const struct jail_kind_ops *ops;
	const struct jail_events *events;
	void *owner;
	struct pending_read *reads;
	int read_count;
	bool ended; /* on_end was called: nothing counts any more */
	bool closed; /* by the owner */
	int depth; /* of our functions on the stack: a callback may close the jail under them */

	/* audio */
	bool has_info;
	uint32_t next_part;
	uint32_t parts_ahead; /* the most that may be out */
	bool is_probe; /* audio: no parts are wanted */
	uint32_t parts_out; /* sent by the jail and not yet taken */
	int64_t decoded_us;

	/* pages */
	uint32_t page_count; /* 0 until the document is known */
	struct page_queue queue;
	bool composing;
};

/* A jail before its start: `kind`'s program, callbacks and source. NULL without memory. */
struct jail *jail_new(const struct jail_kind_ops *ops, const struct jail_source *source,
		      const struct jail_events *events, void *owner);

/* Starts the program and sends JAIL_OPEN, with `fd` if it is not negative. The jail is freed on failure. */
enum err_code jail_start(struct jail *jail, uv_loop_t *loop, const struct jail_open *open, int fd, struct err *err)
	MUST_CHECK;

/* Sends a message with fields (NULL: none; emptied) and perhaps a descriptor. */
enum err_code jail_send(struct jail *jail, enum jail_message type, struct strbuf *fields, int fd, struct err *err)
	MUST_CHECK;

/* Ends the jail with a reason (ERR_OK: the end of a recording): on_end is called once. */
void jail_end(struct jail *jail, const struct err *why);

/* Functions that may run a callback begin with jail_enter and end with jail_leave: the first sets nothing, the
 * second frees a jail that was closed in between, or else sets the deadline by what the jail owes us now. */
void jail_enter(struct jail *jail);
void jail_leave(struct jail *jail);

/* The frame brings one descriptor, a sealed memfd of exactly `size` bytes. Errors: ERR_PROTOCOL, ERR_TOO_BIG. */
enum err_code jail_check_bulk(const struct frame *frame, uint64_t size, struct err *err) MUST_CHECK;

#endif
