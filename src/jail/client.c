#include "jail/client_priv.h"

#include <signal.h>
#include <stdlib.h>

#include "base/cleanup.h"

struct jail *jail_new(const struct jail_kind_ops *ops, const struct jail_source *source,
		      const struct jail_events *events, void *owner)
{
	struct jail *jail = calloc(1, sizeof *jail);
	if (jail) {
		jail->ops = ops;
		jail->source = *source;
		jail->events = events;
		jail->owner = owner;
	}
	return jail;
}

static void free_jail(struct jail *jail)
{
	free(jail->queue.pages);
	free(jail);
}

void jail_enter(struct jail *jail)
{
	jail->depth++;
}

void jail_leave(struct jail *jail)
{
	if (--jail->depth > 0)
		return;
	if (jail->closed) {
		free_jail(jail);
		return;
	}
	if (!jail->child)
		return;
	/* A jail that waits for us (for a range, for room for a part, for a request) may take forever. */
	bool owes = jail->read_count == 0 && jail->ops->is_busy(jail);
	child_set_deadline(jail->child, owes ? LIMIT_JAIL_SILENCE_MS : 0);
}

void jail_end(struct jail *jail, const struct err *why)
{
	if (jail->ended)
		return;
	jail->ended = true;
	child_close(steal_ptr(&jail->child));
	jail->events->on_end(jail->owner, jail->decoded_us, why);
}

/* -- the file -------------------------------------------------------------------------------------- */

static enum err_code take_read(struct jail *jail, const struct frame *frame, struct err *err)
{
	struct jail_range range;
	if (jail_unpack_range(frame, jail->source.size, &range, err) != ERR_OK)
		return err->code;
	if (jail->read_count >= JAIL_READS_AHEAD)
		return err_set(err, ERR_PROTOCOL, "more than %d reads are in flight", JAIL_READS_AHEAD);
	struct pending_read *pending = calloc(1, sizeof *pending);
	if (!pending)
		return err_set(err, ERR_NO_MEMORY, "no memory for a read");
	*pending = (struct pending_read){
		.read = { .offset = range.offset, .len = range.len },
		.jail = jail,
		.tag = frame->tag,
		.next = jail->reads,
	};
	jail->reads = pending;
	jail->read_count++;
	jail->source.read(jail->source.ctx, &pending->read);
	return ERR_OK;
}

static void unlink_read(struct jail *jail, const struct pending_read *pending)
{
	struct pending_read **at = &jail->reads;
	while (*at != pending)
		at = &(*at)->next;
	*at = pending->next;
	jail->read_count--;
}

static enum err_code answer(struct jail *jail, const struct pending_read *pending, const void *bytes, size_t len,
			    const struct err *failed, struct err *err)
{
	if (len > pending->read.len)
		return err_set(err, ERR_INTERNAL, "a range is longer than was asked for");
	cleanup_strbuf struct strbuf fields = STRBUF_INIT(2 * ERR_MESSAGE_MAX);
	struct frame frame = { .type = JAIL_RANGE, .tag = pending->tag, .payload = bytes, .len = len };
	if (failed && failed->code != ERR_OK) {
		jail_pack_error(&fields, failed);
		if (strbuf_check(&fields, "an error", err) != ERR_OK)
			return err->code;
		frame.type = JAIL_RANGE_FAILED;
		frame.payload = fields.data;
		frame.len = fields.len;
	}
	return child_send(jail->child, &frame, err);
}

void jail_read_done(struct jail_read *read, const void *bytes, size_t len, const struct err *err)
{
	struct pending_read *pending = (struct pending_read *)read;
	struct jail *jail = pending->jail;
	if (jail) {
		struct err failed;
		jail_enter(jail);
		unlink_read(jail, pending);
		if (jail->child && answer(jail, pending, bytes, len, err, &failed) != ERR_OK)
			jail_end(jail, &failed);
		jail_leave(jail);
	}
	free(pending);
}

/* -- the child ------------------------------------------------------------------------------------- */

static enum err_code take_frame(struct jail *jail, struct frame *frame, struct err *err)
{
	struct err why;
	if (frame->type == JAIL_READ)
		return take_read(jail, frame, err);
	if (frame->type != JAIL_FAILED)
		return jail->ops->take(jail, frame, err);
	if (jail_unpack_error(frame, &why, err) != ERR_OK)
		return err->code;
	jail_end(jail, &why);
	return ERR_OK;
}

