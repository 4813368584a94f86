#include "jail/worker_priv.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = LIMIT_RANGE_BYTES };

static size_t bytes_of_block(const struct jail_worker *worker, uint64_t number)
{
	uint64_t left = worker->input.size - number * BLOCK_BYTES;
	return left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
}

static struct block *find(struct jail_worker *worker, uint64_t number)
{
	for (int i = 0; i < WORKER_BLOCKS; i++) {
		struct block *block = &worker->blocks[i];
		if (block->state != BLOCK_EMPTY && block->number == number)
			return block;
	}
	return NULL;
}

/* The least recently used block that nothing is on its way to. */
static struct block *choose_victim(struct jail_worker *worker)
{
	struct block *victim = NULL;
	for (int i = 0; i < WORKER_BLOCKS; i++) {
		struct block *block = &worker->blocks[i];
		if (block->state == BLOCK_EMPTY)
			return block;
		if (block->state == BLOCK_READY && (!victim || block->used < victim->used))
			victim = block;
	}
	return victim;
}

/* Asks the node for a block; its slot is the request's tag. There is a victim: more slots than requests ahead. */
static enum err_code ask(struct jail_worker *worker, uint64_t number, struct block **ret, struct err *err)
{
	struct block *block = choose_victim(worker);
	if (!block->data)
		block->data = malloc(BLOCK_BYTES);
	if (!block->data)
		return err_set(err, ERR_NO_MEMORY, "no memory to read the file");
	struct strbuf fields = STRBUF_INIT(64);
	struct jail_range range = { .offset = number * BLOCK_BYTES, .len = (uint32_t)bytes_of_block(worker, number) };
	jail_pack_range(&fields, &range);
	struct frame frame = {
		.type = JAIL_READ, .tag = (uint32_t)(block - worker->blocks), .payload = fields.data, .len = fields.len
	};
	enum err_code code = strbuf_check(&fields, "a read", err);
	if (code == ERR_OK)
		code = channel_send(worker->channel, &frame, NULL, err);
	strbuf_done(&fields);
	if (code != ERR_OK)
		return code;
	block->state = BLOCK_ASKED;
	block->number = number;
	block->used = ++worker->counter;
	worker->asked++;
	*ret = block;
	return ERR_OK;
}

enum err_code worker_take_range(struct jail_worker *worker, const struct frame *frame, struct err *err)
{
	if (frame->tag >= WORKER_BLOCKS || worker->blocks[frame->tag].state != BLOCK_ASKED)
		return err_set(err, ERR_PROTOCOL, "the node answered a read that nobody asked for");
	struct block *block = &worker->blocks[frame->tag];
	worker->asked--;
	block->state = BLOCK_EMPTY;
	if (frame->type == JAIL_RANGE_FAILED)
		return jail_unpack_error(frame, &worker->broken, err);
	if (frame->len != bytes_of_block(worker, block->number)) {
		(void)err_set(&worker->broken, ERR_IO, "the file became shorter while it was read");
		return ERR_OK;
	}
	memcpy(block->data, frame->payload, frame->len);
	block->len = frame->len;
	block->state = BLOCK_READY;
	return ERR_OK;
}

/* Where reading goes forward, keeps the next blocks on their way: decoding and fetching overlap. */
static enum err_code ask_ahead(struct jail_worker *worker, uint64_t number, struct err *err)
{
	uint64_t last = (worker->input.size - 1) / BLOCK_BYTES;
	for (uint64_t next = number + 1; next <= last && next < number + JAIL_READS_AHEAD; next++) {
		struct block *block = find(worker, next);
		if (!block && worker->asked < JAIL_READS_AHEAD && ask(worker, next, &block, err) != ERR_OK)
			return err->code;
	}
	return ERR_OK;
}

/* Finds the block or asks for it, once there is room for one more request. */
static enum err_code find_or_ask(struct jail_worker *worker, uint64_t number, struct block **ret, struct err *err)
{
	struct block *block = find(worker, number);
	while (!block && worker->asked >= JAIL_READS_AHEAD && worker->broken.code == ERR_OK) {
		if (worker_pump(worker, err) != ERR_OK)
			return err->code;
	}
	if (!block && worker->broken.code == ERR_OK && ask(worker, number, &block, err) != ERR_OK)
		return err->code;
	*ret = block;
	return ERR_OK;
}

/* Gives the block, waiting until it is there. */
static enum err_code fetch(struct jail_worker *worker, uint64_t number, struct block **ret, struct err *err)
{
	bool forward = number == worker->last_block + 1 || number == worker->last_block;
	worker->last_block = number;
	struct block *block = NULL;
	if (find_or_ask(worker, number, &block, err) != ERR_OK)
		return err->code;
	if (block)
		block->used = ++worker->counter; /* asking ahead must not throw it out */
	if (forward && worker->broken.code == ERR_OK && ask_ahead(worker, number, err) != ERR_OK)
		return err->code;
	while (block && worker->broken.code == ERR_OK && block->state == BLOCK_ASKED) {
		if (worker_pump(worker, err) != ERR_OK)
			return err->code;
	}
	/* There is no block only where the channel broke before it was asked for. */
	if (!block || worker->broken.code != ERR_OK) {
		*err = worker->broken;
		return err->code;
	}
	*ret = block;
	return ERR_OK;
}

static enum err_code read_input(void *ctx, uint64_t offset, void *buffer, size_t len, size_t *ret_len, struct err *err)
{
	struct jail_worker *worker = ctx;
	size_t done = 0;
	if (offset < worker->input.size && len > worker->input.size - offset)
		len = (size_t)(worker->input.size - offset);
	while (done < len && offset < worker->input.size) {
		struct block *block = NULL;
		if (fetch(worker, offset / BLOCK_BYTES, &block, err) != ERR_OK || !block)
			return err->code;
		size_t from = (size_t)(offset % BLOCK_BYTES);
		size_t n = block->len - from < len - done ? block->len - from : len - done;
		memcpy((unsigned char *)buffer + done, block->data + from, n);
		done += n;
		offset += n;
	}
	*ret_len = done;
	return ERR_OK;
}

void worker_input_init(struct jail_worker *worker, uint64_t size)
{
	worker->input = (struct media_input){ .size = size, .read = read_input, .ctx = worker };
}
