/*
 * Tokens that say who somebody is: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256. Tiro signs and checks them
 * itself, and nobody else does, so the parser takes what the writer writes and nothing more:
 *
 * - the header is the one text {"alg":"HS256","typ":"JWT"}, compared byte by byte. There is no choice of an algorithm,
 * no `none`, no `kid`, `jku` or `x5c` that could point to a key of somebody else's.
 * - base64url without padding, blanks or bits that do not count (RFC 7515, 2): a token has one spelling.
 * - the signature is checked, in constant time, before anything of the payload is looked at.
 * - access and refresh tokens have keys of their own, beside their `type`: one is never taken for the other.
 *
 * Claims: sub (the user's id), roles, exp, iat, iss, jti, type, gen (the user's generation: it goes up when all their
 * tokens end). Pure functions, thread-safe.
 */
#ifndef TIRO_ACCOUNTS_JWT_H
#define TIRO_ACCOUNTS_JWT_H

#include <stddef.h>
#include <stdint.h>

#include "accounts/roles.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/uuid.h"

enum {
	JWT_KEY_BYTES = 32,
	/* Characters of a token: ours have 340 to 480. */
	JWT_MAX = 1024,
	JWT_ISSUER_MAX = 63
};

enum jwt_type { JWT_ACCESS, JWT_REFRESH, JWT_TYPES };

/* Letters, digits and . : / _ - */
bool jwt_issuer_valid(const char *issuer);

/* Wiped by jwt_signer_done. */
struct jwt_signer {
	unsigned char keys[JWT_TYPES][JWT_KEY_BYTES];
	char issuer[JWT_ISSUER_MAX + 1]; /* a valid one */
};
void jwt_signer_done(struct jwt_signer *signer);

struct jwt_claims {
	enum jwt_type type;
	struct uuid user;
	struct uuid id;
	struct roles roles; /* when it was made: for clients; the database knows better */
	int64_t generation;
	int64_t issued_s, expires_s; /* since 1970 UTC */
};

/* Writes a token and a 0. Errors: ERR_TOO_BIG, ERR_NO_MEMORY. */
enum err_code jwt_sign(const struct jwt_signer *signer, const struct jwt_claims *claims, char ret[JWT_MAX + 1],
		       struct err *err) MUST_CHECK;

/*
 * Checks a token of that type. Errors: ERR_DENIED (none of ours), ERR_TIMEOUT (it was one, until `now_us`), both with
 * messages that may be shown; ERR_NO_MEMORY.
 */
enum err_code jwt_verify(const struct jwt_signer *signer, enum jwt_type type, const char *token, size_t len,
			 int64_t now_us, struct jwt_claims *ret, struct err *err) MUST_CHECK;

#endif
