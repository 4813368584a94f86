#include "process/channel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

struct wire_header {
	uint32_t type;
	uint32_t tag;
};

union fd_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * LIMIT_FRAME_FDS)];
};

/* Between two tries to send descriptors while too many are under way. */
enum { CROWDED_US = 1000 };

enum err_code channel_pair(int ret_fds[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) != 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not create a socket pair");
	return ERR_OK;
}

/* Lays out a frame's descriptors; `control` must live as long as the message. */
static void put_fds(const struct frame *frame, union fd_control *control, struct msghdr *msg)
{
	if (frame->fd_count == 0)
		return;
	size_t size = sizeof(int) * (size_t)frame->fd_count;
	memset(control, 0, sizeof *control);
	msg->msg_control = control->bytes;
	msg->msg_controllen = CMSG_SPACE(size);
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(c), frame->fds, size);
}

/* No room in the socket; or the user's processes together have more descriptors under way than this one may open
 * (unix(7)), which passes when whoever they are for receives them. */
static bool is_passing(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == ETOOMANYREFS;
}

enum err_code channel_send(int fd, const struct frame *frame, bool *ret_full, struct err *err)
{
	if (frame->len > LIMIT_FRAME_PAYLOAD || frame->fd_count < 0 || frame->fd_count > LIMIT_FRAME_FDS)
		return err_set(err, ERR_INTERNAL, "a frame of %zu bytes is over its limit", frame->len);
	struct wire_header header = { .type = frame->type, .tag = frame->tag };
	struct iovec parts[2] = { { .iov_base = &header, .iov_len = sizeof header },
				  { .iov_base = (void *)(uintptr_t)frame->payload, .iov_len = frame->len } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = frame->len > 0 ? 2 : 1 };
	union fd_control control;
	put_fds(frame, &control, &msg);
	if (ret_full)
		*ret_full = false;
	for (;;) {
		if (sendmsg(fd, &msg, MSG_NOSIGNAL) >= 0)
			return ERR_OK;
		if (errno == EINTR)
			continue;
		if (is_passing(errno) && ret_full) {
			*ret_full = true;
			return ERR_OK;
		}
		if (errno == ETOOMANYREFS) {
			clock_sleep_us(CROWDED_US);
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return err_set(err, ERR_CRASHED, "the other process is gone");
		return err_set_errno(err, ERR_SYSTEM, errno, "could not send a frame");
	}
}

/* Moves the descriptors of a control message into the frame; more than fit are closed and refused. */
static bool take_fds(struct msghdr *msg, struct frame *frame)
{
	bool fits = true;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int received;
			memcpy(&received, CMSG_DATA(c) + i * sizeof received, sizeof received);
			if (frame->fd_count < LIMIT_FRAME_FDS) {
				frame->fds[frame->fd_count++] = received;
			} else {
				(void)close(received);
				fits = false;
			}
		}
	}
	return fits;
}

enum err_code channel_recv(int fd, void *buffer, struct frame *ret, enum channel_event *ret_event, struct err *err)
{
	struct wire_header header;
	struct iovec parts[2] = { { .iov_base = &header, .iov_len = sizeof header },
				  { .iov_base = buffer, .iov_len = LIMIT_FRAME_PAYLOAD } };
	union fd_control control;
	struct msghdr msg = {
		.msg_iov = parts, .msg_iovlen = 2, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes
	};
	ssize_t n;
	/* ECONNRESET is told once, when the other side went without reading all we sent; what it sent still waits. */
	do {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		*ret_event = CHANNEL_EMPTY;
		return ERR_OK;
	}
	if (n == 0) {
		*ret_event = CHANNEL_CLOSED;
		return ERR_OK;
	}
	if (n < 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not receive a frame");
	struct frame frame = { .fds = { -1, -1 } };
	bool fits = take_fds(&msg, &frame);
	if (!fits || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || (size_t)n < sizeof header) {
		frame_close_fds(&frame);
		return err_set(err, ERR_PROTOCOL, "a frame is too short, too long or brings too many descriptors");
	}
	frame.type = header.type;
	frame.tag = header.tag;
	frame.payload = buffer;
	frame.len = (size_t)n - sizeof header;
	*ret = frame;
	*ret_event = CHANNEL_FRAME;
	return ERR_OK;
}

void frame_close_fds(struct frame *frame)
{
	for (int i = 0; i < frame->fd_count; i++) {
		if (frame->fds[i] >= 0)
			(void)close(frame->fds[i]);
		frame->fds[i] = -1;
	}
	frame->fd_count = 0;
}
