#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "contract.h"

/* More than two parts of an S3 upload. */
#define BIG_BYTES ((size_t)17 * 1024 * 1024 + 123)
#define AN_HOUR_US (3600 * US_PER_S)

static struct blob_store *store_of(void **state)
{
	return ((struct contract *)*state)->store;
}

unsigned char *contract_bytes(size_t len, uint32_t seed)
{
	unsigned char *bytes = malloc(len > 0 ? len : 1);
	assert_non_null(bytes);
	uint32_t x = seed * 2654435761U + 1;
	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		bytes[i] = (unsigned char)x;
	}
	return bytes;
}

void contract_put(struct blob_store *store, const char *key, const void *bytes, size_t len, size_t piece)
{
	struct blob_put *put;
	struct err err = { 0 };
	if (blob_put_begin(store, key, &put, &err) != ERR_OK)
		fail_msg("%s", err.message);
	for (size_t done = 0; done < len;) {
		size_t n = piece > 0 && len - done > piece ? piece : len - done;
		if (blob_put_write(put, (const char *)bytes + done, n, &err) != ERR_OK)
			fail_msg("%s", err.message);
		done += n;
	}
	if (blob_put_commit(put, &err) != ERR_OK)
		fail_msg("%s", err.message);
}

static void expect_range(struct blob_store *store, const char *key, struct blob_range range, const unsigned char *want,
			 size_t want_len)
{
	cleanup_free unsigned char *got = malloc(range.len > 0 ? range.len : 1);
	struct err err = { 0 };
	size_t len = SIZE_MAX;
	assert_non_null(got);
	if (blob_get(store, key, range, got, &len, &err) != ERR_OK)
		fail_msg("%s", err.message);
	assert_int_equal(len, want_len);
	assert_true(memcmp(got, want, len) == 0);
}

void contract_expect(struct blob_store *store, const char *key, const void *bytes, size_t len)
{
	struct err err = { 0 };
	uint64_t size = UINT64_MAX;
	if (blob_size(store, key, &size, &err) != ERR_OK)
		fail_msg("%s", err.message);
	assert_int_equal(size, len);
	for (size_t done = 0; done < len || len == 0;) {
		size_t n = len - done < BLOB_GET_MAX ? len - done : BLOB_GET_MAX;
		expect_range(store, key, (struct blob_range){ done, n }, (const unsigned char *)bytes + done, n);
		done += n;
		if (len == 0)
			break;
	}
}

static bool count_one(void *owner, const struct blob_info *info)
{
	assert_non_null(info->key);
	(*(unsigned *)owner)++;
	return true;
}

unsigned contract_count(struct blob_store *store, const char *prefix)
{
	unsigned count = 0;
	struct err err = { 0 };
	if (blob_list(store, prefix, count_one, &count, &err) != ERR_OK)
		fail_msg("%s", err.message);
	return count;
}

static void what_was_written_is_read(void **state)
{
	cleanup_free unsigned char *bytes = contract_bytes(300000, 1);
	contract_put(store_of(state), "a", bytes, 10, 0);
	contract_put(store_of(state), "some/where.else/b_c-1", bytes, 300000, 7777);
	contract_expect(store_of(state), "a", bytes, 10);
	contract_expect(store_of(state), "some/where.else/b_c-1", bytes, 300000);
}

static void an_empty_object_is_an_object(void **state)
{
	static const unsigned char nothing[4] = { 0 };
	contract_put(store_of(state), "empty", "", 0, 0);
	contract_expect(store_of(state), "empty", "", 0);
	expect_range(store_of(state), "empty", (struct blob_range){ 0, 4 }, nothing, 0);
	assert_int_equal(contract_count(store_of(state), ""), 1);
}

