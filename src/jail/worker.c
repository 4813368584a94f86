#include "jail/worker_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "process/child.h"

struct jail_worker *jail_worker_start(void)
{
	child_die_with_parent();
	/* Whatever else came along is none of a decoder's business. */
	(void)close_range(CHILD_CHANNEL_FD + 1, ~0U, 0);
	struct jail_worker *worker = calloc(1, sizeof *worker);
	unsigned char *buffer = malloc(LIMIT_FRAME_PAYLOAD);
	if (!worker || !buffer)
		_exit(EX_OSERR);
	worker->channel = CHILD_CHANNEL_FD;
	worker->buffer = buffer;
	return worker;
}

/* Receives one frame; the end of the channel is the end of this process: whoever asked is not there any more. */
static enum err_code receive(struct jail_worker *worker, struct frame *ret, struct err *err)
{
	enum channel_event event;
	if (channel_recv(worker->channel, worker->buffer, ret, &event, err) != ERR_OK)
		return err->code;
	if (event != CHANNEL_FRAME)
		_exit(EX_OK);
	return ERR_OK;
}

enum err_code jail_worker_open(struct jail_worker *worker, enum jail_kind kind, struct jail_open *ret, int *ret_fd,
			       struct err *err)
{
	struct frame frame;
	if (receive(worker, &frame, err) != ERR_OK)
		return err->code;
	int fd = frame.fd_count > 0 ? steal_fd(&frame.fds[0]) : -1;
	frame_close_fds(&frame);
	enum err_code code = frame.type == JAIL_OPEN ? jail_unpack_open(&frame, ret, err)
						     : err_set(err, ERR_PROTOCOL, "the node did not open a file");
	if (code == ERR_OK && ret->kind != kind)
		code = err_set(err, ERR_PROTOCOL, "the node took this program for another one");
	if (code != ERR_OK) {
		if (fd >= 0)
			(void)close(fd);
		return code;
	}
	worker_input_init(worker, ret->size);
	*ret_fd = fd;
	return ERR_OK;
}

enum err_code jail_worker_confine(uint64_t bulk_bytes, const char *const *read_paths, struct err *err)
{
	struct sandbox_policy policy = {
		.profile = SANDBOX_JAIL,
		.read_paths = read_paths,
		.memory_bytes = LIMIT_JAIL_MEMORY,
		.cpu_seconds = JAIL_CPU_SECONDS,
		.memfd_bytes = bulk_bytes,
	};
	return sandbox_enter(&policy, err);
}

const struct media_input *jail_worker_input(struct jail_worker *worker)
{
	return &worker->input;
}

/* Keeps a request for jail_worker_next. */
static enum err_code keep(struct jail_worker *worker, struct frame *frame, struct err *err)
{
	struct waiting *slot = &worker->waiting[(worker->waiting_first + worker->waiting_count) % WORKER_WAITING_MAX];
	if (worker->waiting_count == WORKER_WAITING_MAX || frame->len > sizeof slot->payload) {
		frame_close_fds(frame);
		return err_set(err, ERR_PROTOCOL, "the node sent too many or too long requests");
	}
	slot->frame = *frame;
	if (frame->len > 0)
		memcpy(slot->payload, frame->payload, frame->len);
	worker->waiting_count++;
	return ERR_OK;
}

enum err_code worker_pump(struct jail_worker *worker, struct err *err)
{
	struct frame frame;
	if (receive(worker, &frame, err) != ERR_OK)
		return err->code;
	if (frame.type != JAIL_RANGE && frame.type != JAIL_RANGE_FAILED)
		return keep(worker, &frame, err);
	frame_close_fds(&frame);
	return worker_take_range(worker, &frame, err);
}

enum err_code jail_worker_next(struct jail_worker *worker, struct frame *ret, struct err *err)
{
	while (worker->waiting_count == 0) {
		if (worker_pump(worker, err) != ERR_OK)
			return err->code;
	}
	const struct waiting *slot = &worker->waiting[worker->waiting_first];
	memcpy(worker->waiting_payload, slot->payload, sizeof worker->waiting_payload);
	*ret = slot->frame;
	ret->payload = worker->waiting_payload;
	worker->waiting_first = (worker->waiting_first + 1) % WORKER_WAITING_MAX;
	worker->waiting_count--;
	return ERR_OK;
}

enum err_code jail_worker_send(struct jail_worker *worker, enum jail_message type, struct strbuf *fields, int fd,
			       struct err *err)
{
	struct frame frame = { .type = type, .fds = { fd, -1 }, .fd_count = fd >= 0 ? 1 : 0 };
	if (fields) {
		if (strbuf_check(fields, "a message to the node", err) != ERR_OK)
			return err->code;
		frame.payload = fields->data;
		frame.len = fields->len;
	}
	enum err_code code = channel_send(worker->channel, &frame, NULL, err);
	if (fields)
		strbuf_clear(fields);
	return code;
}

void jail_worker_judge(struct err *why)
{
	if (why->code == ERR_NO_MEMORY)
		(void)err_set(why, ERR_TOO_BIG, "this file takes more memory to decode than is allowed");
}

noreturn void jail_worker_fail(struct jail_worker *worker, const struct err *why)
{
	struct strbuf fields = STRBUF_INIT(2 * ERR_MESSAGE_MAX);
	struct err judged = *why;
	struct err err;
	jail_worker_judge(&judged);
	jail_pack_error(&fields, &judged);
	/* A node that is gone cannot be told; the exit status is all that is left. */
	(void)(jail_worker_send(worker, JAIL_FAILED, &fields, -1, &err) == ERR_OK);
	_exit(err_exit_status(why->code));
}

enum err_code jail_bulk_new(size_t size, struct jail_bulk *ret, struct err *err)
{
	cleanup_close int fd = -1;
	if (io_memfd("tiro-bulk", &fd, err) != ERR_OK)
		return err->code;
	if (ftruncate(fd, (off_t)size) != 0)
		return err_set_errno(err, ERR_NO_MEMORY, errno, "could not get %zu bytes of shared memory", size);
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		return err_set_errno(err, ERR_NO_MEMORY, errno, "could not map %zu bytes of shared memory", size);
	*ret = (struct jail_bulk){ .fd = steal_fd(&fd), .data = data, .size = size };
	return ERR_OK;
}

void jail_bulk_done(struct jail_bulk *bulk)
{
	if (bulk->data)
		(void)munmap(bulk->data, bulk->size);
	if (bulk->fd >= 0)
		(void)close(bulk->fd);
	*bulk = (struct jail_bulk)JAIL_BULK_INIT;
}

enum err_code jail_bulk_send(struct jail_worker *worker, struct jail_bulk *bulk, enum jail_message type,
			     struct strbuf *fields, struct err *err)
{
	/* A seal against writing needs the writable mapping gone. */
	(void)munmap(bulk->data, bulk->size);
	bulk->data = NULL;
	enum err_code code = io_memfd_seal(bulk->fd, err);
	if (code == ERR_OK)
		code = jail_worker_send(worker, type, fields, bulk->fd, err);
	jail_bulk_done(bulk);
	return code;
}
