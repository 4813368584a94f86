#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "http/peers.h"

static struct in6_addr address(const char *text)
{
	struct sockaddr_storage storage = { 0 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		memcpy(&storage, &v4, sizeof v4);
	else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		memcpy(&storage, &v6, sizeof v6);
	return peer_address((const struct sockaddr *)&storage);
}

static bool enter(struct peers *peers, const char *text)
{
	struct in6_addr from = address(text);
	return peers_enter(peers, &from);
}

static void leave(struct peers *peers, const char *text)
{
	struct in6_addr from = address(text);
	peers_leave(peers, &from);
}

static void an_address_has_so_many_connections_and_no_more(void **state)
{
	(void)state;
	struct peers *peers;
	struct err err;
	assert_int_equal(peers_new(2, &peers, &err), ERR_OK);
	assert_true(enter(peers, "10.0.0.1"));
	assert_true(enter(peers, "10.0.0.1"));
	assert_false(enter(peers, "10.0.0.1"));
	assert_false(enter(peers, "::ffff:10.0.0.1"));
	assert_true(enter(peers, "10.0.0.2"));
	assert_int_equal(peers_count(peers), 2);
	leave(peers, "10.0.0.1");
	assert_true(enter(peers, "10.0.0.1"));
	leave(peers, "10.0.0.1");
	leave(peers, "10.0.0.1");
	leave(peers, "10.0.0.2");
	assert_int_equal(peers_count(peers), 0);
	peers_free(peers);
}

static void ipv6_counts_by_its_network(void **state)
{
	(void)state;
	struct peers *peers;
	struct err err;
	assert_int_equal(peers_new(1, &peers, &err), ERR_OK);
	assert_true(enter(peers, "2001:db8:1:2::1"));
	assert_false(enter(peers, "2001:db8:1:2:ffff::9"));
	assert_true(enter(peers, "2001:db8:1:3::1"));
	peers_free(peers);
}

static void without_a_limit_nothing_is_counted(void **state)
{
	(void)state;
	struct peers *peers;
	struct err err;
	assert_int_equal(peers_new(0, &peers, &err), ERR_OK);
	for (int i = 0; i < 1000; i++)
		assert_true(enter(peers, "10.0.0.1"));
	assert_int_equal(peers_count(peers), 0);
	leave(peers, "10.0.0.1");
	peers_free(peers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_so_many_connections_and_no_more),
		cmocka_unit_test(ipv6_counts_by_its_network),
		cmocka_unit_test(without_a_limit_nothing_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
