#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "http/fetch.h"
#include "support/file_server.h"

enum { FILE_BYTES = 300000 };

struct fixture {
	void *folder;
	struct file_server server;
	unsigned char bytes[FILE_BYTES];
	char sha256[SHA256_HEX_SIZE];
	char url[256];
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof *f);
	if (scratch_enter(&f->folder) != 0)
		return -1;
	file_server_start(&f->server);
	uint32_t x = 1;
	for (size_t i = 0; i < FILE_BYTES; i++) {
		x = x * 1664525u + 1013904223u;
		f->bytes[i] = (unsigned char)(x >> 24);
	}
	scratch_write("files/f", f->bytes, FILE_BYTES);
	*state = f;
	return sha256_of_path("files/f", f->sha256, NULL) ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	file_server_stop(&f->server);
	int result = scratch_leave(&f->folder);
	test_free(f);
	return result;
}

static enum err_code fetch(struct fixture *f, const char *path, char ret_sha256[SHA256_HEX_SIZE])
{
	struct fetch_request request = { .url = file_server_url(&f->server, path, f->url),
					 .partial_path = "part",
					 .max_bytes = FILE_BYTES };
	return fetch_file(&request, ret_sha256, &f->err);
}

static void expect_whole(struct fixture *f, const char *path)
{
	char sha256[SHA256_HEX_SIZE];
	cleanup_strbuf struct strbuf got = STRBUF_INIT(FILE_BYTES + 1);
	if (fetch(f, path, sha256) != ERR_OK)
		fail_msg("%s", f->err.message);
	assert_string_equal(sha256, f->sha256);
	scratch_read("part", &got);
	assert_int_equal(got.len, FILE_BYTES);
	assert_memory_equal(got.data, f->bytes, FILE_BYTES);
}

static size_t log_contains(const char *text)
{
	cleanup_strbuf struct strbuf log = STRBUF_INIT(100000);
	scratch_read("log", &log);
	size_t count = 0;
	for (const char *p = strbuf_str(&log); (p = strstr(p, text)); p++)
		count++;
	return count;
}

static void a_file_is_downloaded_and_hashed(void **state)
{
	expect_whole(*state, "good/f");
	assert_int_equal(log_contains("/good/f - -"), 1);
}

static void a_broken_connection_is_continued_with_range_and_if_range(void **state)
{
	expect_whole(*state, "drop/f");
	assert_int_equal(log_contains("/drop/f - -"), 1);
	assert_true(log_contains("/drop/f bytes=100000- \"v1\"") == 1);
}

static void a_later_call_goes_on_with_what_an_earlier_one_left(void **state)
{
	struct fixture *f = *state;
	char note[512];
	scratch_write("part", f->bytes, 123456);
	int n = snprintf(note, sizeof note, "%s\n\"v1\"\n", file_server_url(&f->server, "good/f", f->url));
	scratch_write("part.from", note, (size_t)n);
	expect_whole(f, "good/f");
	assert_int_equal(log_contains("bytes=123456- \"v1\""), 1);
}

static void bytes_of_another_address_are_not_kept(void **state)
{
	struct fixture *f = *state;
	static const char note[] = "http://127.0.0.1:1/other\n\"v1\"\n";
	scratch_write("part", "junk", 4);
	scratch_write("part.from", note, strlen(note));
	expect_whole(f, "good/f");
	assert_int_equal(log_contains("bytes="), 0);
}

static void bytes_without_a_note_are_not_kept(void **state)
{
	scratch_write("part", "junk", 4);
	expect_whole(*state, "good/f");
	assert_int_equal(log_contains("bytes="), 0);
}

static void a_complete_partial_file_needs_no_more_bytes(void **state)
{
	struct fixture *f = *state;
	expect_whole(f, "good/f");
	expect_whole(f, "good/f");
	assert_int_equal(log_contains("bytes=300000-"), 1);
}

static void a_file_that_changed_is_taken_anew_and_never_mixed(void **state)
{
	struct fixture *f = *state;
	char sha256[SHA256_HEX_SIZE];
	/* Each answer is another version and each breaks: it cannot end well, but it must end, and without a mixture.
	 */
	assert_int_equal(fetch(f, "changed/f", sha256), ERR_NETWORK);
	cleanup_strbuf struct strbuf got = STRBUF_INIT(FILE_BYTES + 1);
	scratch_read("part", &got);
	assert_true(got.len <= FILE_BYTES / 3);
}

static void without_a_validator_every_try_starts_over(void **state)
{
	struct fixture *f = *state;
	char sha256[SHA256_HEX_SIZE];
	assert_int_equal(fetch(f, "noetag/f", sha256), ERR_NETWORK);
	assert_int_equal(log_contains("bytes="), 0);
	assert_int_equal(log_contains("/noetag/f"), 1 + FETCH_IDLE_TRIES);
}

static void an_answer_that_ignores_the_range_starts_the_file_over(void **state)
{
	expect_whole(*state, "ignore/f");
	assert_int_equal(log_contains("bytes=100000-"), 1);
}

static void an_answer_with_another_range_starts_the_file_over(void **state)
{
	expect_whole(*state, "shift/f");
	assert_int_equal(log_contains("/shift/f - -"), 2);
}

