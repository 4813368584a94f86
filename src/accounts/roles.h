/*
 * Roles: what a user may do beyond their own things. A set of few, kept as text in the database ("admin user") and as
 * bits here. They never come from a request. Pure functions, thread-safe.
 */
#ifndef TIRO_ACCOUNTS_ROLES_H
#define TIRO_ACCOUNTS_ROLES_H

#include <stdbool.h>
#include <stddef.h>

/* Symbol, name, meaning. */
#define ROLE_TABLE(X)                                                                                                  \
	X(ROLE_ADMIN, "admin", "runs the installation: users, plans, keys, backups")                                   \
	X(ROLE_USER, "user", "uses it")                                                                                \
	X(ROLE_DEMO_USER, "demo_user", "tries it: a few uploads")

enum role {
#define X(symbol, name, meaning) symbol,
	ROLE_TABLE(X)
#undef X
		ROLES
};

struct roles {
	unsigned bits; /* 1 << role */
};

enum {
	/* All names, a space after each or the final 0; a test writes them all. */
	ROLES_TEXT_SIZE = 32
};

struct roles roles_of(enum role role);
bool roles_have(struct roles roles, enum role role);

const char *role_name(enum role role);
/* False where there is no role of that name. */
bool role_find(const char *name, size_t len, enum role *ret);

/* The names, a space between. */
void roles_text(struct roles roles, char ret[ROLES_TEXT_SIZE]);
/* The roles that such a text names; others (of a newer version of Tiro) are passed over. */
struct roles roles_parse(const char *text);

#endif
