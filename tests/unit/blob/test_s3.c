#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "blob/s3.h"
#include "blob/vault.h"
#include "contract.h"
#include "support/scratch.h"

#define PART S3_PART_BYTES
#define ACCESS_KEY "tester"
#define SECRET_KEY "a-secret-that-no-message-shows"

/* One server for all tests; it lives in a folder that is the current one. */
static struct {
	pid_t pid;
	int stdin_fd;
	int port, tls_port;
	void *folder;
} server;

static void server_start(const char *program)
{
	int in[2], out[2];
	char line[32] = "", *end = line;
	assert_int_equal(scratch_enter(&server.folder), 0);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	server.pid = fork();
	assert_true(server.pid >= 0);
	if (server.pid == 0) {
		if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0)
			_exit(1);
		for (int fd = 3; fd < 64; fd++)
			(void)close(fd);
		(void)execlp("python3", "python3", TIRO_SOURCE_ROOT "/tests/support/s3_server.py", program, ACCESS_KEY,
			     SECRET_KEY, (char *)NULL);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	server.stdin_fd = in[1];
	FILE *answer = fdopen(out[0], "r");
	assert_non_null(answer);
	assert_non_null(fgets(line, sizeof line, answer));
	(void)fclose(answer);
	server.port = (int)strtol(line, &end, 10);
	server.tls_port = (int)strtol(end, NULL, 10);
	assert_true(server.port > 0 && server.tls_port > 0);
}

static void server_stop(void)
{
	(void)close(server.stdin_fd);
	(void)waitpid(server.pid, NULL, 0);
	(void)scratch_leave(&server.folder);
}

static struct blob_store *open_all(const char *scheme, int port, const char *secret_text, const char *ca_file,
				   const char *token_text)
{
	struct blob_store *store;
	struct err err = { 0 };
	cleanup_secret struct secret token = { 0 };
	char endpoint[64];
	cleanup_secret struct secret secret = { 0 };
	assert_int_equal(secret_set(&secret, secret_text, strlen(secret_text), &err), ERR_OK);
	assert_int_equal(secret_set(&token, token_text, strlen(token_text), &err), ERR_OK);
	(void)snprintf(endpoint, sizeof endpoint, "%s://127.0.0.1:%d", scheme, port);
	const struct blob_s3_settings settings = { .endpoint = endpoint,
						   .region = "us-east-1",
						   .bucket = "bucket",
						   .access_key = ACCESS_KEY,
						   .secret_key = &secret,
						   .session_token = &token,
						   .ca_file = ca_file,
						   .tries = 3,
						   .pause_us = 1000 };
	if (blob_s3_open(&settings, &store, &err))
		fail_msg("%s", err.message);
	return store;
}

static struct blob_store *open_with(const char *scheme, int port, const char *secret_text, const char *ca_file)
{
	return open_all(scheme, port, secret_text, ca_file, "");
}

