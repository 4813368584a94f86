#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"

enum { SPOOL_CHUNK = 64 * 1024 };

static enum err_code spool_bytes(int from, int to, uint64_t *ret_size, struct err *err)
{
	static char chunk[SPOOL_CHUNK];
	uint64_t size = 0;
	for (;;) {
		ssize_t n = read(from, chunk, sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_IO, errno, "could not read");
		if (n == 0)
			break;
		size += (uint64_t)n;
		if (size > LIMIT_STDIN_BYTES)
			return err_set(err, ERR_TOO_BIG, "more than %llu bytes on a pipe; give the file's name instead",
				       (unsigned long long)LIMIT_STDIN_BYTES);
		if (io_write_all(to, chunk, (size_t)n, err) != ERR_OK)
			return err_prefix(err, "could not keep the input in a temporary file");
	}
	*ret_size = size;
	return ERR_OK;
}

/* Replaces a pipe by an unnamed temporary file with its bytes. */
static enum err_code spool(int *fd, uint64_t *ret_size, struct err *err)
{
	const char *folder = getenv("TMPDIR");
	if (!folder || !*folder)
		folder = "/tmp";
	cleanup_close int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (file < 0)
		return err_set_errno(err, ERR_IO, errno, "could not create a temporary file in \"%s\"", folder);
	if (spool_bytes(*fd, file, ret_size, err) != ERR_OK)
		return err->code;
	(void)close(*fd);
	*fd = steal_fd(&file);
	return ERR_OK;
}

enum err_code input_open(const char *name, struct input *ret, struct err *err)
{
	bool is_stdin = strcmp(name, "-") == 0;
	cleanup_close int fd =
		is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "could not open it");
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_set_errno(err, ERR_IO, errno, "could not examine it");
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, "it is a folder; name the files in it");
	if (!is_stdin && (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
		return err_set(err, ERR_INVALID, "it is a device, not a file");
	uint64_t size = (uint64_t)st.st_size;
	if (!S_ISREG(st.st_mode) && spool(&fd, &size, err) != ERR_OK)
		return err->code;
	if (size == 0)
		return err_set(err, ERR_BAD_MEDIA, "the file is empty");
	*ret = (struct input){ .fd = steal_fd(&fd), .size = size };
	return ERR_OK;
}

void input_close(struct input *input)
{
	if (input->fd >= 0)
		(void)close(steal_fd(&input->fd));
}

static void read_range(void *ctx, struct jail_read *read)
{
	const struct input *input = ctx;
	static char bytes[LIMIT_RANGE_BYTES]; /* one loop thread; copied by jail_read_done */
	struct err err = { 0 };
	size_t len = 0;
	if (read->offset < input->size)
		len = input->size - read->offset < read->len ? (size_t)(input->size - read->offset) : read->len;
	if (io_pread_all(input->fd, bytes, len, read->offset, &err) != ERR_OK)
		jail_read_done(read, NULL, 0, &err);
	else
		jail_read_done(read, bytes, len, &err);
}

struct jail_source input_source(struct input *input)
{
	return (struct jail_source){ .size = input->size, .read = read_range, .ctx = input };
}
