#include "accounts/roles.h"

#include <string.h>

static const char *const names[] = {
#define X(symbol, name, meaning) [symbol] = (name),
	ROLE_TABLE(X)
#undef X
};

struct roles roles_of(enum role role)
{
	return (struct roles){ 1u << role };
}

bool roles_have(struct roles roles, enum role role)
{
	return (roles.bits & 1u << role) != 0;
}

const char *role_name(enum role role)
{
	return names[role];
}

bool role_find(const char *name, size_t len, enum role *ret)
{
	for (int i = 0; i < ROLES; i++) {
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) {
			*ret = (enum role)i;
			return true;
		}
	}
	return false;
}

void roles_text(struct roles roles, char ret[ROLES_TEXT_SIZE])
{
	size_t at = 0;
	for (int i = 0; i < ROLES; i++) {
		if (!roles_have(roles, (enum role)i))
			continue;
		size_t len = strlen(names[i]);
		if (at > 0)
			ret[at++] = ' ';
		memcpy(ret + at, names[i], len);
		at += len;
	}
	ret[at] = '\0';
}

struct roles roles_parse(const char *text)
{
	struct roles roles = { 0 };
	while (*text) {
		size_t len = strcspn(text, " ");
		enum role role;
		if (role_find(text, len, &role))
			roles.bits |= roles_of(role).bits;
		text += len + (text[len] == ' ');
	}
	return roles;
}
