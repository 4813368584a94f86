#include "accounts/jwt.h"

#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/strbuf.h"

/* {"alg":"HS256","typ":"JWT"} and the dot after it. */
static const char header[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";
static const char *const type_names[] = { [JWT_ACCESS] = "access", [JWT_REFRESH] = "refresh" };

enum {
	HEADER_LEN = sizeof header - 1,
	MAC_LEN = crypto_auth_hmacsha256_BYTES,
	/* 32 bytes in base64url. */
	SIGNATURE_LEN = 43,
	URLSAFE = sodium_base64_VARIANT_URLSAFE_NO_PADDING,
	PAYLOAD_TEXT_MAX = JWT_MAX - HEADER_LEN - 1 - SIGNATURE_LEN,
	PAYLOAD_MAX = PAYLOAD_TEXT_MAX / 4 * 3
};

_Static_assert(JWT_KEY_BYTES == crypto_auth_hmacsha256_KEYBYTES, "the key of an HMAC");

void jwt_signer_done(struct jwt_signer *signer)
{
	secret_wipe(signer, sizeof *signer);
}

/* -- writing --------------------------------------------------------------------------------------- */

bool jwt_issuer_valid(const char *issuer)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/_-";
	size_t len = strlen(issuer);
	return len > 0 && len <= JWT_ISSUER_MAX && strspn(issuer, allowed) == len;
}

static void write_roles(struct roles roles, struct strbuf *out)
{
	const char *between = "";
	for (int i = 0; i < ROLES; i++) {
		if (!roles_have(roles, (enum role)i))
			continue;
		strbuf_addf(out, "%s\"%s\"", between, role_name((enum role)i));
		between = ",";
	}
}

/* No value needs escaping. (Not by base/json.h: jansson has functions of the same names.) */
static void write_payload(const struct jwt_signer *signer, const struct jwt_claims *claims, struct strbuf *out)
{
	char user[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];
	uuid_text(&claims->user, user);
	uuid_text(&claims->id, id);
	strbuf_addf(out, "{\"sub\":\"%s\",\"roles\":[", user);
	write_roles(claims->roles, out);
	strbuf_addf(out, "],\"exp\":%" PRId64 ",\"iat\":%" PRId64 ",\"iss\":\"%s\"", claims->expires_s,
		    claims->issued_s, signer->issuer);
	strbuf_addf(out, ",\"jti\":\"%s\",\"type\":\"%s\",\"gen\":%" PRId64 "}", id, type_names[claims->type],
		    claims->generation);
}

static void mac_of(const struct jwt_signer *signer, enum jwt_type type, const char *text, size_t len,
		   unsigned char ret[MAC_LEN])
{
	(void)crypto_auth_hmacsha256(ret, (const unsigned char *)text, len, signer->keys[type]);
}

enum err_code jwt_sign(const struct jwt_signer *signer, const struct jwt_claims *claims, char ret[JWT_MAX + 1],
		       struct err *err)
{
	unsigned char mac[MAC_LEN];
	cleanup_strbuf struct strbuf payload = STRBUF_INIT(PAYLOAD_MAX);
	write_payload(signer, claims, &payload);
	enum err_code code = strbuf_check(&payload, "a token", err);
	if (code)
		return code;
	memcpy(ret, header, HEADER_LEN);
	size_t room = sodium_base64_ENCODED_LEN(payload.len, URLSAFE);
	(void)sodium_bin2base64(ret + HEADER_LEN, room, (const unsigned char *)payload.data, payload.len, URLSAFE);
	size_t len = HEADER_LEN + room - 1;
	mac_of(signer, claims->type, ret, len, mac);
	ret[len] = '.';
	(void)sodium_bin2base64(ret + len + 1, SIGNATURE_LEN + 1, mac, sizeof mac, URLSAFE);
	return ERR_OK;
}

/* -- reading --------------------------------------------------------------------------------------- */

