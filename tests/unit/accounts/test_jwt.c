/* Tokens: one spelling, one algorithm, one key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "accounts/jwt.h"
#include "base/clock.h"
#include "base/strbuf.h"

#define NOW_S ((int64_t)1999996500)
#define NOW_US (NOW_S * US_PER_S)

/* Made by Python's hmac and base64, of the same claims as `claims` below. */
static const char vector[] =
	"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwMTAyMDMwNC0wNTA2LTc3MDgtODkwYS0wYjBjMGQwZ"
	"TBmMTAiLCJyb2xlcyI6WyJhZG1pbiIsInVzZXIiXSwiZXhwIjoyMDAwMDAwMDAwLCJpYXQiOjE5OTk5OTY0MDAsIml"
	"zcyI6InRpcm8iLCJqdGkiOiJhMWEyYTNhNC1hNWE2LTc3YTgtODlhYS1hYmFjYWRhZWFmYjAiLCJ0eXBlIjoiYWNjZ"
	"XNzIiwiZ2VuIjo3fQ.lrDdraBP0p49dPlBAY59ZlQ62X3hkSDVvhWPY3twvXE";

static const struct jwt_claims claims = {
	.type = JWT_ACCESS,
	.user = { { 1, 2, 3, 4, 5, 6, 0x77, 8, 0x89, 10, 11, 12, 13, 14, 15, 16 } },
	.id = { { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0x77, 0xa8, 0x89, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xb0 } },
	.roles = { 1u << ROLE_ADMIN | 1u << ROLE_USER },
	.generation = 7,
	.issued_s = 1999996400,
	.expires_s = 2000000000,
};

static struct jwt_signer signer(void)
{
	struct jwt_signer s = { .issuer = "tiro" };
	for (int i = 0; i < JWT_KEY_BYTES; i++) {
		s.keys[JWT_ACCESS][i] = (unsigned char)i;
		s.keys[JWT_REFRESH][i] = (unsigned char)(100 + i);
	}
	return s;
}

static enum err_code verify(const char *token, size_t len, struct jwt_claims *ret)
{
	struct jwt_signer s = signer();
	struct err err;
	return jwt_verify(&s, JWT_ACCESS, token, len, NOW_US, ret, &err);
}

static void assert_refused(const char *token)
{
	struct jwt_claims got;
	if (verify(token, strlen(token), &got) != ERR_DENIED)
		fail_msg("taken: %s", token);
}

/* Any header and payload, signed with the right key: what an issuer of ours would never write. */
static void forge(const char *header, const char *payload, char ret[4096])
{
	enum { URLSAFE = sodium_base64_VARIANT_URLSAFE_NO_PADDING };
	struct jwt_signer s = signer();
	unsigned char mac[32];
	(void)sodium_bin2base64(ret, 1024, (const unsigned char *)header, strlen(header), URLSAFE);
	size_t len = strlen(ret);
	ret[len++] = '.';
	(void)sodium_bin2base64(ret + len, 2048, (const unsigned char *)payload, strlen(payload), URLSAFE);
	len = strlen(ret);
	(void)crypto_auth_hmacsha256(mac, (const unsigned char *)ret, len, s.keys[JWT_ACCESS]);
	ret[len++] = '.';
	(void)sodium_bin2base64(ret + len, 64, mac, sizeof mac, URLSAFE);
}

#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define SUB "\"sub\":\"01020304-0506-7708-890a-0b0c0d0e0f10\""
#define JTI "\"jti\":\"a1a2a3a4-a5a6-77a8-89aa-abacadaeafb0\""
#define TIMES "\"exp\":2000000000,\"iat\":1999996400"
#define REST "\"iss\":\"tiro\"," JTI ",\"type\":\"access\",\"gen\":7"