static void a_range_ends_where_the_object_ends(void **state)
{
	cleanup_free unsigned char *bytes = contract_bytes(1000, 2);
	contract_put(store_of(state), "a", bytes, 1000, 0);
	expect_range(store_of(state), "a", (struct blob_range){ 0, 1000 }, bytes, 1000);
	expect_range(store_of(state), "a", (struct blob_range){ 1, 1 }, bytes + 1, 1);
	expect_range(store_of(state), "a", (struct blob_range){ 990, 100 }, bytes + 990, 10);
	expect_range(store_of(state), "a", (struct blob_range){ 999, 1 }, bytes + 999, 1);
	expect_range(store_of(state), "a", (struct blob_range){ 1000, 1 }, bytes, 0);
	expect_range(store_of(state), "a", (struct blob_range){ 5000, 10 }, bytes, 0);
	expect_range(store_of(state), "a", (struct blob_range){ 10, 0 }, bytes, 0);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct err err = { 0 };
	uint64_t size;
	size_t len;
	char byte;
	assert_int_equal(blob_size(store_of(state), "none", &size, &err), ERR_NOT_FOUND);
	assert_string_equal(err.message, "there is no object \"none\"");
	assert_int_equal(blob_get(store_of(state), "none", (struct blob_range){ 0, 1 }, &byte, &len, &err),
			 ERR_NOT_FOUND);
	assert_string_equal(err.message, "there is no object \"none\"");
	assert_int_equal(blob_delete(store_of(state), "none", &err), ERR_OK);
	assert_int_equal(contract_count(store_of(state), ""), 0);
}

static void a_deleted_object_is_gone(void **state)
{
	struct err err = { 0 };
	uint64_t size;
	contract_put(store_of(state), "x/a", "1", 1, 0);
	contract_put(store_of(state), "x/b", "2", 1, 0);
	assert_int_equal(blob_delete(store_of(state), "x/a", &err), ERR_OK);
	assert_int_equal(blob_size(store_of(state), "x/a", &size, &err), ERR_NOT_FOUND);
	contract_expect(store_of(state), "x/b", "2", 1);
	assert_int_equal(contract_count(store_of(state), ""), 1);
}

static void a_put_is_seen_at_its_commit(void **state)
{
	struct err err = { 0 };
	struct blob_put *put;
	uint64_t size;
	assert_int_equal(blob_put_begin(store_of(state), "a", &put, &err), ERR_OK);
	assert_int_equal(blob_put_write(put, "new", 3, &err), ERR_OK);
	assert_int_equal(blob_size(store_of(state), "a", &size, &err), ERR_NOT_FOUND);
	assert_int_equal(contract_count(store_of(state), ""), 0);
	assert_int_equal(blob_put_commit(put, &err), ERR_OK);
	contract_expect(store_of(state), "a", "new", 3);
}

static void an_aborted_put_leaves_nothing(void **state)
{
	struct err err = { 0 };
	struct blob_put *put;
	cleanup_free unsigned char *bytes = contract_bytes(BIG_BYTES, 3);
	contract_put(store_of(state), "a", "old", 3, 0);
	assert_int_equal(blob_put_begin(store_of(state), "a", &put, &err), ERR_OK);
	assert_int_equal(blob_put_write(put, bytes, BIG_BYTES, &err), ERR_OK);
	blob_put_abort(put);
	assert_int_equal(blob_put_begin(store_of(state), "b", &put, &err), ERR_OK);
	blob_put_abort(put);
	blob_put_abort(NULL);
	contract_expect(store_of(state), "a", "old", 3);
	assert_int_equal(contract_count(store_of(state), ""), 1);
}

static void a_commit_replaces_the_whole_object(void **state)
{
	cleanup_free unsigned char *bytes = contract_bytes(5000, 4);
	contract_put(store_of(state), "a", bytes, 5000, 0);
	contract_put(store_of(state), "a", "short", 5, 0);
	contract_expect(store_of(state), "a", "short", 5);
	assert_int_equal(contract_count(store_of(state), "a"), 1);
}

static void a_big_object_is_whole(void **state)
{
	cleanup_free unsigned char *bytes = contract_bytes(BIG_BYTES, 5);
	static const size_t edge = (size_t)8 * 1024 * 1024;
	contract_put(store_of(state), "big", bytes, BIG_BYTES, 999983);
	contract_expect(store_of(state), "big", bytes, BIG_BYTES);
	expect_range(store_of(state), "big", (struct blob_range){ edge - 10, 20 }, bytes + edge - 10, 20);
	contract_put(store_of(state), "edge", bytes, edge, 0);
	contract_expect(store_of(state), "edge", bytes, edge);
}