static enum err_code refuse(struct err *err)
{
	return err_set(err, ERR_DENIED, "the token is not valid");
}

/* Exactly `len` characters; false where they are not the only spelling of some bytes. */
static bool decode(const char *text, size_t len, unsigned char *ret, size_t max, size_t *ret_len)
{
	const char *end;
	return sodium_base642bin(ret, max, text, len, NULL, ret_len, &end, URLSAFE) == 0 && end == text + len;
}

static bool signature_fits(const struct jwt_signer *signer, enum jwt_type type, const char *token, size_t signed_len)
{
	unsigned char mac[MAC_LEN], given[MAC_LEN];
	size_t len;
	if (!decode(token + signed_len + 1, SIGNATURE_LEN, given, sizeof given, &len) || len != sizeof given)
		return false;
	mac_of(signer, type, token, signed_len, mac);
	return secret_equal(mac, given, sizeof mac);
}

static bool read_number(const json_t *object, const char *name, int64_t *ret)
{
	const json_t *value = json_object_get(object, name);
	*ret = json_is_integer(value) ? json_integer_value(value) : -1;
	return *ret >= 0;
}

static bool read_id(const json_t *object, const char *name, struct uuid *ret)
{
	const json_t *value = json_object_get(object, name);
	return json_is_string(value) && uuid_parse(json_string_value(value), json_string_length(value), ret);
}

static bool is_text(const json_t *object, const char *name, const char *text)
{
	const json_t *value = json_object_get(object, name);
	return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static bool read_roles(const json_t *object, struct roles *ret)
{
	const json_t *roles = json_object_get(object, "roles");
	*ret = (struct roles){ 0 };
	for (size_t i = 0; i < json_array_size(roles); i++) {
		const json_t *name = json_array_get(roles, i);
		enum role role;
		if (!json_is_string(name))
			return false;
		if (role_find(json_string_value(name), json_string_length(name), &role))
			ret->bits |= roles_of(role).bits;
	}
	return json_is_array(roles);
}

static bool read_claims(const struct jwt_signer *signer, const json_t *object, struct jwt_claims *ret)
{
	return is_text(object, "type", type_names[ret->type]) && is_text(object, "iss", signer->issuer) &&
	       read_id(object, "sub", &ret->user) && read_id(object, "jti", &ret->id) &&
	       read_roles(object, &ret->roles) && read_number(object, "gen", &ret->generation) &&
	       read_number(object, "iat", &ret->issued_s) && read_number(object, "exp", &ret->expires_s);
}

static bool read_payload(const struct jwt_signer *signer, const char *text, size_t len, struct jwt_claims *ret)
{
	unsigned char payload[PAYLOAD_MAX];
	size_t size;
	if (!decode(text, len, payload, sizeof payload, &size))
		return false;
	json_t *object = json_loadb((const char *)payload, size, JSON_REJECT_DUPLICATES, NULL);
	bool is_fine = read_claims(signer, object, ret);
	json_decref(object);
	return is_fine;
}

enum err_code jwt_verify(const struct jwt_signer *signer, enum jwt_type type, const char *token, size_t len,
			 int64_t now_us, struct jwt_claims *ret, struct err *err)
{
	struct jwt_claims claims = { .type = type };
	if (len <= HEADER_LEN + 1 + SIGNATURE_LEN || len > JWT_MAX || memcmp(token, header, HEADER_LEN) != 0)
		return refuse(err);
	size_t signed_len = len - SIGNATURE_LEN - 1;
	if (token[signed_len] != '.' || !signature_fits(signer, type, token, signed_len))
		return refuse(err);
	if (!read_payload(signer, token + HEADER_LEN, signed_len - HEADER_LEN, &claims))
		return refuse(err);
	if (now_us / US_PER_S >= claims.expires_s)
		return err_set(err, ERR_TIMEOUT, "the token has expired");
	*ret = claims;
	return ERR_OK;
}
