#include "process/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	/* Frames given out before the loop has its turn again: one child must not starve the others. */
	FRAMES_AT_ONCE = 32,
	/* A deadline is counted in so many steps, not read off a clock: where this process is stopped itself (Ctrl-Z),
	 * it loses one step, and a child that was stopped with it has the others left. */
	DEADLINE_STEPS = 4
};

struct queued_frame {
	struct queued_frame *next;
	struct frame frame; /* descriptors owned; the payload follows the struct */
	char payload[];
};

struct child {
	uv_process_t process;
	uv_poll_t poll;
	uv_timer_t deadline;
	int steps_left; /* of the deadline */
	int channel;
	int open_handles; /* libuv handles not yet closed; the object is freed with the last */
	bool exited;
	bool told; /* on_exit was called */
	bool closing; /* child_close was called: no more callbacks */
	bool paused;
	bool silenced; /* the channel is at its end, or was given up: nothing more is read from it as frames come */
	int status, signal; /* with which it ended */
	struct err why;
	const struct child_events *events;
	void *owner;
	struct queued_frame *queue_head;
	struct queued_frame **queue_tail;
	char *buffer; /* LIMIT_FRAME_PAYLOAD bytes */
};

static void free_frame(struct queued_frame *q)
{
	frame_close_fds(&q->frame);
	free(q);
}

static void free_child(struct child *child)
{
	while (child->queue_head) {
		struct queued_frame *q = child->queue_head;
		child->queue_head = q->next;
		free_frame(q);
	}
	if (child->channel >= 0)
		(void)close(child->channel);
	free(child->buffer);
	free(child);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct child *child = handle->data;
	if (--child->open_handles == 0)
		free_child(child);
}

static void close_handles(struct child *child)
{
	uv_close((uv_handle_t *)&child->poll, on_handle_closed);
	uv_close((uv_handle_t *)&child->deadline, on_handle_closed);
	uv_close((uv_handle_t *)&child->process, on_handle_closed);
}

static void update_poll(struct child *child);

/* Ends a child that broke the rules; the first reason counts. */
static void kill_for(struct child *child, enum err_code code, const char *reason)
{
	if (child->why.code == ERR_OK)
		(void)err_set(&child->why, code, "%s", reason);
	child->silenced = true;
	update_poll(child);
	if (!child->exited)
		(void)uv_process_kill(&child->process, SIGKILL);
}

/* Gives out up to `most` frames. */
static void drain(struct child *child, int most)
{
	while (most-- > 0 && !child->paused && !child->closing && child->why.code == ERR_OK) {
		struct frame frame;
		enum channel_event event;
		struct err err;
		if (channel_recv(child->channel, child->buffer, &frame, &event, &err) != ERR_OK) {
			kill_for(child, err.code, err.message);
			return;
		}
		if (event == CHANNEL_CLOSED && !child->silenced) {
			/* It is ending, or else it is of no use any more; a process that is ending is not hurt by this.
			 */
			child->silenced = true;
			update_poll(child);
			if (!child->exited)
				(void)uv_process_kill(&child->process, SIGKILL);
		}
		if (event != CHANNEL_FRAME)
			return;
		child->events->on_frame(child->owner, &frame);
		frame_close_fds(&frame);
	}
}

/* Gives out what the child said before it went, then tells that it is gone. While the owner does not want frames, that
 * waits too. */
static void tell_exit(struct child *child)
{
	drain(child, INT_MAX); /* no more than the socket held */
	if (child->paused || child->closing || child->told)
		return;
	if (child->why.code == ERR_OK && child->signal != 0)
		(void)err_set(&child->why, ERR_CRASHED, "the process was killed by signal %d", child->signal);
	else if (child->why.code == ERR_OK)
		(void)err_set(&child->why, ERR_CRASHED, "the process ended with status %d", child->status);
	child->told = true;
	child->events->on_exit(child->owner, &child->why);
}

static void on_process_exit(uv_process_t *process, int64_t status, int signal)
{
	struct child *child = process->data;
	(void)uv_poll_stop(&child->poll);
	(void)uv_timer_stop(&child->deadline);
	child->exited = true;
	child->status = (int)status;
	child->signal = signal;
	if (child->closing)
		close_handles(child);
	else
		tell_exit(child);
}

