/*
 * For cmocka tests that need files: an empty folder of their own, removed after, and small helpers in it.
 */
#ifndef TIRO_TESTS_SUPPORT_SCRATCH_H
#define TIRO_TESTS_SUPPORT_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/strbuf.h"

/* Setup and teardown: the folder's path is in *state and is the current folder. */
static inline int scratch_enter(void **state)
{
	char name[] = "/tmp/tiro-test-XXXXXX";
	if (!mkdtemp(name) || chdir(name) != 0)
		return -1;
	*state = strdup(name);
	return *state ? 0 : -1;
}

static inline int scratch_remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline int scratch_leave(void **state)
{
	cleanup_free char *name = *state;
	return chdir("/") != 0 || nftw(name, scratch_remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0;
}

static inline void scratch_write(const char *path, const void *bytes, size_t len)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, bytes, len, NULL), ERR_OK);
}

static inline void scratch_read(const char *path, struct strbuf *ret)
{
	strbuf_clear(ret);
	assert_int_equal(io_read_file(path, ret, NULL), ERR_OK);
}

static inline bool scratch_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* Entries of a folder, the hidden ones too. */
static inline int scratch_count(const char *folder)
{
	int count = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	(void)closedir(dir);
	return count;
}

#endif