static void bad_keys_are_refused(void **state)
{
	static const char *const bad[] = { "",	  "/a",	 "a/",	  "a//b",   "A",     "a b",	"\xc3\xbc", "a\\b",
					   "a,b", "a\n", "a%2fb", "../a\"", "a?x=y", "../../A", "*",	    "~" };
	char longest[BLOB_KEY_MAX + 2];
	struct err err = { 0 };
	struct blob_put *put;
	uint64_t size;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(blob_put_begin(store_of(state), bad[i], &put, &err), ERR_INVALID);
		assert_int_equal(blob_size(store_of(state), bad[i], &size, &err), ERR_INVALID);
		assert_int_equal(blob_delete(store_of(state), bad[i], &err), ERR_INVALID);
	}
	memset(longest, 'k', sizeof longest);
	longest[BLOB_KEY_MAX + 1] = '\0';
	assert_int_equal(blob_put_begin(store_of(state), longest, &put, &err), ERR_INVALID);
	longest[BLOB_KEY_MAX] = '\0';
	contract_put(store_of(state), longest, "x", 1, 0);
	contract_expect(store_of(state), longest, "x", 1);
}

static void a_range_over_the_limits_is_refused(void **state)
{
	struct err err = { 0 };
	size_t len;
	char byte;
	contract_put(store_of(state), "a", "x", 1, 0);
	assert_int_equal(blob_get(store_of(state), "a", (struct blob_range){ 0, BLOB_GET_MAX + 1 }, &byte, &len, &err),
			 ERR_INVALID);
	assert_int_equal(blob_get(store_of(state), "a", (struct blob_range){ UINT64_MAX, 1 }, &byte, &len, &err),
			 ERR_INVALID);
}

/* Keys of the form "l/NUMBER" are marked in `seen`. */
struct listing {
	struct blob_store *store;
	bool seen[40];
	unsigned calls, stop_after;
	bool remove;
};

static bool mark(void *owner, const struct blob_info *info)
{
	struct listing *listing = owner;
	struct err err;
	char key[BLOB_KEY_MAX + 1];
	unsigned long number = strtoul(info->key + 2, NULL, 10);
	assert_memory_equal(info->key, "l/", 2);
	assert_true(number < ARRAY_LEN(listing->seen));
	assert_false(listing->seen[number]);
	assert_int_equal(info->size_bytes, number);
	assert_true(llabs(info->time_us - clock_wall_us()) < AN_HOUR_US);
	listing->seen[number] = true;
	(void)snprintf(key, sizeof key, "%s", info->key);
	if (listing->remove)
		assert_int_equal(blob_delete(listing->store, key, &err), ERR_OK);
	return ++listing->calls != listing->stop_after;
}

static void a_listing_tells_each_object_once(void **state)
{
	struct err err = { 0 };
	struct listing all = { .store = store_of(state) }, some = { .stop_after = 5 }, rest = all;
	char key[32], zeros[40] = { 0 };
	for (unsigned i = 0; i < ARRAY_LEN(all.seen); i++) {
		(void)snprintf(key, sizeof key, "l/%u", i);
		contract_put(store_of(state), key, zeros, i, 0);
	}
	contract_put(store_of(state), "m/1", "x", 1, 0);
	contract_put(store_of(state), "l-1", "x", 1, 0);
	assert_int_equal(blob_list(store_of(state), "l/", mark, &all, &err), ERR_OK);
	assert_int_equal(all.calls, ARRAY_LEN(all.seen));
	assert_int_equal(blob_list(store_of(state), "l/", mark, &some, &err), ERR_OK);
	assert_int_equal(some.calls, 5);
	assert_int_equal(contract_count(store_of(state), "l/1"), 11);
	assert_int_equal(contract_count(store_of(state), "nothing"), 0);
	assert_int_equal(blob_list(store_of(state), "Not/a/key", mark, &some, &err), ERR_INVALID);
	rest.remove = true;
	assert_int_equal(blob_list(store_of(state), "l/", mark, &rest, &err), ERR_OK);
	assert_int_equal(rest.calls, ARRAY_LEN(all.seen));
	assert_int_equal(contract_count(store_of(state), ""), 2);
}

