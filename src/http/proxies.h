/*
 * Proxies whose word on a client counts: what X-Forwarded-For and X-Forwarded-Proto say is believed of them, and of
 * nobody else. A list is read-only once it is made, and may be shared.
 */
#ifndef TIRO_HTTP_PROXIES_H
#define TIRO_HTTP_PROXIES_H

#include <netinet/in.h>
#include <stdbool.h>

#include "base/err.h"

enum { PROXIES_MAX = 256 };

struct proxies;

/* Reads addresses and networks with commas between, "10.0.0.0/8, 2001:db8::1". Errors: ERR_INVALID, which names the one
 * that is wrong; ERR_TOO_BIG, ERR_NO_MEMORY. */
enum err_code proxies_new(const char *text, struct proxies **ret, struct err *err) MUST_CHECK;
void proxies_free(struct proxies *proxies);

/* NULL trusts nobody. IPv4 addresses are mapped (http/peers.h). */
bool proxies_trust(const struct proxies *proxies, const struct in6_addr *address);

/*
 * Goes back along the hops of one X-Forwarded-For line, from its right end, as long as *client is a proxy of the list:
 * each hop is what the proxy to the right of it has seen, so the first that is not trusted is the client, and what
 * stands left of it is the client's own claim. What is no address ends the way too. True: all of the line was gone
 * back, and *client is still a proxy, so an earlier line may say more.
 */
bool proxies_go_back(const struct proxies *proxies, const char *line, struct in6_addr *client);

#endif
