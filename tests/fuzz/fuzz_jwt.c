/*
 * Tokens of any bytes: as they come, and (after a P) as a payload below a good header and a good signature, so that
 * the reader of the claims is met too. What is taken has one spelling, and is signed to the same text again.
 */
#include <assert.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "accounts/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char header[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";

static void make_signer(struct jwt_signer *s)
{
	memset(s, 0, sizeof *s);
	memcpy(s->issuer, "tiro", 5);
	for (int i = 0; i < JWT_KEY_BYTES; i++)
		s->keys[JWT_ACCESS][i] = (unsigned char)i;
}

static size_t sign(const struct jwt_signer *s, const uint8_t *payload, size_t size, char *ret)
{
	enum { URLSAFE = sodium_base64_VARIANT_URLSAFE_NO_PADDING };
	unsigned char mac[32];
	memcpy(ret, header, sizeof header);
	(void)sodium_bin2base64(ret + strlen(ret), sodium_base64_ENCODED_LEN(size, URLSAFE), payload, size, URLSAFE);
	size_t len = strlen(ret);
	(void)crypto_auth_hmacsha256(mac, (const unsigned char *)ret, len, s->keys[JWT_ACCESS]);
	ret[len++] = '.';
	(void)sodium_bin2base64(ret + len, 44, mac, sizeof mac, URLSAFE);
	return len + strlen(ret + len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jwt_signer s;
	struct jwt_claims claims, again;
	struct err err;
	char token[4096], back[JWT_MAX + 1];
	if (size > 2048)
		return 0;
	make_signer(&s);
	size_t len = size;
	if (size > 0 && data[0] == 'P')
		len = sign(&s, data + 1, size - 1, token);
	else if (size > 0)
		memcpy(token, data, size);
	if (jwt_verify(&s, JWT_ACCESS, token, len, 0, &claims, &err) != ERR_OK)
		return 0;
	assert(jwt_sign(&s, &claims, back, &err) == ERR_OK);
	assert(jwt_verify(&s, JWT_ACCESS, back, strlen(back), 0, &again, &err) == ERR_OK);
	assert(memcmp(&again.user, &claims.user, sizeof again.user) == 0);
	assert(again.expires_s == claims.expires_s && again.generation == claims.generation);
	return 0;
}