static void it_is_what_others_make_of_the_same_claims(void **state)
{
	(void)state;
	struct jwt_signer s = signer();
	struct jwt_claims got;
	struct err err;
	char token[JWT_MAX + 1];
	assert_int_equal(jwt_sign(&s, &claims, token, &err), ERR_OK);
	assert_string_equal(token, vector);
	assert_int_equal(verify(vector, strlen(vector), &got), ERR_OK);
	assert_memory_equal(&got.user, &claims.user, sizeof got.user);
	assert_memory_equal(&got.id, &claims.id, sizeof got.id);
	assert_int_equal(got.roles.bits, claims.roles.bits);
	assert_int_equal(got.generation, 7);
	assert_int_equal(got.issued_s, claims.issued_s);
	assert_int_equal(got.expires_s, claims.expires_s);
}

static void every_character_counts(void **state)
{
	(void)state;
	struct jwt_claims got;
	char token[sizeof vector];
	static const char other[] = "AZaz09-_.=+/ \n";
	size_t len = strlen(vector);
	for (size_t i = 0; i < len; i++) {
		for (size_t j = 0; j < sizeof other; j++) {
			memcpy(token, vector, sizeof vector);
			token[i] = other[j];
			if (token[i] != vector[i])
				assert_int_equal(verify(token, len, &got), ERR_DENIED);
		}
	}
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(verify(vector, cut, &got), ERR_DENIED);
	(void)snprintf(token, sizeof token, "%s", vector);
	assert_int_equal(verify(vector, len + 1, &got), ERR_DENIED);
}

static void no_other_algorithm_is_taken(void **state)
{
	(void)state;
	static const char *const headers[] = {
		"{\"alg\":\"none\",\"typ\":\"JWT\"}",
		"{\"alg\":\"None\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS384\",\"typ\":\"JWT\"}",
		"{\"alg\":\"RS256\",\"typ\":\"JWT\"}",
		"{\"typ\":\"JWT\",\"alg\":\"HS256\"}",
		"{\"alg\":\"HS256\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"../../dev/null\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}",
	};
	char token[4096];
	/* Even with the right key below it. */
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		forge(headers[i], "{" SUB ",\"roles\":[\"user\"]," TIMES "," REST "}", token);
		assert_refused(token);
		*strrchr(token, '.') = '\0';
		assert_refused(token);
		(void)snprintf(token + strlen(token), 2, ".");
		assert_refused(token);
	}
	/* The proof that `forge` makes good ones. */
	struct jwt_claims got;
	forge(HEADER, "{" SUB ",\"roles\":[\"user\"]," TIMES "," REST "}", token);
	assert_int_equal(verify(token, strlen(token), &got), ERR_OK);
}

static void a_token_is_of_one_type(void **state)
{
	(void)state;
	struct jwt_signer s = signer();
	struct jwt_claims got, refresh = claims;
	struct err err;
	char token[JWT_MAX + 1];
	refresh.type = JWT_REFRESH;
	assert_int_equal(jwt_sign(&s, &refresh, token, &err), ERR_OK);
	assert_refused(token);
	assert_int_equal(jwt_verify(&s, JWT_REFRESH, token, strlen(token), NOW_US, &got, &err), ERR_OK);
	assert_int_equal(jwt_verify(&s, JWT_REFRESH, vector, strlen(vector), NOW_US, &got, &err), ERR_DENIED);
	/* Not even where the keys were the same. */
	memcpy(s.keys[JWT_REFRESH], s.keys[JWT_ACCESS], JWT_KEY_BYTES);
	assert_int_equal(jwt_verify(&s, JWT_REFRESH, vector, strlen(vector), NOW_US, &got, &err), ERR_DENIED);
	/* Another installation's. */
	memset(s.keys, 7, sizeof s.keys);
	assert_int_equal(jwt_verify(&s, JWT_ACCESS, vector, strlen(vector), NOW_US, &got, &err), ERR_DENIED);
}

