/* Shared by the tests of this room. */
#ifndef TIRO_TEST_ASR_TEST_H
#define TIRO_TEST_ASR_TEST_H

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/strbuf.h"

enum { TEST_SKIPPED = 77, WAV_HEAD = 44 };

#define assert_ok(call, error)                                                                                         \
	do {                                                                                                           \
		enum err_code code_ = (call);                                                                          \
		if (code_)                                                                                             \
			fail_msg("%s: %s", err_name(code_), (error)->message);                                         \
	} while (0)

/* Opens a file of a folder that a variable names, or that lies at `fallback` below the source folder; -1: absent. */
static inline int open_test_file(const char *variable, const char *fallback, const char *name)
{
	char path[PATH_MAX];
	const char *dir = getenv(variable);
	if (dir)
		snprintf(path, sizeof path, "%s/%s", dir, name);
	else
		snprintf(path, sizeof path, "%s/%s/%s", TEST_SOURCE_ROOT, fallback, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static inline int open_model(const char *name)
{
	return open_test_file("TIRO_MODELS", "../dev-models", name);
}

static inline int open_sample(const char *name)
{
	return open_test_file("TIRO_SAMPLES", "../shared/samples", name);
}

/* Appends everything behind a descriptor and closes it. */
static inline void read_all(int fd, struct strbuf *out)
{
	char buffer[65536];
	ssize_t n;
	while ((n = read(fd, buffer, sizeof buffer)) > 0)
		strbuf_add(out, buffer, (size_t)n);
	close(fd);
}

#endif