/* An empty bucket, and no faults. */
static int open_store(void **state)
{
	struct contract *contract = calloc(1, sizeof *contract);
	*state = contract;
	if (!contract)
		return -1;
	(void)unlink("faults");
	(void)unlink("requests");
	(void)nftw("s3/bucket", scratch_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	if (mkdir("s3/bucket", 0777) != 0)
		return -1;
	contract->store = open_with("http", server.port, SECRET_KEY, NULL);
	return 0;
}

static int close_store(void **state)
{
	struct contract *contract = *state;
	blob_close(contract->store);
	free(contract);
	return 0;
}

static struct blob_store *store_of(void **state)
{
	return ((struct contract *)*state)->store;
}

/* Sets the rules of the proxy (s3_server.py). */
static void inject(const char *rules)
{
	scratch_write("faults.new", rules, strlen(rules));
	assert_int_equal(rename("faults.new", "faults"), 0);
}

static unsigned count_requests(const char *text)
{
	unsigned count = 0;
	struct strbuf log = STRBUF_INIT(10 << 20);
	if (scratch_exists("requests"))
		scratch_read("requests", &log);
	for (const char *at = strbuf_str(&log); (at = strstr(at, text)) != NULL; at++)
		count++;
	strbuf_done(&log);
	return count;
}

static unsigned count_unfinished(struct blob_store *store)
{
	uint64_t count = 0;
	struct err err = { 0 };
	if (blob_abort_unfinished(store, clock_wall_us() + 60 * US_PER_S, &count, &err))
		fail_msg("%s", err.message);
	return (unsigned)count;
}

static enum err_code try_put(struct blob_store *store, const char *key, const void *bytes, size_t len, struct err *err)
{
	struct blob_put *put;
	enum err_code code = blob_put_begin(store, key, &put, err);
	if (code)
		return code;
	code = blob_put_write(put, bytes, len, err);
	if (!code)
		return blob_put_commit(put, err);
	blob_put_abort(put);
	return code;
}

static void a_wrong_secret_is_refused_and_not_shown(void **state)
{
	(void)state;
	struct blob_store *store = open_with("http", server.port, "another-secret", NULL);
	struct err err = { 0 };
	assert_int_equal(try_put(store, "a", "x", 1, &err), ERR_DENIED);
	assert_non_null(strstr(err.message, "403 SignatureDoesNotMatch"));
	assert_null(strstr(err.message, "another-secret"));
	assert_int_equal(count_requests("another-secret"), 0);
	/* A refusal is not tried again. */
	unsigned before = count_requests("HEAD /bucket/b");
	uint64_t size;
	assert_int_equal(blob_size(store, "b", &size, &err), ERR_DENIED);
	assert_int_equal(count_requests("HEAD /bucket/b") - before, 1);
	blob_close(store);
}

static void what_passes_by_itself_is_tried_again(void **state)
{
	static const char *const rules[] = {
		"PUT / 0 2 503",
		"PUT / 0 2 500",
		"PUT / 0 1 429",
		"PUT / 0 2 close",
		"PUT / 0 1 lose",
		"GET / 0 2 503",
		"GET / 0 2 cut",
		"HEAD / 0 2 503",
		"POST uploads= 0 1 503",
		"PUT partNumber=2 0 2 close",
		"PUT partNumber=2 0 2 lose",
		"POST uploadId 0 2 error-in-200",
		"POST uploadId 0 1 503",
		"POST uploadId 0 1 close",
	};
	cleanup_free unsigned char *bytes = contract_bytes(2 * PART + 5, 1);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		size_t len = strstr(rules[i], "POST") || strstr(rules[i], "part") ? 2 * PART + 5 : 1000;
		inject(rules[i]);
		contract_put(store_of(state), "a", bytes, len, 0);
		contract_expect(store_of(state), "a", bytes, len);
	}
}

/* The server completed the upload, but its answer was lost: the second try finds no upload, and the object is there. */
static void a_lost_answer_to_the_completion_is_no_failure(void **state)
{
	cleanup_free unsigned char *bytes = contract_bytes(PART + 5, 1);
	inject("POST uploadId 0 1 lose");
	contract_put(store_of(state), "a", bytes, PART + 5, 0);
	contract_expect(store_of(state), "a", bytes, PART + 5);
}

static void what_does_not_pass_is_an_error_and_leaves_nothing(void **state)
{
	static const char *const rules[] = { "PUT partNumber=2 0 99 503", "PUT partNumber=2 0 99 close",
					     "PUT partNumber=2 0 1 403",  "PUT partNumber=1 0 99 no-etag",
					     "POST uploadId 0 99 503",	  "POST uploadId 0 99 error-in-200",
					     "POST uploads= 0 99 503" };
	cleanup_free unsigned char *bytes = contract_bytes(2 * PART + 5, 1);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct err err = { 0 };
		inject(rules[i]);
		enum err_code code = try_put(store_of(state), "a", bytes, 2 * PART + 5, &err);
		assert_true(code == ERR_NETWORK || code == ERR_DENIED);
		inject("");
		assert_int_equal(contract_count(store_of(state), ""), 0);
		assert_int_equal(count_unfinished(store_of(state)), 0);
	}
}

static void a_full_store_says_so(void **state)
{
	struct err err = { 0 };
	inject("PUT / 0 99 507");
	assert_int_equal(try_put(store_of(state), "a", "x", 1, &err), ERR_NO_SPACE);
}

static void an_object_of_another_size_than_sent_is_an_error(void **state)
{
	struct err err = { 0 };
	cleanup_free unsigned char *bytes = contract_bytes(PART + 5, 1);
	inject("HEAD / 0 1 other-size");
	assert_int_equal(try_put(store_of(state), "a", bytes, PART + 5, &err), ERR_NETWORK);
	assert_non_null(strstr(err.message, "12345 bytes in the store"));
}

