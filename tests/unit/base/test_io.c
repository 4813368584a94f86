#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

/* Each test runs in an empty folder of its own. */
static int enter_folder(void **state)
{
	char name[] = "/tmp/tiro-test-XXXXXX";
	if (!mkdtemp(name) || chdir(name) != 0)
		return -1;
	*state = strdup(name);
	return *state ? 0 : -1;
}

static int leave_folder(void **state)
{
	cleanup_free char *name = *state;
	DIR *dir = opendir(".");
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		(void)remove(entry->d_name);
	(void)closedir(dir);
	return chdir("/") != 0 || rmdir(name) != 0;
}

static void write_file(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text, strlen(text), NULL), ERR_OK);
}

static int count_files(void)
{
	int count = 0;
	DIR *dir = opendir(".");
	assert_non_null(dir);
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		count += entry->d_name[0] != '.';
	(void)closedir(dir);
	return count;
}

static void a_file_is_read_whole(void **state)
{
	(void)state;
	write_file("a", "twelve bytes");
	cleanup_strbuf struct strbuf text = STRBUF_INIT(1000);
	assert_int_equal(io_read_file("a", &text, NULL), ERR_OK);
	assert_string_equal(strbuf_str(&text), "twelve bytes");
}

static void an_empty_file_is_an_empty_string(void **state)
{
	(void)state;
	write_file("a", "");
	cleanup_strbuf struct strbuf text = STRBUF_INIT(1000000);
	assert_int_equal(io_read_file("a", &text, NULL), ERR_OK);
	assert_int_equal(text.len, 0);
	assert_string_equal(strbuf_str(&text), "");
}

static void a_file_of_exactly_the_maximum_is_read_and_one_byte_more_is_too_big(void **state)
{
	(void)state;
	write_file("a", "12345");
	struct err err;
	cleanup_strbuf struct strbuf exact = STRBUF_INIT(5);
	assert_int_equal(io_read_file("a", &exact, &err), ERR_OK);
	assert_string_equal(strbuf_str(&exact), "12345");
	cleanup_strbuf struct strbuf small = STRBUF_INIT(4);
	assert_int_equal(io_read_file("a", &small, &err), ERR_TOO_BIG);
	assert_non_null(strstr(err.message, "\"a\""));
}

static void a_missing_file_is_named(void **state)
{
	(void)state;
	struct err err;
	cleanup_strbuf struct strbuf text = STRBUF_INIT(10);
	assert_int_equal(io_read_file("none.txt", &text, &err), ERR_NOT_FOUND);
	assert_string_equal(err.message, "could not open \"none.txt\": No such file or directory");
}

static void a_folder_cannot_be_read_as_a_file(void **state)
{
	(void)state;
	struct err err;
	cleanup_strbuf struct strbuf text = STRBUF_INIT(10);
	assert_int_equal(io_read_file(".", &text, &err), ERR_IO);
}

static void a_range_is_read_at_its_offset(void **state)
{
	(void)state;
	write_file("a", "0123456789");
	cleanup_close int fd = open("a", O_RDONLY | O_CLOEXEC);
	char bytes[4];
	assert_int_equal(io_pread_all(fd, bytes, 4, 6, NULL), ERR_OK);
	assert_memory_equal(bytes, "6789", 4);
	assert_int_equal(io_pread_all(fd, bytes, 4, 7, NULL), ERR_IO);
	assert_int_equal(io_pread_all(fd, bytes, 0, 100, NULL), ERR_OK);
}

static void a_full_disk_is_told(void **state)
{
	(void)state;
	cleanup_close int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		skip();
	assert_int_equal(io_write_all(fd, "x", 1, NULL), ERR_NO_SPACE);
}

static void folders_are_made_with_their_parents(void **state)
{
	(void)state;
	struct stat st;
	assert_int_equal(io_make_dirs("a/b//c/", NULL), ERR_OK);
	assert_int_equal(stat("a/b/c", &st), 0);
	assert_int_equal(io_make_dirs("a/b/c", NULL), ERR_OK);
	assert_int_equal(rmdir("a/b/c") | rmdir("a/b") | rmdir("a"), 0);
}

static void a_file_in_the_way_of_a_folder_is_an_error(void **state)
{
	(void)state;
	write_file("a", "");
	assert_int_equal(io_make_dirs("a", NULL), ERR_IO);
	assert_int_equal(io_make_dirs("a/b", NULL), ERR_IO);
	assert_int_equal(io_make_dirs("", NULL), ERR_NOT_FOUND);
}

