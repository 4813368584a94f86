/* What the worker's files share (worker.c the channel, worker_input.c the file); for implementers only. */
#ifndef TIRO_JAIL_WORKER_PRIV_H
#define TIRO_JAIL_WORKER_PRIV_H

#include "jail/worker.h"

/* Blocks of the file that are kept: 2 MiB, the header and the tail of a file and what is read in between. */
enum { WORKER_BLOCKS = 32 };

enum block_state { BLOCK_EMPTY, BLOCK_ASKED, BLOCK_READY };

struct block {
	enum block_state state;
	uint64_t number; /* offset / LIMIT_RANGE_BYTES */
	uint64_t used; /* when last, by the worker's counter */
	size_t len; /* bytes that there are */
	unsigned char *data; /* owned; LIMIT_RANGE_BYTES, allocated at first use */
};

/* Requests that came while the file was read. A node sends at most JAIL_PARTS_AHEAD_MAX credits, JAIL_RENDERS_AHEAD
 * pages and one more request ahead. */
enum { WORKER_WAITING_MAX = JAIL_PARTS_AHEAD_MAX + 16 };

struct waiting {
	struct frame frame; /* descriptors owned */
	unsigned char payload[16]; /* requests are short */
};

struct jail_worker {
	int channel;
	unsigned char *buffer; /* LIMIT_FRAME_PAYLOAD bytes of the frame in hand */
	struct media_input input;
	struct err broken; /* set once a range failed: the file is gone for good */
	struct block blocks[WORKER_BLOCKS];
	uint64_t counter;
	uint64_t last_block;
	int asked; /* blocks asked for and not yet there */
	struct waiting waiting[WORKER_WAITING_MAX];
	int waiting_first, waiting_count;
	unsigned char waiting_payload[16]; /* of the request that jail_worker_next gave out */
};

/* Reads one frame; answers to reads go into their block, requests into the queue. */
enum err_code worker_pump(struct jail_worker *worker, struct err *err) MUST_CHECK;

/* worker_input.c: takes a JAIL_RANGE or JAIL_RANGE_FAILED. */
enum err_code worker_take_range(struct jail_worker *worker, const struct frame *frame, struct err *err) MUST_CHECK;

/* worker_input.c: the media_input of the worker over a file of `size` bytes. */
void worker_input_init(struct jail_worker *worker, uint64_t size);

#endif
