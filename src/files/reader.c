#include "files/reader.h"

#include <assert.h>
#include <stdlib.h>

struct reader {
	struct http_work work;
	const struct files *files;
	struct http_pool *pool;
	const struct reader_events *events;
	void *owner;
	struct uuid file;
	struct vault_reader *vault; /* NULL until open */
	struct blob_range range; /* that is wanted; len 0: to open */
	size_t got;
	bool working; /* the thread has it */
	bool closed;
	struct err why;
	unsigned char *bytes; /* READER_RANGE_MAX, owned */
};

static void free_reader(struct reader *reader)
{
	vault_close(reader->vault);
	free(reader->bytes);
	free(reader);
}

/* In the pool's thread. */
static void run(struct http_work *work)
{
	struct reader *reader = (struct reader *)work;
	enum err_code code =
		reader->vault ? vault_read(reader->vault, reader->range, reader->bytes, &reader->got, &reader->why)
			      : files_open(reader->files, &reader->file, &reader->vault, &reader->why);
	if (code == ERR_OK)
		reader->why.code = ERR_OK;
}

static void done(struct http_work *work)
{
	struct reader *reader = (struct reader *)work;
	reader->working = false;
	if (reader->closed) {
		free_reader(reader);
		return;
	}
	if (work->dropped)
		(void)err_set(&reader->why, ERR_CANCELLED, "the server is stopping");
	if (reader->range.len > 0)
		reader->events->on_bytes(reader->owner, reader->bytes, reader->got, &reader->why);
	else
		reader->events->on_open(reader->owner, reader->vault ? vault_reader_info(reader->vault) : NULL,
					&reader->why);
}

enum err_code reader_new(const struct files *files, struct http_pool *pool, const struct uuid *file,
			 const struct reader_events *events, void *owner, struct reader **ret, struct err *err)
{
	struct reader *reader = calloc(1, sizeof *reader);
	if (!reader)
		return err_set(err, ERR_NO_MEMORY, "no memory to read a file");
	*reader = (struct reader){ .work = { .run = run, .done = done },
				   .files = files,
				   .pool = pool,
				   .events = events,
				   .owner = owner,
				   .file = *file,
				   .working = true,
				   .bytes = malloc(READER_RANGE_MAX) };
	enum err_code code = reader->bytes ? http_pool_submit(pool, &reader->work, err)
					   : err_set(err, ERR_NO_MEMORY, "no memory to read a file");
	if (code != ERR_OK) {
		free_reader(reader);
		return code;
	}
	*ret = reader;
	return ERR_OK;
}

void reader_want(struct reader *reader, uint64_t offset, size_t len)
{
	assert(!reader->working && len > 0 && len <= READER_RANGE_MAX);
	reader->range = (struct blob_range){ offset, len };
	reader->working = true;
	http_pool_continue(reader->pool, &reader->work);
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	reader->closed = true;
	if (!reader->working)
		free_reader(reader);
}
