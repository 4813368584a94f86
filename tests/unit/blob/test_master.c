#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "blob/master.h"
#include "support/scratch.h"

#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static enum err_code load_text(const char *text, struct master_key *ret, struct err *err)
{
	return master_key_load(&(struct master_source){ .setting = "KEY", .text = text }, ret, err);
}

static enum err_code load_path(const char *path, struct master_key *ret, struct err *err)
{
	return master_key_load(&(struct master_source){ .setting = "KEY_FILE", .path = path }, ret, err);
}

static enum err_code run(const char *command, int timeout_ms, struct master_key *ret, struct err *err)
{
	const struct master_source source = { .setting = "KEY_COMMAND",
					      .command = command,
					      .command_timeout_ms = timeout_ms };
	return master_key_load(&source, ret, err);
}

static void a_line_names_a_key(void **state)
{
	(void)state;
	static const unsigned char zeros[KEY_BYTES] = { 0 };
	struct master_key key;
	assert_int_equal(load_text("main:12:" ZEROS "\r\n", &key, NULL), ERR_OK);
	assert_string_equal(key.id, "main");
	assert_int_equal(key.version, 12);
	assert_memory_equal(key.bytes, zeros, sizeof zeros);
}

static void a_line_of_another_form_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"main",
		"main:1",
		"main:1:",
		":1:" ZEROS,
		"Main:1:" ZEROS,
		"main:0:" ZEROS,
		"main:-1:" ZEROS,
		"main:99999999999:" ZEROS,
		"main:1x:" ZEROS,
		"main:1:" ZEROS ZEROS,
		"main:1:AAAA",
		"main:1:" ZEROS "\nmore",
		"aaaaaaaaaabbbbbbbbbbccccccccccddd:1:" ZEROS,
		"0000000000000000000000000000000000000000000000000000000000000000",
	};
	struct master_key key;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = { 0 };
		assert_int_equal(load_text(bad[i], &key, &err), ERR_INVALID);
		assert_string_equal(err.message,
				    "the master key of KEY is not of the form ID:VERSION:BASE64 of 32 bytes");
	}
	char longest[2000];
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	struct err err = { 0 };
	assert_int_equal(load_text(longest, &key, &err), ERR_INVALID);
}

static void a_missing_key_is_an_error_that_names_it(void **state)
{
	(void)state;
	struct master_key key;
	struct err err = { 0 };
	assert_int_equal(master_key_load(&(struct master_source){ .setting = "TIRO_KEY" }, &key, &err), ERR_NOT_FOUND);
	assert_string_equal(err.message, "there is no master key: TIRO_KEY is not set");
	assert_int_equal(load_path("nowhere", &key, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.message, "\"nowhere\" of KEY_FILE"));
}

static void a_saved_key_is_loaded_again(void **state)
{
	(void)state;
	struct master_key key, back, other;
	struct err err = { 0 };
	struct stat st;
	assert_int_equal(master_key_new("main", 7, &key, &err), ERR_OK);
	assert_int_equal(master_key_new("main", 7, &other, &err), ERR_OK);
	assert_memory_not_equal(key.bytes, other.bytes, sizeof key.bytes);
	assert_int_equal(master_key_save(&key, "key", &err), ERR_OK);
	assert_int_equal(stat("key", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(load_path("key", &back, &err), ERR_OK);
	assert_string_equal(back.id, "main");
	assert_int_equal(back.version, 7);
	assert_memory_equal(back.bytes, key.bytes, sizeof key.bytes);
	assert_int_equal(master_key_save(&other, "key", &err), ERR_DENIED);
	assert_int_equal(load_path("key", &back, &err), ERR_OK);
	assert_memory_equal(back.bytes, key.bytes, sizeof key.bytes);
	assert_int_equal(master_key_new("No", 1, &key, &err), ERR_INVALID);
	assert_int_equal(master_key_new("no", 0, &key, &err), ERR_INVALID);
}

static void a_file_that_others_may_read_is_refused(void **state)
{
	(void)state;
	static const mode_t modes[] = { 0640, 0604, 0620, 0666, 0611 };
	struct master_key key;
	struct err err = { 0 };
	scratch_write("key", "main:1:" ZEROS, strlen("main:1:" ZEROS));
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		assert_int_equal(chmod("key", modes[i]), 0);
		assert_int_equal(load_path("key", &key, &err), ERR_DENIED);
		assert_non_null(strstr(err.message, "mode 0600"));
	}
	assert_int_equal(chmod("key", 0400), 0);
	assert_int_equal(load_path("key", &key, &err), ERR_OK);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(load_path("fifo", &key, &err), ERR_INVALID);
	assert_int_equal(load_path(".", &key, &err), ERR_INVALID);
}

static void a_command_prints_the_key(void **state)
{
	(void)state;
	struct master_key key;
	struct err err = { 0 };
	assert_int_equal(run("printf 'main:3:'; printf '%s\\n' " ZEROS, 0, &key, &err), ERR_OK);
	assert_int_equal(key.version, 3);
}

static void a_command_that_fails_is_an_error(void **state)
{
	(void)state;
	struct master_key key;
	struct err err = { 0 };
	assert_int_equal(run("printf 'main:3:%s\\n' " ZEROS "; exit 3", 0, &key, &err), ERR_UNAVAILABLE);
	assert_string_equal(err.message, "the command of KEY_COMMAND failed with status 3");
	assert_int_equal(run("kill -9 $$", 0, &key, &err), ERR_UNAVAILABLE);
	assert_string_equal(err.message, "the command of KEY_COMMAND was ended by signal 9");
	assert_int_equal(run("true", 0, &key, &err), ERR_INVALID);
	assert_int_equal(run("cat", 0, &key, &err), ERR_INVALID);
	assert_int_equal(run("yes", 0, &key, &err), ERR_UNAVAILABLE);
}

static void a_command_that_does_not_end_is_killed(void **state)
{
	(void)state;
	struct master_key key;
	struct err err = { 0 };
	int64_t start_us = clock_monotonic_us();
	assert_int_equal(run("exec sleep 100", 100, &key, &err), ERR_TIMEOUT);
	assert_int_equal(run("printf 'main:3:%s\\n' " ZEROS "; exec sleep 100 >&-", 100, &key, &err), ERR_UNAVAILABLE);
	assert_true(clock_monotonic_us() - start_us < 20 * US_PER_S);
}

int main(void)
{
#define SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_enter, scratch_leave)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_names_a_key),
		cmocka_unit_test(a_line_of_another_form_is_refused),
		SCRATCH(a_missing_key_is_an_error_that_names_it),
		SCRATCH(a_saved_key_is_loaded_again),
		SCRATCH(a_file_that_others_may_read_is_refused),
		cmocka_unit_test(a_command_prints_the_key),
		cmocka_unit_test(a_command_that_fails_is_an_error),
		cmocka_unit_test(a_command_that_does_not_end_is_killed),
	};
#undef SCRATCH
	return cmocka_run_group_tests(tests, NULL, NULL);
}