static void a_server_that_answers_wrongly_is_not_believed(void **state)
{
	static const char *const rules[] = { "GET / 0 99 no-range", "GET / 0 99 other-range", "GET / 0 99 more",
					     "GET / 0 99 redirect", "GET / 0 99 cut" };
	char bytes[10];
	size_t len;
	contract_put(store_of(state), "a", "0123456789abcdef", 16, 0);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct err err = { 0 };
		inject(rules[i]);
		assert_int_equal(blob_get(store_of(state), "a", (struct blob_range){ 2, 10 }, bytes, &len, &err),
				 ERR_NETWORK);
		assert_null(strstr(err.message, SECRET_KEY));
	}
}

static void an_upload_of_one_part_is_one_request(void **state)
{
	cleanup_free unsigned char *bytes = contract_bytes(PART, 1);
	contract_put(store_of(state), "a", bytes, PART, 100000);
	assert_int_equal(count_requests("\n"), 1);
	contract_put(store_of(state), "b", bytes, 0, 0);
	assert_int_equal(count_requests("\n"), 2);
	assert_int_equal(count_requests("POST"), 0);
}

static void a_long_listing_comes_in_pages(void **state)
{
	for (unsigned i = 0; i < 1203; i++) {
		char path[64];
		(void)snprintf(path, sizeof path, "s3/bucket/k%u", i);
		scratch_write(path, "x", 1);
	}
	scratch_write("s3/bucket/K", "x", 1);
	assert_int_equal(contract_count(store_of(state), "k"), 1203);
	assert_int_equal(count_requests("continuation-token"), 1);
	assert_int_equal(contract_count(store_of(state), ""), 1203);
}

static void many_unfinished_uploads_are_aborted(void **state)
{
	struct blob_put *puts[5];
	struct err err = { 0 };
	cleanup_free unsigned char *bytes = contract_bytes(PART + 1, 1);
	for (unsigned i = 0; i < ARRAY_LEN(puts); i++) {
		char key[8];
		(void)snprintf(key, sizeof key, "u%u", i / 2);
		assert_int_equal(blob_put_begin(store_of(state), key, &puts[i], &err), ERR_OK);
		assert_int_equal(blob_put_write(puts[i], bytes, PART + 1, &err), ERR_OK);
	}
	assert_int_equal(count_unfinished(store_of(state)), ARRAY_LEN(puts));
	assert_int_equal(count_unfinished(store_of(state)), 0);
	for (unsigned i = 0; i < ARRAY_LEN(puts); i++)
		blob_put_abort(puts[i]);
}

static void a_certificate_is_verified(void **state)
{
	(void)state;
	struct err err = { 0 };
	struct blob_store *trusting = open_with("https", server.tls_port, SECRET_KEY, "cert.pem");
	struct blob_store *strict = open_with("https", server.tls_port, SECRET_KEY, NULL);
	contract_put(trusting, "a", "x", 1, 0);
	contract_expect(trusting, "a", "x", 1);
	assert_int_equal(try_put(strict, "b", "x", 1, &err), ERR_NETWORK);
	assert_non_null(strstr(err.message, "certificate"));
	assert_int_equal(contract_count(trusting, ""), 1);
	blob_close(trusting);
	blob_close(strict);
}

static void a_session_token_is_sent_and_signed(void **state)
{
	(void)state;
	cleanup_free unsigned char *bytes = contract_bytes(PART + 1, 1);
	struct blob_store *store = open_all("http", server.port, SECRET_KEY, NULL, "a+session/token==");
	contract_put(store, "a", bytes, PART + 1, 0);
	contract_expect(store, "a", bytes, PART + 1);
	assert_int_equal(contract_count(store, ""), 1);
	assert_int_equal(count_requests(" token\n"), count_requests("\n"));
	blob_close(store);
}

static void a_server_that_is_not_there_is_an_error(void **state)
{
	(void)state;
	struct blob_store *store = open_with("http", 1, SECRET_KEY, NULL);
	struct err err = { 0 };
	uint64_t size;
	assert_int_equal(blob_size(store, "a", &size, &err), ERR_NETWORK);
	assert_non_null(strstr(err.message, "http://127.0.0.1:1"));
	blob_close(store);
}

