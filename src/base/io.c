#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	READ_CHUNK = 64 * 1024,
	DIR_MODE = 0777,
	FILE_MODE = 0666,
	NAME_ATTEMPTS = 100,
	SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE
};

enum err_code io_write_all(int fd, const void *bytes, size_t len, struct err *err)
{
	const char *p = bytes;
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_IO, errno, "could not write");
		p += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

enum err_code io_pread_all(int fd, void *bytes, size_t len, uint64_t offset, struct err *err)
{
	char *p = bytes;
	while (len > 0) {
		ssize_t n = pread(fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_IO, errno, "could not read");
		if (n == 0)
			return err_set(err, ERR_IO, "could not read: the file ended early");
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

enum err_code io_read_file(const char *path, struct strbuf *out, struct err *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "could not open \"%s\"", path);
	for (;;) {
		void *room = strbuf_reserve(out, READ_CHUNK);
		size_t size = READ_CHUNK;
		char probe;
		if (!room) {
			/* Full to the maximum: a file that ends exactly here is still whole. */
			out->failed = false;
			room = out->len < out->max ? strbuf_reserve(out, out->max - out->len) : &probe;
			size = out->len < out->max ? out->max - out->len : 1;
		}
		if (!room)
			return err_set(err, ERR_NO_MEMORY, "no memory to read \"%s\"", path);
		ssize_t n = read(fd, room, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_IO, errno, "could not read \"%s\"", path);
		if (n == 0)
			return ERR_OK;
		if (room == &probe)
			return err_set(err, ERR_TOO_BIG, "\"%s\" is larger than %zu bytes", path, out->max);
		strbuf_commit(out, (size_t)n);
	}
}

static enum err_code make_dir(const char *path, struct err *err)
{
	struct stat st;
	if (mkdir(path, DIR_MODE) == 0)
		return ERR_OK;
	int saved = errno;
	if (saved == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return ERR_OK;
	return err_set_errno(err, ERR_IO, saved, "could not create folder \"%s\"", path);
}

enum err_code io_make_dirs(const char *path, struct err *err)
{
	cleanup_free char *copy = strdup(path);
	if (!copy)
		return err_set(err, ERR_NO_MEMORY, "no memory for a path");
	for (char *p = copy; *p; p++) {
		if (*p != '/' || p == copy)
			continue;
		*p = '\0';
		enum err_code code = make_dir(copy, err);
		if (code != ERR_OK)
			return code;
		*p = '/';
	}
	return make_dir(copy, err);
}

/*
 * Creates a file of a new name beside `path`. Not mkostemp: it gives mode 0600, and to widen that one would
 * have to read the umask, which cannot be done without setting it for all threads.
 */
static int create_beside(const char *path, struct strbuf *ret_name)
{
	for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
		uint64_t random;
		if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
			return -1;
		strbuf_clear(ret_name);
		strbuf_addf(ret_name, "%s.%016" PRIx64 ".part", path, random);
		if (ret_name->failed) {
			errno = ENOMEM;
			return -1;
		}
		int fd = open(ret_name->data, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

enum err_code io_atomic_open(const char *path, struct io_atomic_file *ret, struct err *err)
{
	cleanup_free char *final_path = strdup(path);
	cleanup_strbuf struct strbuf temp = STRBUF_INIT(PATH_MAX);
	if (!final_path)
		return err_set(err, ERR_NO_MEMORY, "no memory for the path \"%s\"", path);
	int fd = create_beside(path, &temp);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "could not create a file beside \"%s\"", path);
	*ret = (struct io_atomic_file){ .fd = fd, .path = steal_ptr(&final_path), .temp_path = strbuf_steal(&temp) };
	return ERR_OK;
}

static enum err_code sync_folder_of(const char *path, struct err *err)
{
	cleanup_free char *folder = strdup(path);
	if (!folder)
		return err_set(err, ERR_NO_MEMORY, "no memory for a path");
	char *slash = strrchr(folder, '/');
	if (slash == folder)
		slash[1] = '\0';
	else if (slash)
		*slash = '\0';
	cleanup_close int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A file system that cannot flush folders (EINVAL) has done what it can. */
	if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
		return err_set_errno(err, ERR_IO, errno, "could not flush the folder of \"%s\"", path);
	return ERR_OK;
}

enum err_code io_atomic_commit(struct io_atomic_file *file, struct err *err)
{
	enum err_code code = ERR_OK;
	if (fsync(file->fd) != 0)
		code = err_set_errno(err, ERR_IO, errno, "could not flush \"%s\"", file->temp_path);
	else if (rename(file->temp_path, file->path) != 0)
		code = err_set_errno(err, ERR_IO, errno, "could not rename to \"%s\"", file->path);
	else {
		free(steal_ptr(&file->temp_path));
		code = sync_folder_of(file->path, err);
	}
	io_atomic_discard(file);
	return code;
}

void io_atomic_discard(struct io_atomic_file *file)
{
	if (file->fd >= 0)
		(void)close(file->fd);
	file->fd = -1;
	if (file->temp_path)
		(void)unlink(file->temp_path);
	free(steal_ptr(&file->temp_path));
	free(steal_ptr(&file->path));
}

enum err_code io_memfd(const char *name, int *ret_fd, struct err *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not create a memory file");
	*ret_fd = fd;
	return ERR_OK;
}

enum err_code io_memfd_seal(int fd, struct err *err)
{
	if (fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) != 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not seal a memory file");
	return ERR_OK;
}

enum err_code io_check_sealed(int fd, uint64_t max, uint64_t *ret_size, struct err *err)
{
	int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS)
		return err_set(err, ERR_PROTOCOL, "a bulk object is not sealed");
	/* Not fstat, which glibc makes of a call that a jail may not do. */
	off_t end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not examine a bulk object");
	if ((uint64_t)end > max)
		return err_set(err, ERR_TOO_BIG, "a bulk object has %jd bytes, %ju are allowed", (intmax_t)end,
			       (uintmax_t)max);
	*ret_size = (uint64_t)end;
	return ERR_OK;
}

enum err_code io_map_sealed(int fd, size_t max, struct io_map *ret, struct err *err)
{
	uint64_t bytes;
	enum err_code code = io_check_sealed(fd, max, &bytes, err);
	if (code != ERR_OK)
		return code;
	size_t size = (size_t)bytes;
	void *data = NULL;
	if (size > 0) {
		data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data == MAP_FAILED)
			return err_set_errno(err, ERR_SYSTEM, errno, "could not map a bulk object");
	}
	*ret = (struct io_map){ .data = data, .size = size };
	return ERR_OK;
}

enum err_code io_map_fd(int fd, const char *name, struct io_map *ret, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_set_errno(err, ERR_IO, errno, "could not examine \"%s\"", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "\"%s\" is not a regular file", name);
	size_t size = (size_t)st.st_size;
	void *data = size > 0 ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	if (data == MAP_FAILED)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not map \"%s\"", name);
	*ret = (struct io_map){ .data = data, .size = size };
	return ERR_OK;
}

enum err_code io_map_file(const char *path, struct io_map *ret, struct err *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "could not open \"%s\"", path);
	return io_map_fd(fd, path, ret, err);
}

void io_unmap(struct io_map *map)
{
	if (map->data)
		(void)munmap((void *)(uintptr_t)map->data, map->size);
	*map = (struct io_map){ 0 };
}
