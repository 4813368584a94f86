/*
 * Frames over a socket pair between two processes (SOCK_SEQPACKET, unix(7)): a message arrives whole or not at
 * all, with up to LIMIT_FRAME_FDS descriptors (SCM_RIGHTS). Each side treats the other as untrusted: length,
 * descriptor count and truncation are checked by the receiver.
 *
 * One thread reads a channel at a time; sends from several threads are safe (the kernel keeps frames whole).
 */
#ifndef TIRO_PROCESS_CHANNEL_H
#define TIRO_PROCESS_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

struct frame {
	uint32_t type; /* the protocol's message type */
	uint32_t tag; /* correlates requests and answers; the protocol's business */
	const void *payload; /* borrowed; at most LIMIT_FRAME_PAYLOAD bytes */
	size_t len;
	int fds[LIMIT_FRAME_FDS]; /* borrowed when sending, owned by the receiver */
	int fd_count;
};

/* A connected pair, both ends close-on-exec and blocking. */
enum err_code channel_pair(int ret_fds[2], struct err *err) MUST_CHECK;

/*
 * Sends one frame. On a blocking descriptor it waits for room; on a non-blocking one *ret_full (which may be
 * NULL on blocking ones) is set and ERR_OK returned where there is none. The same holds while too many descriptors of
 * this user are under way.
 * Errors: ERR_CRASHED where the other side is gone, ERR_SYSTEM.
 */
enum err_code channel_send(int fd, const struct frame *frame, bool *ret_full, struct err *err) MUST_CHECK;

enum channel_event { CHANNEL_FRAME, CHANNEL_EMPTY, CHANNEL_CLOSED };

/*
 * Receives one frame into `buffer` (of LIMIT_FRAME_PAYLOAD bytes), to which ret->payload then points.
 * *ret_event says whether there was one: CHANNEL_EMPTY only on a non-blocking descriptor.
 * Errors: ERR_PROTOCOL for a frame that breaks a limit (its descriptors are closed), ERR_SYSTEM.
 */
enum err_code channel_recv(int fd, void *buffer, struct frame *ret, enum channel_event *ret_event, struct err *err)
	MUST_CHECK;

/* Closes the descriptors that a received frame brought and that were not taken with steal_fd(). */
void frame_close_fds(struct frame *frame);

#endif