static void sealed_objects_go_through_s3(void **state)
{
	enum { SIZE = 20000003 };
	static const struct data_key key = { { 1 } };
	const struct vault_place place = { .store = store_of(state), .key = "files/1", .data_key = &key };
	struct vault_writer *writer;
	struct vault_reader *reader;
	struct vault_info info;
	struct err err = { 0 };
	size_t len;
	cleanup_free unsigned char *bytes = contract_bytes(SIZE, 1);
	cleanup_free unsigned char *back = malloc(SIZE);
	assert_int_equal(vault_create(&place, NULL, &writer, &err), ERR_OK);
	assert_int_equal(vault_write(writer, bytes, SIZE, &err), ERR_OK);
	assert_int_equal(vault_commit(writer, &info, &err), ERR_OK);
	unsigned before = count_requests("GET");
	assert_int_equal(vault_open(&place, &reader, &err), ERR_OK);
	assert_int_equal(vault_read(reader, (struct blob_range){ 0, SIZE }, back, &len, &err), ERR_OK);
	assert_int_equal(len, SIZE);
	assert_true(memcmp(back, bytes, SIZE) == 0);
	assert_true(count_requests("GET") - before <= 2 + SIZE / (1 << 20) + 1);
	vault_close(reader);
}

static void wrong_settings_are_named(void **state)
{
	(void)state;
	struct secret none = { 0 };
	struct blob_s3_settings good = { .endpoint = "https://s3.example:9000",
					 .region = "us-east-1",
					 .bucket = "bucket",
					 .access_key = "key",
					 .secret_key = &none };
	struct blob_s3_settings bad;
	struct blob_store *store;
	struct err err = { 0 };
	cleanup_secret struct secret secret = { 0 };
	assert_int_equal(blob_s3_open(&good, &store, &err), ERR_INVALID);
	assert_string_equal(err.message, "the S3 secret key is empty");
	assert_int_equal(secret_set(&secret, "s", 1, &err), ERR_OK);
	good.secret_key = &secret;
	assert_int_equal(blob_s3_open(&good, &store, &err), ERR_OK);
	blob_close(store);
	static const char *const endpoints[] = { "",	      "s3.example",  "ftp://s3.example",
						 "https://",  "https://a/b", "https://user:p@host",
						 "http://a b" };
	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
		bad = good;
		bad.endpoint = endpoints[i];
		assert_int_equal(blob_s3_open(&bad, &store, &err), ERR_INVALID);
		assert_non_null(strstr(err.message, "endpoint"));
	}
	bad = good;
	bad.bucket = "Up/../x";
	assert_int_equal(blob_s3_open(&bad, &store, &err), ERR_INVALID);
	bad = good;
	bad.region = "a b";
	assert_int_equal(blob_s3_open(&bad, &store, &err), ERR_INVALID);
	bad = good;
	bad.access_key = "a\nb";
	assert_int_equal(blob_s3_open(&bad, &store, &err), ERR_INVALID);
}

int main(void)
{
	const char *program = getenv("TIRO_S3_SERVER");
	if (!program || !program[0]) {
		/* TIRO_S3_SERVER names it. */
		(void)printf("missing: an S3 server (scripts/s3_server)\n");
		return 77;
	}
	server_start(program);
#define S3(test) cmocka_unit_test_setup_teardown(test, open_store, close_store)
	const struct CMUnitTest tests[] = {
		S3(a_wrong_secret_is_refused_and_not_shown),
		S3(what_passes_by_itself_is_tried_again),
		S3(a_lost_answer_to_the_completion_is_no_failure),
		S3(what_does_not_pass_is_an_error_and_leaves_nothing),
		S3(a_full_store_says_so),
		S3(an_object_of_another_size_than_sent_is_an_error),
		S3(a_server_that_answers_wrongly_is_not_believed),
		S3(an_upload_of_one_part_is_one_request),
		S3(a_long_listing_comes_in_pages),
		S3(many_unfinished_uploads_are_aborted),
		S3(a_certificate_is_verified),
		S3(a_session_token_is_sent_and_signed),
		S3(a_server_that_is_not_there_is_an_error),
		S3(sealed_objects_go_through_s3),
		cmocka_unit_test(wrong_settings_are_named),
	};
#undef S3
	int failed = contract_run(open_store, close_store);
	failed += cmocka_run_group_tests(tests, NULL, NULL);
	server_stop();
	return failed;
}