/* Sends what waits, as far as the socket takes it. */
static void flush_queue(struct child *child)
{
	while (child->queue_head) {
		struct queued_frame *q = child->queue_head;
		bool full = false;
		struct err err;
		enum err_code code = channel_send(child->channel, &q->frame, &full, &err);
		if (full)
			return;
		/* To a child that is gone frames are dropped: on_exit tells. */
		if (code != ERR_OK && code != ERR_CRASHED)
			kill_for(child, code, err.message);
		child->queue_head = q->next;
		if (!child->queue_head)
			child->queue_tail = &child->queue_head;
		free_frame(q);
	}
	update_poll(child);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct child *child = poll->data;
	if (child->closing)
		return;
	if (events & UV_WRITABLE)
		flush_queue(child);
	/* An error is the end of a child that did not read all we sent; what it sent is still there, and libuv has
	 * stopped polling. */
	if ((events & UV_READABLE) || status < 0)
		drain(child, FRAMES_AT_ONCE);
	if (status < 0)
		update_poll(child);
}

static void update_poll(struct child *child)
{
	if (child->closing || child->exited)
		return;
	int events = (child->paused || child->silenced ? 0 : UV_READABLE) | (child->queue_head ? UV_WRITABLE : 0);
	if (events)
		(void)uv_poll_start(&child->poll, events, on_poll);
	else
		(void)uv_poll_stop(&child->poll);
}

static void on_deadline(uv_timer_t *timer)
{
	struct child *child = timer->data;
	if (--child->steps_left > 0)
		return;
	(void)uv_timer_stop(timer);
	kill_for(child, ERR_TIMEOUT, "the process made no progress before its deadline");
}

/* What a child may know of our environment. One OpenMP thread: more would wait for each other on busy cores. */
static const char *const child_environment[] = {
	"LANG=C.UTF-8", "PATH=/usr/bin:/bin", "OMP_THREAD_LIMIT=1",
#ifdef __SANITIZE_ADDRESS__
	"TBB_ENABLE_SANITIZERS=1", /* else OpenVINO's TBB loads libraries in a way that the sanitizer forbids */
#endif
	NULL
};

static enum err_code spawn(uv_loop_t *loop, struct child *child, const struct child_spec *spec, int child_end,
			   struct err *err)
{
	char path[PATH_MAX];
	if (child_find_program(spec->program, path, err) != ERR_OK)
		return err->code;
	const char *argv[8] = { spec->program };
	for (size_t i = 0; spec->args && spec->args[i]; i++) {
		if (i + 2 >= ARRAY_LEN(argv))
			return err_set(err, ERR_INTERNAL, "too many arguments for \"%s\"", spec->program);
		argv[i + 1] = spec->args[i];
	}
	uv_stdio_container_t stdio[CHILD_CHANNEL_FD + 1] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_IGNORE },
		{ .flags = spec->keep_stderr ? UV_INHERIT_FD : UV_IGNORE, .data.fd = STDERR_FILENO },
		{ .flags = UV_INHERIT_FD, .data.fd = child_end },
	};
	uv_process_options_t options = {
		.exit_cb = on_process_exit,
		.file = path,
		.args = (char **)(uintptr_t)argv,
		.env = (char **)(uintptr_t)child_environment,
		.stdio_count = (int)ARRAY_LEN(stdio),
		.stdio = stdio,
	};
	int rc = uv_spawn(loop, &child->process, &options);
	if (rc != 0)
		return err_set(err, ERR_SYSTEM, "could not start \"%s\": %s", path, uv_strerror(rc));
	return ERR_OK;
}

