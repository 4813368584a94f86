#include "base/base64.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void base64_encode(const void *bytes, size_t len, char *ret)
{
	(void)EVP_EncodeBlock((unsigned char *)ret, bytes, (int)len);
}

bool base64_decode(const char *text, void *ret, size_t size)
{
	size_t chars = BASE64_SIZE(size) - 1;
	if (strlen(text) != chars)
		return false;
	/* OpenSSL writes whole groups of three. */
	cleanup_free unsigned char *bytes = malloc(chars / 4 * 3 + 1);
	cleanup_free char *again = malloc(chars + 1);
	if (!bytes || !again || EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)chars) < (int)size)
		return false;
	base64_encode(bytes, size, again);
	if (strcmp(again, text) != 0)
		return false;
	memcpy(ret, bytes, size);
	return true;
}