static void a_length_that_lies_upwards_ends_at_the_real_end(void **state)
{
	struct fixture *f = *state;
	char sha256[SHA256_HEX_SIZE];
	struct fetch_request request = { .url = file_server_url(&f->server, "long/f", f->url),
					 .partial_path = "part",
					 .max_bytes = FILE_BYTES + 5000 };
	assert_int_equal(fetch_file(&request, sha256, &f->err), ERR_OK);
	assert_string_equal(sha256, f->sha256);
}

static void a_length_over_the_maximum_is_refused_before_its_bytes(void **state)
{
	struct fixture *f = *state;
	char sha256[SHA256_HEX_SIZE];
	assert_int_equal(fetch(f, "long/f", sha256), ERR_TOO_BIG);
	assert_false(scratch_exists("part"));
}

static void a_body_without_end_stops_at_the_maximum(void **state)
{
	struct fixture *f = *state;
	char sha256[SHA256_HEX_SIZE];
	struct stat st;
	assert_int_equal(fetch(f, "endless/f", sha256), ERR_TOO_BIG);
	assert_int_equal(stat("part", &st), 0);
	assert_true(st.st_size <= FILE_BYTES);
}

static void wrong_bytes_have_another_hash(void **state)
{
	struct fixture *f = *state;
	char sha256[SHA256_HEX_SIZE];
	assert_int_equal(fetch(f, "wrong/f", sha256), ERR_OK);
	assert_string_not_equal(sha256, f->sha256);
}

static void a_busy_server_is_asked_again(void **state)
{
	expect_whole(*state, "busy/f");
	assert_int_equal(log_contains("/busy/f"), 3);
}

static void a_redirect_is_followed(void **state)
{
	expect_whole(*state, "redirect/f");
}

static void a_missing_file_is_told_with_its_status_and_leaves_the_error_page_out(void **state)
{
	struct fixture *f = *state;
	char sha256[SHA256_HEX_SIZE];
	assert_int_equal(fetch(f, "status/404/f", sha256), ERR_NETWORK);
	assert_non_null(strstr(f->err.message, "404"));
	assert_int_equal(scratch_count("."), 2);
}

static void a_host_that_is_not_there_fails_at_once(void **state)
{
	struct fixture *f = *state;
	char sha256[SHA256_HEX_SIZE];
	struct fetch_request request = { .url = "http://127.0.0.1:1/f", .partial_path = "part", .max_bytes = 10 };
	int64_t start_us = clock_monotonic_us();
	assert_int_equal(fetch_file(&request, sha256, &f->err), ERR_NETWORK);
	assert_true(clock_monotonic_us() - start_us < 3 * US_PER_S);
}

static void other_protocols_are_not_spoken(void **state)
{
	struct fixture *f = *state;
	char sha256[SHA256_HEX_SIZE];
	struct fetch_request request = { .url = "file:///etc/hostname", .partial_path = "part", .max_bytes = 1000 };
	assert_int_equal(fetch_file(&request, sha256, &f->err), ERR_NETWORK);
}

static bool stop_after_a_while(void *owner, uint64_t done_bytes, uint64_t total_bytes)
{
	(void)owner;
	assert_true(total_bytes == FILE_BYTES || done_bytes == 0);
	return done_bytes < 50000;
}

static void a_stopped_download_can_be_continued(void **state)
{
	struct fixture *f = *state;
	char sha256[SHA256_HEX_SIZE];
	struct fetch_request request = { .url = file_server_url(&f->server, "slow/f", f->url),
					 .partial_path = "part",
					 .max_bytes = FILE_BYTES,
					 .on_progress = stop_after_a_while };
	assert_int_equal(fetch_file(&request, sha256, &f->err), ERR_CANCELLED);
	expect_whole(f, "slow/f");
	assert_int_equal(log_contains("/slow/f - -"), 1);
}

static void forgetting_removes_the_note_and_the_file(void **state)
{
	expect_whole(*state, "good/f");
	assert_true(scratch_exists("part.from"));
	fetch_forget("part", false);
	assert_false(scratch_exists("part.from"));
	assert_true(scratch_exists("part"));
	fetch_forget("part", true);
	assert_false(scratch_exists("part"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_downloaded_and_hashed),
		TEST(a_broken_connection_is_continued_with_range_and_if_range),
		TEST(a_later_call_goes_on_with_what_an_earlier_one_left),
		TEST(bytes_of_another_address_are_not_kept),
		TEST(bytes_without_a_note_are_not_kept),
		TEST(a_complete_partial_file_needs_no_more_bytes),
		TEST(a_file_that_changed_is_taken_anew_and_never_mixed),
		TEST(without_a_validator_every_try_starts_over),
		TEST(an_answer_that_ignores_the_range_starts_the_file_over),
		TEST(an_answer_with_another_range_starts_the_file_over),
		TEST(a_length_that_lies_upwards_ends_at_the_real_end),
		TEST(a_length_over_the_maximum_is_refused_before_its_bytes),
		TEST(a_body_without_end_stops_at_the_maximum),
		TEST(wrong_bytes_have_another_hash),
		TEST(a_busy_server_is_asked_again),
		TEST(a_redirect_is_followed),
		TEST(a_missing_file_is_told_with_its_status_and_leaves_the_error_page_out),
		TEST(a_host_that_is_not_there_fails_at_once),
		TEST(other_protocols_are_not_spoken),
		TEST(a_stopped_download_can_be_continued),
		TEST(forgetting_removes_the_note_and_the_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
