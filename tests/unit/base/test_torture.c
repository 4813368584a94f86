/*
 * Every allocation that a sequence of base calls makes fails once, in turn: nothing leaks (LeakSanitizer), nothing
 * crashes, and the failure is told. The linker routes malloc and its kin through the wrappers here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"

enum { NEVER = -1 };

static int allocations_left = NEVER;

static bool may_allocate(void)
{
	if (allocations_left == NEVER)
		return true;
	if (allocations_left == 0)
		return false;
	allocations_left--;
	return true;
}

/* The names are the linker's (ld(1), --wrap). */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *str);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *str);

void *__wrap_malloc(size_t size)
{
	return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
	return may_allocate() ? __real_realloc(old, size) : NULL;
}

char *__wrap_strdup(const char *str)
{
	return may_allocate() ? __real_strdup(str) : NULL;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c) */

typedef enum err_code scenario(const char *path, struct err *err);

/* Runs the scenario with 0, 1, 2... allocations until it succeeds; each failure must be about memory. */
static void torture(scenario *run, const char *path)
{
	enum { ENOUGH = 100 };
	for (int allowed = 0; allowed < ENOUGH; allowed++) {
		struct err err = { 0 };
		allocations_left = allowed;
		enum err_code code = run(path, &err);
		allocations_left = NEVER;
		if (code == ERR_OK) {
			assert_true(allowed > 0);
			return;
		}
		assert_true(code == ERR_NO_MEMORY || code == ERR_TOO_BIG);
		assert_true(strlen(err.message) > 0);
	}
	fail_msg("still failing with %d allocations", ENOUGH);
}

static enum err_code write_json(const char *path, struct err *err)
{
	(void)path;
	cleanup_strbuf struct strbuf out = STRBUF_INIT(100000);
	struct json json = JSON_INIT(&out);
	json_array(&json);
	for (int i = 0; i < 1000; i++)
		json_str(&json, "word");
	json_array_end(&json);
	enum err_code code = strbuf_check(&out, "the list", err);
	cleanup_free char *stolen = strbuf_steal(&out);
	return code == ERR_OK || stolen == NULL ? code : ERR_INTERNAL;
}

static enum err_code write_and_read_file(const char *path, struct err *err)
{
	struct io_atomic_file file;
	enum err_code code = io_atomic_open(path, &file, err);
	if (code != ERR_OK)
		return code;
	code = io_write_all(file.fd, "text", 4, err);
	if (code != ERR_OK) {
		io_atomic_discard(&file);
		return code;
	}
	code = io_atomic_commit(&file, err);
	if (code != ERR_OK)
		return code;
	cleanup_strbuf struct strbuf text = STRBUF_INIT(1000000);
	code = io_read_file(path, &text, err);
	if (code != ERR_OK)
		return code;
	return io_make_dirs("/", err);
}

static void a_json_writer_without_memory_says_so(void **state)
{
	(void)state;
	torture(write_json, NULL);
}

static void a_file_without_memory_says_so(void **state)
{
	(void)state;
	char path[] = "/tmp/tiro-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	(void)close(fd);
	torture(write_and_read_file, path);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_json_writer_without_memory_says_so),
		cmocka_unit_test(a_file_without_memory_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
