/* Password hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "accounts/password.h"
#include "base/clock.h"

static struct secret secret_of(const char *text)
{
	struct secret s = { .bytes = NULL };
	assert_int_equal(secret_set(&s, text, strlen(text), NULL), ERR_OK);
	return s;
}

static struct hasher *make(unsigned passes, size_t memory_bytes, int at_once)
{
	struct hasher *hasher;
	struct password_cost cost = { passes, memory_bytes };
	assert_int_equal(hasher_new(cost, at_once, &hasher, NULL), ERR_OK);
	return hasher;
}

static void a_hash_fits_its_password_only(void **state)
{
	(void)state;
	struct hasher *hasher = make(1, 8192, 1);
	cleanup_secret struct secret right = secret_of("correct horse"), wrong = secret_of("correct house");
	char hash[PASSWORD_HASH_SIZE], twice[PASSWORD_HASH_SIZE];
	bool fits, is_weak;
	assert_int_equal(hasher_hash(hasher, &right, hash, NULL), ERR_OK);
	assert_int_equal(hasher_hash(hasher, &right, twice, NULL), ERR_OK);
	assert_string_not_equal(hash, twice);
	assert_int_equal(hasher_check(hasher, &right, hash, &fits, &is_weak, NULL), ERR_OK);
	assert_true(fits && !is_weak);
	assert_int_equal(hasher_check(hasher, &wrong, hash, &fits, &is_weak, NULL), ERR_OK);
	assert_false(fits);
	assert_int_equal(hasher_check(hasher, &right, NULL, &fits, &is_weak, NULL), ERR_OK);
	assert_false(fits);
	assert_int_equal(hasher_check(hasher, &right, "nonsense", &fits, &is_weak, NULL), ERR_OK);
	assert_false(fits);
	hasher_free(hasher);
}

static void a_higher_cost_makes_old_hashes_weak(void **state)
{
	(void)state;
	struct hasher *cheap = make(1, 16384, 1), *dear = make(2, 16384, 1);
	cleanup_secret struct secret password = secret_of("correct horse");
	char hash[PASSWORD_HASH_SIZE];
	bool fits, is_weak;
	assert_int_equal(hasher_hash(cheap, &password, hash, NULL), ERR_OK);
	assert_int_equal(hasher_check(dear, &password, hash, &fits, &is_weak, NULL), ERR_OK);
	assert_true(fits && is_weak);
	assert_int_equal(hasher_hash(dear, &password, hash, NULL), ERR_OK);
	assert_int_equal(hasher_check(cheap, &password, hash, &fits, &is_weak, NULL), ERR_OK);
	assert_true(fits && !is_weak);
	hasher_free(cheap);
	hasher_free(dear);
}

static int64_t time_of(struct hasher *hasher, const struct secret *password, const char *hash)
{
	int64_t best = INT64_MAX;
	for (int i = 0; i < 5; i++) {
		bool fits, is_weak;
		int64_t start = clock_monotonic_us();
		assert_int_equal(hasher_check(hasher, password, hash, &fits, &is_weak, NULL), ERR_OK);
		int64_t took = clock_monotonic_us() - start;
		best = took < best ? took : best;
	}
	return best;
}

static void an_unknown_user_costs_what_a_wrong_password_costs(void **state)
{
	(void)state;
	struct hasher *hasher = make(2, (size_t)8 << 20, 1);
	cleanup_secret struct secret right = secret_of("correct horse"), wrong = secret_of("correct house");
	char hash[PASSWORD_HASH_SIZE];
	assert_int_equal(hasher_hash(hasher, &right, hash, NULL), ERR_OK);
	int64_t unknown_us = time_of(hasher, &wrong, NULL), wrong_us = time_of(hasher, &wrong, hash);
	/* The best of five, on a machine that does other things too. */
	assert_true(unknown_us > wrong_us / 2 && unknown_us < wrong_us * 2);
	hasher_free(hasher);
}

static void *hash_some(void *arg)
{
	cleanup_secret struct secret password = secret_of("correct horse");
	char hash[PASSWORD_HASH_SIZE];
	for (int i = 0; i < 20; i++)
		assert_int_equal(hasher_hash(arg, &password, hash, NULL), ERR_OK);
	return NULL;
}

static void more_than_may_hash_at_once_wait_their_turn(void **state)
{
	(void)state;
	struct hasher *hasher = make(1, 65536, 2);
	pthread_t threads[8];
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hash_some, hasher), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	hasher_free(hasher);
}

static void costs_have_their_limits(void **state)
{
	(void)state;
	struct hasher *hasher = NULL;
	struct err err;
	struct password_cost none = { 0, 8192 }, small = { 1, 8191 }, slow = { PASSWORD_PASSES_MAX + 1, 8192 };
	assert_int_equal(hasher_new(none, 1, &hasher, &err), ERR_INVALID);
	assert_int_equal(hasher_new(small, 1, &hasher, &err), ERR_INVALID);
	assert_int_equal(hasher_new(slow, 1, &hasher, &err), ERR_INVALID);
	assert_int_equal(hasher_new(PASSWORD_COST_DEFAULT, 0, &hasher, &err), ERR_INVALID);
	assert_null(hasher);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hash_fits_its_password_only),
		cmocka_unit_test(a_higher_cost_makes_old_hashes_weak),
		cmocka_unit_test(an_unknown_user_costs_what_a_wrong_password_costs),
		cmocka_unit_test(more_than_may_hash_at_once_wait_their_turn),
		cmocka_unit_test(costs_have_their_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
