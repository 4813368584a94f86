/*
 * What runs inside a jail program: the channel to the node, the file as ranges, results out, the sandbox.
 * A jail program is
 *
 *     struct jail_worker *worker = jail_worker_start();
 *     if (jail_worker_open(worker, JAIL_KIND_AUDIO, &open, fds, &err) != ERR_OK ||
 *         jail_worker_confine(bulk_bytes, NULL, &err) != ERR_OK || work(...) != ERR_OK)
 *             jail_worker_fail(worker, &err);
 *
 * Everything a library needs from files (locales, tables) must be loaded before jail_worker_confine; foreign bytes
 * come after it. One thread only.
 */
#ifndef TIRO_JAIL_WORKER_H
#define TIRO_JAIL_WORKER_H

#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "jail/proto.h"
#include "media/input.h"
#include "process/channel.h"
#include "process/sandbox.h"

struct jail_worker;

/* Takes the channel at CHILD_CHANNEL_FD and ties this process's life to its parent's. Without memory or channel
 * it ends the process: there is nobody to tell. */
struct jail_worker *jail_worker_start(void);

/*
 * Waits for JAIL_OPEN of this kind. `ret_fd` gets the descriptor that came with it (the speech detector's model for
 * audio), owned by the caller, or -1. Errors: ERR_PROTOCOL.
 */
enum err_code jail_worker_open(struct jail_worker *worker, enum jail_kind kind, struct jail_open *ret, int *ret_fd,
			       struct err *err) MUST_CHECK;

/*
 * Enters the sandbox of a jail: LIMIT_JAIL_MEMORY, JAIL_CPU_SECONDS, memfds of up to `bulk_bytes`, one thread.
 * `read_paths` (NULL-terminated; NULL: none) are public files that a decoder may read later, such as fonts; where
 * the kernel has no Landlock they cannot be read either.
 */
enum err_code jail_worker_confine(uint64_t bulk_bytes, const char *const *read_paths, struct err *err) MUST_CHECK;

/*
 * The file. Reads are cached in blocks of LIMIT_RANGE_BYTES (2 MiB in all), and where they go forward the next
 * blocks are asked for ahead. Borrowed; lives as long as the worker.
 */
const struct media_input *jail_worker_input(struct jail_worker *worker);

/*
 * Waits for the node's next request: JAIL_CREDIT, JAIL_RENDER or JAIL_COMPOSE_PDF (those that came while the file
 * was read are kept in order). The payload is borrowed until the next call of this module; descriptors are
 * the caller's (frame_close_fds). The process ends, silently, where the node closed the channel.
 */
enum err_code jail_worker_next(struct jail_worker *worker, struct frame *ret, struct err *err) MUST_CHECK;

/* Sends a message packed into `fields` (NULL: none; emptied afterwards) with one descriptor, or none for -1; the
 * descriptor stays the caller's. Errors: ERR_TOO_BIG, ERR_SYSTEM. */
enum err_code jail_worker_send(struct jail_worker *worker, enum jail_message type, struct strbuf *fields, int fd,
			       struct err *err) MUST_CHECK;

/* Memory is what LIMIT_JAIL_MEMORY leaves: where it is used up, that is the file's doing and not the machine's. */
void jail_worker_judge(struct err *why);

/* Sends JAIL_FAILED with the reason, as jail_worker_judge sees it, and ends the process. */
noreturn void jail_worker_fail(struct jail_worker *worker, const struct err *why);

/* Memory that becomes a sealed memfd: fill `data`, then send. */
struct jail_bulk {
	int fd; /* -1: none */
	void *data; /* writable, `size` bytes, zeroed */
	size_t size;
};

#define JAIL_BULK_INIT                                                                                                 \
	{                                                                                                              \
		.fd = -1                                                                                               \
	}

/* Sealed as a whole: take the size that is needed, not more. `size` > 0. Errors: ERR_NO_MEMORY, ERR_SYSTEM. */
enum err_code jail_bulk_new(size_t size, struct jail_bulk *ret, struct err *err) MUST_CHECK;
/* Seals it, sends it with the message and releases it, also on failure. */
enum err_code jail_bulk_send(struct jail_worker *worker, struct jail_bulk *bulk, enum jail_message type,
			     struct strbuf *fields, struct err *err) MUST_CHECK;
/* Releases one that is not sent; harmless after sending. */
void jail_bulk_done(struct jail_bulk *bulk);
#define cleanup_bulk cleanup(jail_bulk_done)

/* Processor time of one file's jail, seconds: 48 h of audio at 24 times real time, 10,000 pages at 0.7 s each. */
#define JAIL_CPU_SECONDS ((uint64_t)7200)

#endif
