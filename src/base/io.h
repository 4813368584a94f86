/*
 * Files and descriptors: whole reads and writes, files that appear complete or not at all, sealed memory.
 * All calls restart after EINTR and open with O_CLOEXEC. Thread-safe.
 */
#ifndef TIRO_BASE_IO_H
#define TIRO_BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/strbuf.h"

/* Writes all `len` bytes. Errors: ERR_NO_SPACE, ERR_IO. */
enum err_code io_write_all(int fd, const void *bytes, size_t len, struct err *err) MUST_CHECK;

/* Reads exactly `len` bytes at `offset`. A file that ends before is ERR_IO. */
enum err_code io_pread_all(int fd, void *bytes, size_t len, uint64_t offset, struct err *err) MUST_CHECK;

/* Appends the whole file to `out`, whose maximum bounds it (ERR_TOO_BIG). `path` is named in errors. */
enum err_code io_read_file(const char *path, struct strbuf *out, struct err *err) MUST_CHECK;

/* Creates `path` and its missing parents (0777 & ~umask); an existing directory is fine. */
enum err_code io_make_dirs(const char *path, struct err *err) MUST_CHECK;

/*
 * A file that is written beside its final name and renamed into place: readers see the old content or the
 * whole new one. The sequence is write, fsync, rename, fsync of the folder.
 */
struct io_atomic_file {
	int fd; /* for io_write_all; owned */
	char *path; /* final name; owned */
	char *temp_path; /* owned */
};

enum err_code io_atomic_open(const char *path, struct io_atomic_file *ret, struct err *err) MUST_CHECK;
/* Makes the content visible under its name; the object is released either way. */
enum err_code io_atomic_commit(struct io_atomic_file *file, struct err *err) MUST_CHECK;
/* Removes what was written; harmless after a commit or on a zeroed object with fd -1. */
void io_atomic_discard(struct io_atomic_file *file);

/*
 * Anonymous memory behind a descriptor, for bulk data between processes.
 * `name` shows in /proc only. The result is readable and writable until sealed.
 */
enum err_code io_memfd(const char *name, int *ret_fd, struct err *err) MUST_CHECK;

/* Forbids any later change of size or content. Existing writable mappings must be gone. */
enum err_code io_memfd_seal(int fd, struct err *err) MUST_CHECK;

/*
 * Checks a memfd that came from another process: it must be sealed against shrinking and writing, else the sender
 * could fault or change us later (ERR_PROTOCOL), and be at most `max` bytes (ERR_TOO_BIG).
 */
enum err_code io_check_sealed(int fd, uint64_t max, uint64_t *ret_size, struct err *err) MUST_CHECK;

/* A read-only mapping. */
struct io_map {
	const void *data; /* NULL when size is 0 */
	size_t size;
};

/* Checks and maps a memfd that came from another process. The descriptor stays the caller's and may be closed right
 * away. Errors: those of io_check_sealed, ERR_SYSTEM. */
enum err_code io_map_sealed(int fd, size_t max, struct io_map *ret, struct err *err) MUST_CHECK;
/* Maps a whole file that nobody changes meanwhile (one of ours, or a private copy). Errors: of open(2), ERR_IO. */
enum err_code io_map_file(const char *path, struct io_map *ret, struct err *err) MUST_CHECK;
/* The same for an open file, which stays the caller's and may be closed right away; `name` is for messages. */
enum err_code io_map_fd(int fd, const char *name, struct io_map *ret, struct err *err) MUST_CHECK;

void io_unmap(struct io_map *map);
#define cleanup_map cleanup(io_unmap)

#endif
