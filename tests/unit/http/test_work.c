#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include "base/clock.h"
#include "http/work.h"

enum { ITEMS = 200 };

struct item {
	struct http_work work;
	pthread_t ran_in;
	pthread_t done_in;
	atomic_bool *gate; /* `run` waits for it, where there is one */
	bool ran;
	bool done;
};

struct fixture {
	uv_loop_t loop;
	struct http_pool *pool;
	struct err err;
	struct item items[ITEMS];
};

static void run(struct http_work *work)
{
	struct item *item = (struct item *)work;
	while (item->gate && !atomic_load(item->gate))
		clock_sleep_us(100);
	item->ran_in = pthread_self();
	item->ran = true;
}

static void done(struct http_work *work)
{
	struct item *item = (struct item *)work;
	item->done_in = pthread_self();
	item->done = true;
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof *f);
	*state = f;
	(void)uv_loop_init(&f->loop);
	for (int i = 0; i < ITEMS; i++)
		f->items[i].work = (struct http_work){ .run = run, .done = done };
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int left = uv_loop_close(&f->loop);
	test_free(f);
	return left;
}

static void items_run_in_threads_and_end_on_the_loop(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(http_pool_new(&f->loop, 3, ITEMS, &f->pool, &f->err), ERR_OK);
	for (int i = 0; i < ITEMS; i++)
		assert_int_equal(http_pool_submit(f->pool, &f->items[i].work, &f->err), ERR_OK);
	for (int i = 0; i < ITEMS; i++) {
		while (!f->items[i].done)
			(void)uv_run(&f->loop, UV_RUN_ONCE);
		assert_true(f->items[i].ran);
		assert_false(pthread_equal(f->items[i].ran_in, pthread_self()));
		assert_true(pthread_equal(f->items[i].done_in, pthread_self()));
	}
	http_pool_free(f->pool);
}

static void too_many_waiting_items_are_refused(void **state)
{
	struct fixture *f = *state;
	atomic_bool gate = false;
	int accepted = 0;
	assert_int_equal(http_pool_new(&f->loop, 1, 5, &f->pool, &f->err), ERR_OK);
	for (int i = 0; i < 20; i++) {
		f->items[i].gate = &gate;
		accepted += http_pool_submit(f->pool, &f->items[i].work, &f->err) == ERR_OK;
	}
	/* Five wait, and one may have been taken by the thread. */
	assert_in_range(accepted, 5, 6);
	assert_int_equal(f->err.code, ERR_UNAVAILABLE);
	atomic_store(&gate, true);
	http_pool_free(f->pool);
	for (int i = 0; i < accepted; i++)
		assert_true(f->items[i].done);
}

static void *post(void *arg)
{
	struct fixture *f = arg;
	for (int i = 0; i < ITEMS; i++)
		http_pool_post(f->pool, &f->items[i].work);
	return NULL;
}

static void any_thread_hands_items_to_the_loop(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;
	assert_int_equal(http_pool_new(&f->loop, 0, 0, &f->pool, &f->err), ERR_OK);
	assert_int_equal(pthread_create(&thread, NULL, post, f), 0);
	while (!f->items[ITEMS - 1].done)
		(void)uv_run(&f->loop, UV_RUN_ONCE);
	(void)pthread_join(thread, NULL);
	for (int i = 0; i < ITEMS; i++) {
		assert_true(f->items[i].done);
		assert_false(f->items[i].ran);
	}
	http_pool_free(f->pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(items_run_in_threads_and_end_on_the_loop, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_waiting_items_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(any_thread_hands_items_to_the_loop, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