static void on_frame(void *owner, struct frame *frame)
{
	struct jail *jail = owner;
	struct err err;
	jail_enter(jail);
	if (take_frame(jail, frame, &err) != ERR_OK && !jail->ended && !jail->closed) {
		if (err.code == ERR_PROTOCOL)
			(void)err_prefix(&err, "the decoder answered nonsense");
		jail_end(jail, &err);
	}
	jail_leave(jail);
}

/* Why the child is gone, in words for whoever gave us the file. */
static void explain(const struct jail *jail, const struct err *why, struct err *ret)
{
	int sig = child_signal(jail->child);
	*ret = *why;
	if (why->code == ERR_TIMEOUT)
		(void)err_set(ret, ERR_TIMEOUT, "the decoder made no progress on this file for %d seconds",
			      LIMIT_JAIL_SILENCE_MS / 1000);
	else if (why->code == ERR_PROTOCOL)
		(void)err_prefix(ret, "the decoder answered nonsense");
	else if (sig == SIGSYS)
		(void)err_set(ret, ERR_BAD_MEDIA,
			      "this file made the decoder do what it may not, so it was stopped (signal %d)", sig);
	else if (sig == SIGXCPU)
		(void)err_set(ret, ERR_TOO_BIG, "reading this file takes too much processor time (signal %d)", sig);
	else if (sig == SIGXFSZ)
		(void)err_set(ret, ERR_NO_SPACE,
			      "the system's limit on the size of files (ulimit -f) is too low to decode this file");
	else if (sig == SIGKILL)
		(void)err_set(ret, ERR_CRASHED, "the decoder was killed from outside, perhaps for lack of memory");
	else if (sig != 0)
		(void)err_set(ret, ERR_BAD_MEDIA, "the decoder crashed on this file (signal %d)", sig);
	else if (why->code == ERR_CRASHED)
		(void)err_prefix(ret, "the decoder ended without a reason");
}

static void on_exit_of_child(void *owner, const struct err *why)
{
	struct jail *jail = owner;
	struct err reason;
	jail_enter(jail);
	explain(jail, why, &reason);
	jail_end(jail, &reason);
	jail_leave(jail);
}

static const struct child_events child_events = { .on_frame = on_frame, .on_exit = on_exit_of_child };

enum err_code jail_send(struct jail *jail, enum jail_message type, struct strbuf *fields, int fd, struct err *err)
{
	if (!jail->child)
		return err_set(err, ERR_CRASHED, "the decoder is gone");
	struct frame frame = { .type = type, .fds = { fd, -1 }, .fd_count = fd >= 0 ? 1 : 0 };
	if (fields) {
		if (strbuf_check(fields, "a message", err) != ERR_OK)
			return err->code;
		frame.payload = fields->data;
		frame.len = fields->len;
	}
	enum err_code code = child_send(jail->child, &frame, err);
	if (fields)
		strbuf_clear(fields);
	return code;
}

enum err_code jail_start(struct jail *jail, uv_loop_t *loop, const struct jail_open *open, int fd, struct err *err)
{
	struct child_spec spec = { .program = jail->ops->program, .events = &child_events, .owner = jail };
	cleanup_strbuf struct strbuf fields = STRBUF_INIT(64);
	jail_pack_open(&fields, open);
	jail_enter(jail);
	if (child_start(loop, &spec, &jail->child, err) != ERR_OK ||
	    jail_send(jail, JAIL_OPEN, &fields, fd, err) != ERR_OK)
		jail_close(jail);
	bool started = !jail->closed;
	jail_leave(jail);
	return started ? ERR_OK : err->code;
}

enum err_code jail_check_bulk(const struct frame *frame, uint64_t size, struct err *err)
{
	uint64_t there;
	if (frame->fd_count != 1)
		return err_set(err, ERR_PROTOCOL, "a message should bring one bulk object and brings %d",
			       frame->fd_count);
	if (io_check_sealed(frame->fds[0], LIMIT_BULK_BYTES, &there, err) != ERR_OK)
		return err->code;
	if (there != size)
		return err_set(err, ERR_PROTOCOL, "a bulk object has another size than its message says");
	return ERR_OK;
}

void jail_close(struct jail *jail)
{
	if (!jail || jail->closed)
		return;
	jail->closed = true;
	jail->ended = true;
	/* Reads in flight outlive us: whoever answers them frees them. */
	for (struct pending_read *pending = jail->reads; pending; pending = pending->next)
		pending->jail = NULL;
	child_close(steal_ptr(&jail->child));
	if (jail->depth == 0)
		free_jail(jail);
}

int jail_pid(const struct jail *jail)
{
	return jail->child ? child_pid(jail->child) : 0;
}
