#include "base/secret.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

void *secret_alloc(size_t size_bytes)
{
	void *bytes = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		return NULL;
	/* Each is a protection more where the system offers it; the secret is needed either way. */
	(void)madvise(bytes, size_bytes, MADV_DONTDUMP);
	if (size_bytes <= SECRET_LOCK_MAX) {
		(void)madvise(bytes, size_bytes, MADV_WIPEONFORK);
		(void)mlock(bytes, size_bytes);
	}
	return bytes;
}

void secret_free(void *bytes, size_t size_bytes)
{
	if (!bytes)
		return;
	explicit_bzero(bytes, size_bytes);
	(void)munmap(bytes, size_bytes);
}

enum err_code secret_set(struct secret *ret, const void *bytes, size_t len, struct err *err)
{
	char *copy = len < SIZE_MAX ? secret_alloc(len + 1) : NULL;
	if (!copy)
		return err_set(err, ERR_NO_MEMORY, "no memory for a secret");
	memcpy(copy, bytes, len);
	*ret = (struct secret){ .bytes = copy, .len = len };
	return ERR_OK;
}

void secret_done(struct secret *secret)
{
	if (secret->bytes)
		secret_free(secret->bytes, secret->len + 1);
	*secret = (struct secret){ 0 };
}

const char *secret_reveal(const struct secret *secret)
{
	return secret->bytes ? secret->bytes : "";
}

void secret_wipe(void *bytes, size_t len)
{
	if (len > 0)
		explicit_bzero(bytes, len);
}

bool secret_equal(const void *a, const void *b, size_t len)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char differs = 0;
	for (size_t i = 0; i < len; i++)
		differs = (unsigned char)(differs | (x[i] ^ y[i]));
	return differs == 0;
}
