/*
 * API tokens: what programs send in the place of a log-in, to the dialects that take them. A token belongs
 * to an application, which is charged, or is a user's own key. Its value is 256 random bits, shown once and kept as
 * their SHA-256: with that much chance in it a slow hash would protect nothing, and the look-up by hash tells a
 * guesser's clock nothing.
 *
 * Inside a unit of work; times are the caller's, microseconds UTC. Thread-safe. Revoking ends a token with the commit,
 * on all nodes.
 */
#ifndef TIRO_ACCOUNTS_API_TOKENS_H
#define TIRO_ACCOUNTS_API_TOKENS_H

#include "base/digest.h"
#include "base/uuid.h"
#include "store/db.h"

/* Every value begins with it: a JWT does not, and scanners for leaked secrets find it. */
#define API_TOKEN_MARK "tiro_"

enum {
	API_TOKEN_VALUE_SIZE = sizeof API_TOKEN_MARK - 1 + 64 + 1, /* 32 bytes in hexadecimal, and the 0 */
	API_TOKEN_PREFIX_SIZE = sizeof API_TOKEN_MARK - 1 + 8 + 1, /* what may be shown later */
	API_TOKEN_NAME_MAX = 255, /* bytes */
	/* Of one application, or of one user's own. */
	API_TOKENS_MAX = 1000,
};

/* Symbol, bit in the database, name. */
#define PERMISSION_TABLE(X)                                                                                            \
	X(PERMISSION_READ, 1, "read")                                                                                  \
	X(PERMISSION_WRITE, 2, "write")                                                                                \
	X(PERMISSION_ADMIN, 4, "admin")

enum permission {
#define X(symbol, bit, name) symbol = (bit),
	PERMISSION_TABLE(X)
#undef X
		PERMISSIONS_USUAL = PERMISSION_READ | PERMISSION_WRITE,
	PERMISSIONS_ALL = PERMISSIONS_USUAL | PERMISSION_ADMIN,
};

/* NULL for what is none. */
const char *permission_name(enum permission permission);
/* 0: there is none of that name. */
int permission_find(const char *name, size_t len);

struct api_token {
	struct uuid id;
	struct uuid user;
	struct uuid application; /* the user's id for a key of their own: the default application's */
	char name[API_TOKEN_NAME_MAX + 1];
	char prefix[API_TOKEN_PREFIX_SIZE];
	int permissions; /* PERMISSION_... */
	int64_t created_us;
	int64_t expires_us; /* 0: never, here and below */
	int64_t last_used_us; /* within a minute */
	int64_t revoked_us;
};

/* Whose tokens: an application's of a user, or the user's own, where both ids are the user's. */
struct api_token_owner {
	struct uuid user;
	struct uuid application;
};

/*
 * Adds *token, whose owner, name, permissions and expiry are set; fills the rest and the value, which is the caller's
 * to wipe. Errors: ERR_INVALID (no name, or it has expired), ERR_TOO_BIG (there are API_TOKENS_MAX), ERR_NOT_FOUND (the
 * application is not this user's).
 */
enum err_code api_token_add(struct db_tx *tx, struct api_token *token, int64_t now_us,
			    char ret_value[API_TOKEN_VALUE_SIZE], struct err *err) MUST_CHECK;

/* Newest first. */
struct api_token_list {
	struct api_token *rows; /* owned */
	size_t count;
	int64_t total; /* of all pages */
};
enum err_code api_token_list(struct db_tx *tx, const struct api_token_owner *owner, size_t limit, size_t offset,
			     struct api_token_list *ret, struct err *err) MUST_CHECK;
void api_token_list_done(struct api_token_list *list);
#define cleanup_api_token_list cleanup(api_token_list_done)

/* A second time changes nothing. *ret is the token as it is then. Errors: ERR_NOT_FOUND (not this owner's). */
enum err_code api_token_revoke(struct db_tx *tx, const struct api_token_owner *owner, const struct uuid *id,
			       int64_t now_us, struct api_token *ret, struct err *err) MUST_CHECK;

/* -- for accounts/access.h --------------------------------------------------------------------------- */

struct access;

/* Who sends a token with this hash; it may have expired. *ret_is_good: it is known, not revoked, and neither its
 * application nor its user is switched off. The only statement of its unit. */
enum err_code api_token_look_up(struct db_tx *tx, const unsigned char hash[SHA256_BYTES], bool *ret_is_good,
				struct access *ret, struct err *err) MUST_CHECK;

/* Notes a use; once a minute is enough. */
enum err_code api_token_touch(struct db_tx *tx, const struct uuid *id, int64_t now_us, struct err *err) MUST_CHECK;

#endif
