/* Where results go: names, checks before any work, and what may be replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "cli/output.h"

/* Each test runs in an empty folder of its own. */
static int enter_folder(void **state)
{
	char name[] = "/tmp/tiro-test-XXXXXX";
	if (!mkdtemp(name) || chdir(name) != 0)
		return -1;
	*state = strdup(name);
	return *state ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int leave_folder(void **state)
{
	cleanup_free char *name = *state;
	return chdir("/") != 0 || nftw(name, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0;
}

static void write_file(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, text, strlen(text), NULL), ERR_OK);
}

static void assert_file(const char *path, const char *text)
{
	cleanup_strbuf struct strbuf content = STRBUF_INIT(1000);
	struct err err;
	assert_int_equal(io_read_file(path, &content, &err), ERR_OK);
	assert_string_equal(strbuf_str(&content), text);
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__ })

static enum err_code init(const char *path, const char *const *names, int count, struct output *ret, struct err *err)
{
	return output_init(path, names, count, "txt", ret, err);
}

static void store(const char *path, const char *name, const char *text)
{
	struct output output;
	struct err err;
	assert_int_equal(init(path, &name, 1, &output, &err), ERR_OK);
	assert_int_equal(output_store(&output, name, text, strlen(text), &err), ERR_OK);
}

static void a_folder_gets_a_file_for_each_input_and_is_made(void **state)
{
	(void)state;
	struct output output;
	struct err err;
	assert_int_equal(init("new/deep", NAMES("x/a.wav", "b", "-"), 3, &output, &err), ERR_OK);
	assert_int_equal(output_store(&output, "x/a.wav", "A", 1, &err), ERR_OK);
	assert_int_equal(output_store(&output, "b", "B", 1, &err), ERR_OK);
	assert_int_equal(output_store(&output, "-", "S", 1, &err), ERR_OK);
	assert_file("new/deep/a.txt", "A");
	assert_file("new/deep/b.txt", "B");
	assert_file("new/deep/stdin.txt", "S");
}

static void two_inputs_of_one_name_are_refused_before_any_work(void **state)
{
	(void)state;
	struct output output;
	struct err err;
	assert_int_equal(init("out", NAMES("x/a.wav", "b.wav", "y/a.mp3"), 3, &output, &err), ERR_USAGE);
	assert_non_null(strstr(err.message, "x/a.wav"));
	assert_non_null(strstr(err.message, "y/a.mp3"));
	assert_int_equal(access("out", F_OK), -1);
}

static void a_result_never_takes_the_place_of_its_input(void **state)
{
	(void)state;
	struct output output;
	struct err err;
	write_file("a.txt", "input");
	assert_int_equal(symlink("a.txt", "link.txt"), 0);
	assert_int_equal(init("a.txt", NAMES("./a.txt"), 1, &output, &err), ERR_USAGE);
	assert_int_equal(init("link.txt", NAMES("a.txt"), 1, &output, &err), ERR_USAGE);
	assert_int_equal(init("./", NAMES("a.txt"), 1, &output, &err), ERR_USAGE);
	assert_file("a.txt", "input");
}

static void a_place_where_nothing_can_be_created_is_told_before_any_work(void **state)
{
	(void)state;
	struct output output;
	struct err err;
	write_file("file", "");
	assert_int_equal(init("nowhere/a.txt", NAMES("a"), 1, &output, &err), ERR_CANT_CREATE);
	assert_int_equal(init("file/a.txt", NAMES("a"), 1, &output, &err), ERR_CANT_CREATE);
	assert_int_equal(init("file/", NAMES("a"), 1, &output, &err), ERR_CANT_CREATE);
	assert_int_equal(init("", NAMES("a"), 1, &output, &err), ERR_USAGE);
	assert_int_equal(err_exit_status(ERR_CANT_CREATE), EX_CANTCREAT);
}

static void a_pipe_is_written_to_and_stays_a_pipe(void **state)
{
	(void)state;
	struct stat st;
	char text[8] = "";
	assert_int_equal(mkfifo("pipe", 0600), 0);
	cleanup_close int reader = open("pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	store("pipe", "a.wav", "text");
	assert_int_equal(read(reader, text, sizeof text), 4);
	assert_string_equal(text, "text");
	assert_int_equal(lstat("pipe", &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
}

static void a_device_is_written_to_and_stays_a_device(void **state)
{
	(void)state;
	struct output output;
	struct err err;
	struct stat st;
	/* A link into a folder of ours: a defect here would replace the link, not the machine's device. */
	assert_int_equal(symlink("/dev/full", "full"), 0);
	assert_int_equal(init("full", NAMES("a"), 1, &output, &err), ERR_OK);
	assert_int_equal(output_store(&output, "a", "text", 4, &err), ERR_NO_SPACE);
	assert_non_null(strstr(err.message, "\"full\""));
	assert_int_equal(lstat("full", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void a_file_that_is_there_keeps_its_mode_and_a_link_stays_one(void **state)
{
	(void)state;
	struct stat st;
	write_file("real.txt", "old");
	assert_int_equal(chmod("real.txt", 0600), 0);
	assert_int_equal(symlink("real.txt", "link.txt"), 0);
	store("link.txt", "a.wav", "new");
	assert_file("real.txt", "new");
	assert_int_equal(lstat("link.txt", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat("real.txt", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_folder_gets_a_file_for_each_input_and_is_made),
		IN_FOLDER(two_inputs_of_one_name_are_refused_before_any_work),
		IN_FOLDER(a_result_never_takes_the_place_of_its_input),
		IN_FOLDER(a_place_where_nothing_can_be_created_is_told_before_any_work),
		IN_FOLDER(a_pipe_is_written_to_and_stays_a_pipe),
		IN_FOLDER(a_device_is_written_to_and_stays_a_device),
		IN_FOLDER(a_file_that_is_there_keeps_its_mode_and_a_link_stays_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
