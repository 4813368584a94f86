#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/deadline.h"

static void deadlines_expire_in_the_order_of_setting(void **state)
{
	(void)state;
	struct deadline_queue queue;
	struct deadline a = { 0 }, b = { 0 };
	deadline_queue_init(&queue, 100);
	deadline_set(&queue, &a, 1000);
	deadline_set(&queue, &b, 1010);
	assert_null(deadline_expired(&queue, 1099));
	assert_ptr_equal(deadline_expired(&queue, 1100), &a);
	deadline_clear(&a);
	assert_null(deadline_expired(&queue, 1109));
	assert_ptr_equal(deadline_expired(&queue, 1110), &b);
}

static void setting_again_moves_it_back(void **state)
{
	(void)state;
	struct deadline_queue queue;
	struct deadline a = { 0 }, b = { 0 };
	deadline_queue_init(&queue, 100);
	deadline_set(&queue, &a, 1000);
	deadline_set(&queue, &b, 1010);
	deadline_set(&queue, &a, 1050);
	assert_ptr_equal(deadline_expired(&queue, 1149), &b);
	deadline_clear(&b);
	assert_null(deadline_expired(&queue, 1149));
	assert_ptr_equal(deadline_expired(&queue, 1150), &a);
}

static void a_deadline_is_in_one_queue_only(void **state)
{
	(void)state;
	struct deadline_queue slow, fast;
	struct deadline a = { 0 };
	deadline_queue_init(&slow, 1000);
	deadline_queue_init(&fast, 10);
	deadline_set(&slow, &a, 0);
	deadline_set(&fast, &a, 0);
	assert_null(deadline_expired(&slow, 5000));
	assert_ptr_equal(deadline_expired(&fast, 10), &a);
	deadline_clear(&a);
	deadline_clear(&a);
	assert_null(deadline_expired(&fast, 5000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadlines_expire_in_the_order_of_setting),
		cmocka_unit_test(setting_again_moves_it_back),
		cmocka_unit_test(a_deadline_is_in_one_queue_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
