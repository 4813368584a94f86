#include "http/peers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	/* With 10,000 connections from as many addresses a chain has some 10 entries. */
	BUCKETS = 1024
};

/* What is counted: the network of an IPv6 address, or all of an IPv4 address. */
struct key {
	uint64_t high;
	uint64_t low;
};

struct peer {
	struct peer *next;
	struct key key;
	uint32_t connections;
};

struct peers {
	uint32_t max;
	uint64_t seed; /* so that nobody can choose addresses of one bucket */
	size_t count;
	struct peer *buckets[BUCKETS];
};

struct in6_addr peer_address(const struct sockaddr *address)
{
	struct in6_addr result = IN6ADDR_ANY_INIT;
	if (address->sa_family == AF_INET) {
		struct sockaddr_in v4;
		memcpy(&v4, address, sizeof v4);
		memset(result.s6_addr + 10, 0xff, 2);
		memcpy(result.s6_addr + 12, &v4.sin_addr, sizeof v4.sin_addr);
	} else if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;
		memcpy(&v6, address, sizeof v6);
		result = v6.sin6_addr;
	}
	return result;
}

static struct key key_of(const struct in6_addr *address)
{
	struct key key = { 0 };
	memcpy(&key.high, address->s6_addr, sizeof key.high);
	if (IN6_IS_ADDR_V4MAPPED(address))
		memcpy(&key.low, address->s6_addr + 8, sizeof key.low);
	return key;
}

enum err_code peers_new(uint32_t max, struct peers **ret, struct err *err)
{
	struct peers *peers = calloc(1, sizeof *peers);
	if (!peers)
		return err_set(err, ERR_NO_MEMORY, "no memory for a server");
	peers->max = max;
	if (getrandom(&peers->seed, sizeof peers->seed, 0) != (ssize_t)sizeof peers->seed)
		peers->seed = (uint64_t)(uintptr_t)peers;
	*ret = peers;
	return ERR_OK;
}

void peers_free(struct peers *peers)
{
	if (!peers)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (peers->buckets[i]) {
			struct peer *peer = peers->buckets[i];
			peers->buckets[i] = peer->next;
			free(peer);
		}
	}
	free(peers);
}

/* The place that points to the key's entry, or to where a new one goes. */
static struct peer **find(struct peers *peers, struct key key)
{
	/* Multiply and fold, after splitmix64's constants. */
	uint64_t hash = (key.high ^ peers->seed) * UINT64_C(0xbf58476d1ce4e5b9) + key.low;
	hash = (hash ^ hash >> 31) * UINT64_C(0x94d049bb133111eb);
	struct peer **place = &peers->buckets[(hash >> 32) % BUCKETS];
	while (*place && ((*place)->key.high != key.high || (*place)->key.low != key.low))
		place = &(*place)->next;
	return place;
}

bool peers_enter(struct peers *peers, const struct in6_addr *address)
{
	if (peers->max == 0)
		return true;
	const struct key key = key_of(address);
	struct peer **place = find(peers, key);
	if (!*place) {
		struct peer *peer = calloc(1, sizeof *peer);
		if (!peer)
			return false;
		peer->key = key;
		*place = peer;
		peers->count++;
	}
	if ((*place)->connections >= peers->max)
		return false;
	(*place)->connections++;
	return true;
}

void peers_leave(struct peers *peers, const struct in6_addr *address)
{
	struct peer **place = find(peers, key_of(address));
	if (peers->max == 0 || !*place || --(*place)->connections > 0)
		return;
	struct peer *gone = *place;
	*place = gone->next;
	free(gone);
	peers->count--;
}

size_t peers_count(const struct peers *peers)
{
	return peers->count;
}