static void claims_are_read_strictly(void **state)
{
	(void)state;
	static const char *const payloads[] = {
		"",
		"[]",
		"\"x\"",
		"{}",
		"{" SUB ",\"roles\":[\"user\"]," TIMES "," REST "} ",
		"{" SUB "," SUB ",\"roles\":[\"user\"]," TIMES "," REST "}",
		"{" SUB ",\"roles\":\"user\"," TIMES "," REST "}",
		"{" SUB ",\"roles\":[1]," TIMES "," REST "}",
		"{" SUB "," TIMES "," REST "}",
		"{\"sub\":\"user123\",\"roles\":[]," TIMES "," REST "}",
		"{" SUB ",\"roles\":[],\"exp\":\"2000000000\",\"iat\":1," REST "}",
		"{" SUB ",\"roles\":[],\"exp\":2000000000.5,\"iat\":1," REST "}",
		"{" SUB ",\"roles\":[],\"exp\":1e99,\"iat\":1," REST "}",
		"{" SUB ",\"roles\":[],\"exp\":-1,\"iat\":1," REST "}",
		"{" SUB ",\"roles\":[]," TIMES ",\"iss\":\"other\"," JTI ",\"type\":\"access\",\"gen\":7}",
		"{" SUB ",\"roles\":[]," TIMES ",\"iss\":\"tiro\"," JTI ",\"type\":\"refresh\",\"gen\":7}",
		"{" SUB ",\"roles\":[]," TIMES ",\"iss\":\"tiro\"," JTI ",\"type\":\"access\"}",
		"{" SUB ",\"roles\":[]," TIMES ",\"iss\":\"tiro\"," JTI
		",\"type\":\"access\",\"gen\":7,\"x\":\"\xff\"}",
	};
	char token[4096];
	struct jwt_claims got;
	for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
		forge(HEADER, payloads[i], token);
		/* Blanks after the object are JSON; all else is refused. */
		if (i == 4)
			assert_int_equal(verify(token, strlen(token), &got), ERR_OK);
		else
			assert_refused(token);
	}
	/* A role that a newer version knows. */
	forge(HEADER, "{" SUB ",\"roles\":[\"emperor\",\"user\"]," TIMES "," REST "}", token);
	assert_int_equal(verify(token, strlen(token), &got), ERR_OK);
	assert_int_equal(got.roles.bits, 1u << ROLE_USER);
}

static void time_and_size_have_their_limits(void **state)
{
	(void)state;
	struct jwt_signer s = signer();
	struct jwt_claims got;
	struct err err;
	char token[4096], payload[2000];
	int64_t last_us = claims.expires_s * US_PER_S - 1;
	size_t len = strlen(vector);
	assert_int_equal(jwt_verify(&s, JWT_ACCESS, vector, len, last_us, &got, &err), ERR_OK);
	assert_int_equal(jwt_verify(&s, JWT_ACCESS, vector, len, last_us + 1, &got, &err), ERR_TIMEOUT);
	(void)snprintf(payload, sizeof payload, "{%s,\"roles\":[],%s,%s,\"x\":\"%1000d\"}", SUB, TIMES, REST, 1);
	forge(HEADER, payload, token);
	assert_refused(token);
}

static void an_issuer_needs_no_escapes(void **state)
{
	(void)state;
	assert_true(jwt_issuer_valid("https://tiro.example.org/a_b-c"));
	assert_false(jwt_issuer_valid(""));
	assert_false(jwt_issuer_valid("a\"b"));
	assert_false(jwt_issuer_valid("a b"));
	assert_false(jwt_issuer_valid("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_what_others_make_of_the_same_claims),
		cmocka_unit_test(every_character_counts),
		cmocka_unit_test(no_other_algorithm_is_taken),
		cmocka_unit_test(a_token_is_of_one_type),
		cmocka_unit_test(claims_are_read_strictly),
		cmocka_unit_test(time_and_size_have_their_limits),
		cmocka_unit_test(an_issuer_needs_no_escapes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
