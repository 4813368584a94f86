/*
 * Who sends a request: access tokens of sessions and API tokens, checked on the loop's thread. A token that is known
 * costs one hash and one look into a table of fixed size (well below a microsecond); of one that is not the database is
 * asked once: for the user of a session's, whose signature was good, or for the API token's row. The table forgets a
 * token
 *
 * - when it expires,
 * - when a notice says that its user's tokens are to be looked up anew (accounts/users.h), all of them where notices
 * may have been missed,
 * - after ACCESS_AGE_US, so that a node which a broken connection keeps from hearing is not wrong for long,
 * - when others need its place.
 *
 * A token is kept as its SHA-256, so that a copy of the memory gives none away. All calls and callbacks: the loop's
 * thread.
 */
#ifndef TIRO_ACCOUNTS_ACCESS_H
#define TIRO_ACCOUNTS_ACCESS_H

#include "accounts/jwt.h"
#include "store/db.h"

/* One look into the database per minute and token; API tokens' last use is noted with it. */
#define ACCESS_AGE_US ((int64_t)60 * 1000 * 1000)
/* Tokens that are kept: 120 bytes each, touched only when used. */
enum { ACCESS_ENTRIES_DEFAULT = 16384, ACCESS_ENTRIES_MAX = 1 << 20 };

enum access_kind { ACCESS_SESSION, ACCESS_API_TOKEN };

struct access {
	enum access_kind kind;
	struct uuid user;
	struct uuid application; /* that is charged; the user's id where it is their default one */
	struct uuid token; /* its id (of a session's, the jti), for logs */
	int permissions; /* accounts/api_tokens.h; of a session all */
	struct roles roles; /* by the database */
	int64_t generation; /* of the user's tokens (accounts/users.h); of an API token 0 */
	int64_t expires_s; /* INT64_MAX: never */
};

struct access_cache;

struct access_config {
	struct db *db;
	const struct jwt_signer *signer; /* outlives the cache */
	size_t entries; /* 0: ACCESS_ENTRIES_DEFAULT */
	int64_t (*wall_us)(void); /* NULL: the clock */
};

/* Listens to notices. *ret is the caller's. Errors: ERR_NO_MEMORY, those of db_listen. */
enum err_code access_cache_new(const struct access_config *config, struct access_cache **ret, struct err *err)
	MUST_CHECK;

/* Before db_close: no notice is heard any more. Nothing may be checked after it. NULL is fine. */
void access_cache_stop(struct access_cache *cache);

/*
 * Once stopped, after db_close, which ends what is under way: questions that wait are not answered any more, uses of
 * tokens not noted. NULL is fine.
 */
void access_cache_free(struct access_cache *cache);

/* A check that may need the database. Embedded in the request's object, which lives until `done` where that follows. */
struct access_question {
	void (*done)(struct access_question *question);
	/* The answer: ERR_OK and `access`; ERR_DENIED or ERR_TIMEOUT (401; `err` may be shown), or what keeps the
	 * database from answering (503). */
	enum err_code code;
	struct err err;
	struct access access;
	/* The cache's own. */
	struct access_cache *cache;
	struct jwt_claims claims;
	unsigned char hash[32];
	uint64_t epoch;
	bool is_good;
};

/* True: the answer is there, `done` is not called. False: `done` is called later, exactly once. */
bool access_check(struct access_cache *cache, const char *token, size_t len, struct access_question *question);

/* For metrics. */
struct access_counts {
	uint64_t hits, lookups, refused;
};
struct access_counts access_counts(const struct access_cache *cache);

#endif