enum err_code child_start(uv_loop_t *loop, const struct child_spec *spec, struct child **ret, struct err *err)
{
	struct child *child = calloc(1, sizeof *child);
	char *buffer = malloc(LIMIT_FRAME_PAYLOAD);
	if (!child || !buffer) {
		free(child);
		free(buffer);
		return err_set(err, ERR_NO_MEMORY, "no memory for a child process");
	}
	child->buffer = buffer;
	child->events = spec->events;
	child->owner = spec->owner;
	child->channel = -1;
	child->queue_tail = &child->queue_head;
	int pair[2];
	enum err_code code = channel_pair(pair, err);
	if (code != ERR_OK) {
		free_child(child);
		return code;
	}
	child->channel = pair[0];
	cleanup_close int child_end = pair[1];
	/* This also makes our end non-blocking. */
	int rc = uv_poll_init(loop, &child->poll, child->channel);
	if (rc != 0) {
		free_child(child);
		return err_set(err, ERR_SYSTEM, "could not watch a channel: %s", uv_strerror(rc));
	}
	(void)uv_timer_init(loop, &child->deadline);
	child->poll.data = child->deadline.data = child->process.data = child;
	child->open_handles = 3;
	code = spawn(loop, child, spec, child_end, err);
	if (code != ERR_OK) {
		/* uv_spawn initialises its handle even when it fails, unless we never came to it. */
		if (child->process.type != UV_PROCESS)
			child->open_handles = 2;
		uv_close((uv_handle_t *)&child->poll, on_handle_closed);
		uv_close((uv_handle_t *)&child->deadline, on_handle_closed);
		if (child->process.type == UV_PROCESS)
			uv_close((uv_handle_t *)&child->process, on_handle_closed);
		return code;
	}
	update_poll(child);
	*ret = child;
	return ERR_OK;
}

static enum err_code enqueue(struct child *child, const struct frame *frame, struct err *err)
{
	struct queued_frame *q = malloc(sizeof *q + frame->len);
	if (!q)
		return err_set(err, ERR_NO_MEMORY, "no memory for a frame");
	*q = (struct queued_frame){ .frame = *frame };
	if (frame->len > 0)
		memcpy(q->payload, frame->payload, frame->len);
	q->frame.payload = q->payload;
	q->frame.fd_count = 0;
	for (int i = 0; i < frame->fd_count; i++) {
		int copy = fcntl(frame->fds[i], F_DUPFD_CLOEXEC, 0);
		if (copy < 0) {
			int saved = errno;
			free_frame(q);
			return err_set_errno(err, ERR_SYSTEM, saved, "could not keep a descriptor");
		}
		q->frame.fds[q->frame.fd_count++] = copy;
	}
	*child->queue_tail = q;
	child->queue_tail = &q->next;
	update_poll(child);
	return ERR_OK;
}

enum err_code child_send(struct child *child, const struct frame *frame, struct err *err)
{
	if (child->exited || child->closing)
		return ERR_OK;
	if (child->queue_head)
		return enqueue(child, frame, err);
	bool full = false;
	struct err sent;
	enum err_code code = channel_send(child->channel, frame, &full, &sent);
	if (code == ERR_CRASHED)
		return ERR_OK; /* on_exit follows */
	if (code != ERR_OK) {
		*err = sent;
		return code;
	}
	return full ? enqueue(child, frame, err) : ERR_OK;
}

void child_set_deadline(struct child *child, uint64_t ms)
{
	if (child->exited || child->closing)
		return;
	uint64_t step_ms = (ms + DEADLINE_STEPS - 1) / DEADLINE_STEPS;
	child->steps_left = DEADLINE_STEPS;
	if (ms == 0)
		(void)uv_timer_stop(&child->deadline);
	else
		(void)uv_timer_start(&child->deadline, on_deadline, step_ms, step_ms);
}

static void on_late_exit(uv_timer_t *timer)
{
	tell_exit(timer->data);
}

void child_pause(struct child *child, bool paused)
{
	child->paused = paused;
	update_poll(child);
	/* A child that went in the meantime tells so from the loop, not from inside this call. */
	if (!paused && child->exited && !child->closing && !child->told)
		(void)uv_timer_start(&child->deadline, on_late_exit, 0, 0);
}

void child_close(struct child *child)
{
	if (!child || child->closing)
		return;
	child->closing = true;
	(void)uv_poll_stop(&child->poll);
	(void)uv_timer_stop(&child->deadline);
	if (child->exited)
		close_handles(child);
	else
		(void)uv_process_kill(&child->process, SIGKILL); /* on_process_exit closes the handles */
}

int child_signal(const struct child *child)
{
	return child->signal;
}

int child_pid(const struct child *child)
{
	return child->exited ? 0 : child->process.pid;
}

void child_die_with_parent(void)
{
	/* A parent that went before this call is noticed by the channel: it is at its end. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A terminal and a service manager signal the whole group; the parent drains, and needs us until it is done. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
}
