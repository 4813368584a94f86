#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "http/peers.h"
#include "http/proxies.h"

static struct in6_addr address(const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct in6_addr v6;
	if (inet_pton(AF_INET6, text, &v6) == 1)
		return v6;
	assert_int_equal(inet_pton(AF_INET, text, &v4.sin_addr), 1);
	return peer_address((const struct sockaddr *)&v4);
}

static struct proxies *list(const char *text)
{
	struct proxies *proxies = NULL;
	struct err err;
	if (proxies_new(text, &proxies, &err) != ERR_OK)
		fail_msg("%s", err.message);
	return proxies;
}

static bool trusts(const char *text, const char *who)
{
	struct proxies *proxies = list(text);
	struct in6_addr from = address(who);
	bool is_trusted = proxies_trust(proxies, &from);
	proxies_free(proxies);
	return is_trusted;
}

static void addresses_and_networks_are_trusted(void **state)
{
	(void)state;
	assert_true(trusts("192.0.2.7", "192.0.2.7"));
	assert_false(trusts("192.0.2.7", "192.0.2.8"));
	assert_true(trusts("10.0.0.0/8, 2001:db8::/33 ,::1", "10.255.0.1"));
	assert_true(trusts("10.0.0.0/8, 2001:db8::/33 ,::1", "2001:db8:7fff::1"));
	assert_false(trusts("10.0.0.0/8, 2001:db8::/33 ,::1", "2001:db8:8000::1"));
	assert_true(trusts("::1", "::1"));
	assert_false(trusts("10.0.0.0/8", "11.0.0.1"));
	assert_true(trusts("172.16.0.0/12", "172.31.255.255"));
	assert_false(trusts("172.16.0.0/12", "172.32.0.0"));
	assert_true(trusts("0.0.0.0/0", "8.8.8.8"));
	assert_false(trusts("0.0.0.0/0", "2001:db8::1"));
	assert_true(trusts("::/0", "8.8.8.8"));
	assert_false(trusts("", "8.8.8.8"));
	struct in6_addr any = address("8.8.8.8");
	assert_false(proxies_trust(NULL, &any));
}

static void what_is_no_network_is_refused_by_name(void **state)
{
	(void)state;
	static const char *const wrong[] = { "10.0.0.0/33", "::/129",	   "proxy",  "10.0.0.0/",
					     "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0", "10.0.0.1,,",
					     ",::1",	    "10.0.0.1:80", "[::1]" };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct proxies *proxies = NULL;
		struct err err;
		assert_int_equal(proxies_new(wrong[i], &proxies, &err), ERR_INVALID);
		assert_null(proxies);
	}
}

/* The client that a request from `peer` with these lines, the first one first, comes from. */
static void expect(const char *peer, const char *first, const char *second, const char *client)
{
	struct proxies *proxies = list("10.0.0.0/8,2001:db8::/32");
	struct in6_addr at = address(peer), wanted = address(client);
	if ((!second || proxies_go_back(proxies, second, &at)) && first)
		(void)proxies_go_back(proxies, first, &at);
	assert_memory_equal(&at, &wanted, sizeof at);
	proxies_free(proxies);
}

static void the_rightmost_hop_that_is_not_trusted_is_the_client(void **state)
{
	(void)state;
	expect("10.0.0.1", "192.0.2.1", NULL, "192.0.2.1");
	expect("10.0.0.1", "6.6.6.6, 192.0.2.1", NULL, "192.0.2.1");
	expect("10.0.0.1", "6.6.6.6,192.0.2.1 , 10.0.0.2,\t2001:db8::7", NULL, "192.0.2.1");
	expect("10.0.0.1", "10.0.0.3, 10.0.0.2", NULL, "10.0.0.3");
	expect("10.0.0.1", "192.0.2.1:4711", NULL, "192.0.2.1");
	expect("10.0.0.1", "[2001:470::5]:4711", NULL, "2001:470::5");
	expect("10.0.0.1", "2001:470::5, [2001:db8::1]", NULL, "2001:470::5");
	/* Lines of the same name are one list. */
	expect("10.0.0.1", "6.6.6.6, 192.0.2.1", "10.0.0.2", "192.0.2.1");
	expect("10.0.0.1", "6.6.6.6", "192.0.2.1", "192.0.2.1");
}

static void who_is_no_proxy_is_not_believed(void **state)
{
	(void)state;
	expect("192.0.2.9", "6.6.6.6", NULL, "192.0.2.9");
	expect("192.0.2.9", "10.0.0.1", "10.0.0.2", "192.0.2.9");
	expect("10.0.0.1", NULL, NULL, "10.0.0.1");
}

static void a_hop_that_is_no_address_ends_the_way(void **state)
{
	(void)state;
	expect("10.0.0.1", "6.6.6.6, unknown", NULL, "10.0.0.1");
	expect("10.0.0.1", "6.6.6.6, , 10.0.0.2", NULL, "10.0.0.2");
	expect("10.0.0.1", "", NULL, "10.0.0.1");
	expect("10.0.0.1", "6.6.6.6", "[::1", "10.0.0.1");
	expect("10.0.0.1", "6.6.6.6, 1111111111111111111111111111111111111111111111111111111111111111111111", NULL,
	       "10.0.0.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_networks_are_trusted),
		cmocka_unit_test(what_is_no_network_is_refused_by_name),
		cmocka_unit_test(the_rightmost_hop_that_is_not_trusted_is_the_client),
		cmocka_unit_test(who_is_no_proxy_is_not_believed),
		cmocka_unit_test(a_hop_that_is_no_address_ends_the_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
