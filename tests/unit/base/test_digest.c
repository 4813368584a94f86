#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/io.h"

/* FIPS 180-2, appendix B. */
static const char abc_sha256[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char empty_sha256[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static void the_standard_s_examples_come_out(void **state)
{
	(void)state;
	cleanup_sha256 struct sha256 *hash = NULL;
	char hex[SHA256_HEX_SIZE];
	assert_int_equal(sha256_new(&hash, NULL), ERR_OK);
	assert_int_equal(sha256_add(hash, "a", 1, NULL), ERR_OK);
	assert_int_equal(sha256_add(hash, "bc", 2, NULL), ERR_OK);
	assert_int_equal(sha256_finish(hash, hex, NULL), ERR_OK);
	assert_string_equal(hex, abc_sha256);
	assert_int_equal(sha256_restart(hash, NULL), ERR_OK);
	assert_int_equal(sha256_finish(hash, hex, NULL), ERR_OK);
	assert_string_equal(hex, empty_sha256);
}

static void a_file_is_hashed_and_mapped_whole(void **state)
{
	(void)state;
	char path[] = "/tmp/tiro-test-XXXXXX";
	char hex[SHA256_HEX_SIZE];
	cleanup_map struct io_map map = { 0 };
	cleanup_close int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(io_map_file(path, &map, NULL), ERR_OK);
	assert_int_equal(map.size, 0);
	assert_int_equal(io_write_all(fd, "abc", 3, NULL), ERR_OK);
	assert_int_equal(sha256_of_path(path, hex, NULL), ERR_OK);
	assert_string_equal(hex, abc_sha256);
	assert_int_equal(io_map_file(path, &map, NULL), ERR_OK);
	assert_int_equal(map.size, 3);
	assert_memory_equal(map.data, "abc", 3);
	assert_int_equal(unlink(path), 0);
}

static void a_missing_file_and_a_folder_are_told(void **state)
{
	(void)state;
	char hex[SHA256_HEX_SIZE] = "untouched";
	struct io_map map = { 0 };
	struct err err;
	assert_int_equal(sha256_of_path("/nonexistent/file", hex, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.message, "/nonexistent/file"));
	assert_string_equal(hex, "untouched");
	assert_int_not_equal(sha256_of_path("/", hex, &err), ERR_OK);
	assert_int_equal(io_map_file("/", &map, &err), ERR_INVALID);
	assert_int_equal(io_map_file("/nonexistent/file", &map, &err), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_standard_s_examples_come_out),
		cmocka_unit_test(a_file_is_hashed_and_mapped_whole),
		cmocka_unit_test(a_missing_file_and_a_folder_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