static void an_atomic_file_appears_when_it_is_committed(void **state)
{
	(void)state;
	write_file("a", "old");
	struct io_atomic_file file;
	assert_int_equal(io_atomic_open("a", &file, NULL), ERR_OK);
	assert_int_equal(io_write_all(file.fd, "new", 3, NULL), ERR_OK);
	cleanup_strbuf struct strbuf before = STRBUF_INIT(10);
	assert_int_equal(io_read_file("a", &before, NULL), ERR_OK);
	assert_string_equal(strbuf_str(&before), "old");
	assert_int_equal(io_atomic_commit(&file, NULL), ERR_OK);
	cleanup_strbuf struct strbuf after = STRBUF_INIT(10);
	assert_int_equal(io_read_file("a", &after, NULL), ERR_OK);
	assert_string_equal(strbuf_str(&after), "new");
	assert_int_equal(count_files(), 1);
	io_atomic_discard(&file);
	assert_int_equal(count_files(), 1);
}

static void a_discarded_file_leaves_nothing(void **state)
{
	(void)state;
	struct io_atomic_file file;
	assert_int_equal(io_atomic_open("a", &file, NULL), ERR_OK);
	assert_int_equal(count_files(), 1);
	io_atomic_discard(&file);
	assert_int_equal(count_files(), 0);
	io_atomic_discard(&file);
}

static void an_atomic_file_has_the_mode_of_any_new_file(void **state)
{
	(void)state;
	mode_t old = umask(027);
	struct io_atomic_file file;
	assert_int_equal(io_atomic_open("a", &file, NULL), ERR_OK);
	assert_int_equal(io_atomic_commit(&file, NULL), ERR_OK);
	(void)umask(old);
	struct stat st;
	assert_int_equal(stat("a", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void a_commit_that_fails_leaves_nothing(void **state)
{
	(void)state;
	struct io_atomic_file file;
	assert_int_equal(io_atomic_open("a", &file, NULL), ERR_OK);
	assert_int_equal(mkdir("a", 0777), 0);
	struct err err;
	assert_int_not_equal(io_atomic_commit(&file, &err), ERR_OK);
	assert_int_equal(count_files(), 1);
}

static void a_sealed_memory_file_is_mapped(void **state)
{
	(void)state;
	cleanup_close int fd = -1;
	assert_int_equal(io_memfd("test", &fd, NULL), ERR_OK);
	assert_int_equal(io_write_all(fd, "pixels", 6, NULL), ERR_OK);
	assert_int_equal(io_memfd_seal(fd, NULL), ERR_OK);
	assert_int_equal(write(fd, "x", 1), -1);
	cleanup_map struct io_map map = { 0 };
	assert_int_equal(io_map_sealed(fd, 5, &map, NULL), ERR_TOO_BIG);
	assert_int_equal(io_map_sealed(fd, 6, &map, NULL), ERR_OK);
	assert_int_equal(map.size, 6);
	assert_memory_equal(map.data, "pixels", 6);
}

static void an_empty_sealed_memory_file_maps_to_nothing(void **state)
{
	(void)state;
	cleanup_close int fd = -1;
	assert_int_equal(io_memfd("test", &fd, NULL), ERR_OK);
	assert_int_equal(io_memfd_seal(fd, NULL), ERR_OK);
	cleanup_map struct io_map map = { 0 };
	assert_int_equal(io_map_sealed(fd, 10, &map, NULL), ERR_OK);
	assert_null(map.data);
}

static void a_descriptor_that_its_sender_could_change_is_refused(void **state)
{
	(void)state;
	struct io_map map;
	cleanup_close int fd = -1;
	assert_int_equal(io_memfd("test", &fd, NULL), ERR_OK);
	assert_int_equal(io_map_sealed(fd, 10, &map, NULL), ERR_PROTOCOL);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_int_equal(io_map_sealed(fd, 10, &map, NULL), ERR_PROTOCOL);
	write_file("a", "x");
	cleanup_close int file = open("a", O_RDWR | O_CLOEXEC);
	assert_int_equal(io_map_sealed(file, 10, &map, NULL), ERR_PROTOCOL);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_file_is_read_whole),
		IN_FOLDER(an_empty_file_is_an_empty_string),
		IN_FOLDER(a_file_of_exactly_the_maximum_is_read_and_one_byte_more_is_too_big),
		IN_FOLDER(a_missing_file_is_named),
		IN_FOLDER(a_folder_cannot_be_read_as_a_file),
		IN_FOLDER(a_range_is_read_at_its_offset),
		IN_FOLDER(a_full_disk_is_told),
		IN_FOLDER(folders_are_made_with_their_parents),
		IN_FOLDER(a_file_in_the_way_of_a_folder_is_an_error),
		IN_FOLDER(an_atomic_file_appears_when_it_is_committed),
		IN_FOLDER(a_discarded_file_leaves_nothing),
		IN_FOLDER(an_atomic_file_has_the_mode_of_any_new_file),
		IN_FOLDER(a_commit_that_fails_leaves_nothing),
		IN_FOLDER(a_sealed_memory_file_is_mapped),
		IN_FOLDER(an_empty_sealed_memory_file_maps_to_nothing),
		IN_FOLDER(a_descriptor_that_its_sender_could_change_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
