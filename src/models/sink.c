#include "models/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

enum { BUFFER_BYTES = 256 * 1024, FILE_MODE = 0666 };

struct sink {
	int fd;
	struct sha256 *hash;
	const struct sink_watch *watch;
	uint64_t written_bytes;
	struct err failure; /* code ERR_OK: none */
	size_t used;
	unsigned char buffer[BUFFER_BYTES];
};

enum err_code sink_open(const char *path, const struct sink_watch *watch, struct sink **ret, struct err *err)
{
	cleanup_sink struct sink *sink = calloc(1, sizeof *sink);
	if (!sink)
		return err_set(err, ERR_NO_MEMORY, "no memory to write \"%s\"", path);
	sink->watch = watch;
	sink->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (sink->fd < 0)
		return err_set_errno(err, ERR_IO, errno, "could not create \"%s\"", path);
	enum err_code code = sha256_new(&sink->hash, err);
	if (code)
		return code;
	*ret = steal_ptr(&sink);
	return ERR_OK;
}

void sink_close(struct sink *sink)
{
	if (!sink)
		return;
	if (sink->fd >= 0)
		(void)close(sink->fd);
	sha256_free(sink->hash);
	free(sink);
}

static void flush(struct sink *sink)
{
	if (sink->failure.code || sink->used == 0)
		return;
	if (io_write_all(sink->fd, sink->buffer, sink->used, &sink->failure) ||
	    sha256_add(sink->hash, sink->buffer, sink->used, &sink->failure))
		return;
	sink->written_bytes += sink->used;
	sink->used = 0;
	if (sink->watch && !sink->watch->go_on(sink->watch->owner, sink->written_bytes))
		(void)err_set(&sink->failure, ERR_CANCELLED, "the work was stopped");
}

void sink_write(struct sink *sink, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	while (len > 0 && !sink->failure.code) {
		size_t n = BUFFER_BYTES - sink->used < len ? BUFFER_BYTES - sink->used : len;
		memcpy(sink->buffer + sink->used, p, n);
		sink->used += n;
		p += n;
		len -= n;
		if (sink->used == BUFFER_BYTES)
			flush(sink);
	}
}

void sink_u32(struct sink *sink, uint32_t value)
{
	unsigned char bytes[4] = { (unsigned char)value, (unsigned char)(value >> 8), (unsigned char)(value >> 16),
				   (unsigned char)(value >> 24) };
	sink_write(sink, bytes, sizeof bytes);
}

enum err_code sink_fail(struct sink *sink, enum err_code code, const char *fmt, ...)
{
	if (sink->failure.code)
		return sink->failure.code;
	char text[ERR_MESSAGE_MAX];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return err_set(&sink->failure, code, "%s", text);
}

enum err_code sink_state(const struct sink *sink)
{
	return sink->failure.code;
}

enum err_code sink_finish(struct sink *sink, char ret_sha256[SHA256_HEX_SIZE], struct err *err)
{
	flush(sink);
	if (!sink->failure.code && fsync(sink->fd) != 0)
		(void)err_set_errno(&sink->failure, ERR_IO, errno, "could not flush a model");
	if (sink->failure.code) {
		if (err)
			*err = sink->failure;
		return sink->failure.code;
	}
	return sha256_finish(sink->hash, ret_sha256, err);
}
