/*
 * How many connections each address has. IPv6 counts by /64, which is what one customer gets; an IPv4 address inside
 * IPv6 counts as itself. One thread at a time.
 */
#ifndef TIRO_HTTP_PEERS_H
#define TIRO_HTTP_PEERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

struct peers;

/* An address in the form of IPv6: IPv4 is mapped (::ffff:a.b.c.d); all zero for what is not IP. */
struct in6_addr peer_address(const struct sockaddr *address);

/* `max` 0: no limit, and nothing is counted. Errors: ERR_NO_MEMORY. */
enum err_code peers_new(uint32_t max, struct peers **ret, struct err *err) MUST_CHECK;
void peers_free(struct peers *peers);

/* Counts one connection; false where the address has as many as it may, or memory ran out. */
bool peers_enter(struct peers *peers, const struct in6_addr *address);
void peers_leave(struct peers *peers, const struct in6_addr *address);

/* Addresses that are held in memory, for tests. */
size_t peers_count(const struct peers *peers);

#endif
