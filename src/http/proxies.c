#include "http/proxies.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/peers.h"

enum {
	V4_BITS = 32,
	V6_BITS = 128,
	/* The longest address with its brackets, port and length of prefix. */
	HOP_MAX = INET6_ADDRSTRLEN + 16
};

struct network {
	struct in6_addr address;
	int bits;
};

struct proxies {
	size_t count;
	struct network networks[PROXIES_MAX];
};

/* -- addresses as text ---------------------------------------------------------------------------- */

static bool parse_address(const char *text, struct in6_addr *ret, int *ret_bits)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	*ret_bits = V6_BITS;
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
		*ret = v6.sin6_addr;
		return true;
	}
	if (inet_pton(AF_INET, text, &v4.sin_addr) != 1)
		return false;
	*ret_bits = V4_BITS;
	*ret = peer_address((const struct sockaddr *)&v4);
	return true;
}

/* Copies without the blanks around; false where it is too long to be one. */
static bool copy_hop(const char *at, size_t len, char ret[HOP_MAX])
{
	while (len > 0 && (*at == ' ' || *at == '\t'))
		at++, len--;
	while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
		len--;
	if (len >= HOP_MAX)
		return false;
	memcpy(ret, at, len);
	ret[len] = '\0';
	return true;
}

static bool parse_network(char *text, struct network *ret)
{
	int bits;
	char *slash = strchr(text, '/');
	if (slash)
		*slash = '\0';
	if (!parse_address(text, &ret->address, &bits))
		return false;
	ret->bits = V6_BITS;
	if (!slash)
		return true;
	char *end;
	long prefix = strtol(slash + 1, &end, 10);
	if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || prefix > bits)
		return false;
	ret->bits = V6_BITS - bits + (int)prefix;
	return true;
}

/* An address alone, or with a port: "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80". */
static bool parse_hop(char *text, struct in6_addr *ret)
{
	int bits;
	char *colon = strchr(text, ':');
	if (text[0] == '[') {
		char *bracket = strchr(text, ']');
		if (!bracket || (bracket[1] != '\0' && bracket[1] != ':'))
			return false;
		*bracket = '\0';
		return parse_address(text + 1, ret, &bits);
	}
	if (colon && !strchr(colon + 1, ':'))
		*colon = '\0';
	return parse_address(text, ret, &bits);
}

/* -- the list -------------------------------------------------------------------------------------- */

enum err_code proxies_new(const char *text, struct proxies **ret, struct err *err)
{
	struct proxies *proxies = calloc(1, sizeof *proxies);
	if (!proxies)
		return err_set(err, ERR_NO_MEMORY, "no memory for the list of proxies");
	enum err_code code = ERR_OK;
	for (const char *at = text; *at && !code;) {
		char one[HOP_MAX];
		size_t len = strcspn(at, ",");
		if (proxies->count == PROXIES_MAX)
			code = err_set(err, ERR_TOO_BIG, "there are more than %d proxies", PROXIES_MAX);
		else if (!copy_hop(at, len, one) || !parse_network(one, &proxies->networks[proxies->count++]))
			code = err_set(err, ERR_INVALID,
				       "\"%.*s\" is no address or network of a proxy; write 10.0.0.0/8 or 2001:db8::1",
				       (int)(len < HOP_MAX ? len : HOP_MAX), at);
		at += len + (at[len] == ',');
	}
	if (code) {
		free(proxies);
		return code;
	}
	*ret = proxies;
	return ERR_OK;
}

void proxies_free(struct proxies *proxies)
{
	free(proxies);
}

static bool contains(const struct network *network, const struct in6_addr *address)
{
	size_t bytes = (size_t)network->bits / 8;
	int rest = network->bits % 8;
	if (memcmp(network->address.s6_addr, address->s6_addr, bytes) != 0)
		return false;
	return rest == 0 || (network->address.s6_addr[bytes] ^ address->s6_addr[bytes]) >> (8 - rest) == 0;
}

bool proxies_trust(const struct proxies *proxies, const struct in6_addr *address)
{
	for (size_t i = 0; proxies && i < proxies->count; i++) {
		if (contains(&proxies->networks[i], address))
			return true;
	}
	return false;
}

bool proxies_go_back(const struct proxies *proxies, const char *line, struct in6_addr *client)
{
	size_t end = strlen(line);
	while (proxies_trust(proxies, client)) {
		char hop[HOP_MAX];
		struct in6_addr seen;
		size_t start = end;
		while (start > 0 && line[start - 1] != ',')
			start--;
		if (!copy_hop(line + start, end - start, hop) || !parse_hop(hop, &seen))
			return false;
		*client = seen;
		if (start == 0)
			return proxies_trust(proxies, client);
		end = start - 1;
	}
	return false;
}