static void unfinished_puts_are_found_and_aborted(void **state)
{
	struct err err = { 0 };
	struct blob_put *put;
	unsigned count = 0;
	uint64_t aborted = 99, size;
	int64_t past_us = clock_wall_us() - AN_HOUR_US, future_us = clock_wall_us() + AN_HOUR_US;
	cleanup_free unsigned char *bytes = contract_bytes(BIG_BYTES, 6);
	assert_int_equal(blob_put_begin(store_of(state), "u", &put, &err), ERR_OK);
	assert_int_equal(blob_put_write(put, bytes, BIG_BYTES, &err), ERR_OK);
	assert_int_equal(blob_list_unfinished(store_of(state), past_us, count_one, &count, &err), ERR_OK);
	assert_int_equal(count, 0);
	assert_int_equal(blob_abort_unfinished(store_of(state), past_us, &aborted, &err), ERR_OK);
	assert_int_equal(aborted, 0);
	assert_int_equal(blob_list_unfinished(store_of(state), future_us, count_one, &count, &err), ERR_OK);
	assert_int_equal(count, 1);
	assert_int_equal(blob_abort_unfinished(store_of(state), future_us, &aborted, &err), ERR_OK);
	assert_int_equal(aborted, 1);
	assert_int_equal(blob_put_commit(put, &err), ERR_CANCELLED);
	assert_int_equal(blob_size(store_of(state), "u", &size, &err), ERR_NOT_FOUND);
	assert_int_equal(blob_abort_unfinished(store_of(state), future_us, &aborted, &err), ERR_OK);
	assert_int_equal(aborted, 0);
}

struct worker {
	struct blob_store *store;
	unsigned number;
	unsigned failures;
};

static bool work_once(struct blob_store *store, const char *key, const unsigned char *bytes, size_t len)
{
	struct err err;
	struct blob_put *put;
	unsigned char back[5000];
	size_t got = 0;
	if (blob_put_begin(store, key, &put, &err))
		return false;
	if (blob_put_write(put, bytes, len, &err)) {
		blob_put_abort(put);
		return false;
	}
	return !blob_put_commit(put, &err) &&
	       !blob_get(store, key, (struct blob_range){ 0, sizeof back }, back, &got, &err) && got == len &&
	       memcmp(back, bytes, len) == 0 && !blob_delete(store, key, &err);
}

/* Assertions of cmocka belong to the main thread: failures are counted. */
static void *work(void *arg)
{
	struct worker *worker = arg;
	unsigned char bytes[5000];
	char key[32];
	memset(bytes, (int)worker->number, sizeof bytes);
	for (unsigned i = 0; i < 20; i++) {
		(void)snprintf(key, sizeof key, "w/%u/%u", worker->number, i);
		worker->failures += !work_once(worker->store, key, bytes, 200 * i + worker->number);
	}
	return NULL;
}

static void many_threads_may_use_a_store(void **state)
{
	struct worker workers[8];
	pthread_t threads[ARRAY_LEN(workers)];
	for (unsigned i = 0; i < ARRAY_LEN(workers); i++) {
		workers[i] = (struct worker){ .store = store_of(state), .number = i };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < ARRAY_LEN(workers); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (unsigned i = 0; i < ARRAY_LEN(workers); i++)
		assert_int_equal(workers[i].failures, 0);
	assert_int_equal(contract_count(store_of(state), ""), 0);
}

int contract_run(contract_fixture *setup, contract_fixture *teardown)
{
#define CONTRACT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		CONTRACT(what_was_written_is_read),
		CONTRACT(an_empty_object_is_an_object),
		CONTRACT(a_range_ends_where_the_object_ends),
		CONTRACT(what_is_not_there_is_not_found),
		CONTRACT(a_deleted_object_is_gone),
		CONTRACT(a_put_is_seen_at_its_commit),
		CONTRACT(an_aborted_put_leaves_nothing),
		CONTRACT(a_commit_replaces_the_whole_object),
		CONTRACT(a_big_object_is_whole),
		CONTRACT(bad_keys_are_refused),
		CONTRACT(a_range_over_the_limits_is_refused),
		CONTRACT(a_listing_tells_each_object_once),
		CONTRACT(unfinished_puts_are_found_and_aborted),
		CONTRACT(many_threads_may_use_a_store),
	};
#undef CONTRACT
	return cmocka_run_group_tests_name("contract", tests, NULL, NULL);
}
