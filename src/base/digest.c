#include "base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

enum { READ_CHUNK = 256 * 1024 };

struct sha256 {
	EVP_MD_CTX *ctx;
};

static enum err_code failed(struct err *err)
{
	(void)err_set(err, ERR_NO_MEMORY, "no memory for a hash");
	return ERR_NO_MEMORY; /* said here too, for the static analysis */
}

enum err_code sha256_new(struct sha256 **ret, struct err *err)
{
	struct sha256 *hash = calloc(1, sizeof *hash);
	if (!hash)
		return failed(err);
	hash->ctx = EVP_MD_CTX_new();
	if (!hash->ctx || EVP_DigestInit_ex(hash->ctx, EVP_sha256(), NULL) != 1) {
		sha256_free(hash);
		return failed(err);
	}
	*ret = hash;
	return ERR_OK;
}

void sha256_free(struct sha256 *hash)
{
	if (!hash)
		return;
	EVP_MD_CTX_free(hash->ctx);
	free(hash);
}

enum err_code sha256_restart(struct sha256 *hash, struct err *err)
{
	/* NULL: the algorithm it has already. To name it would look it up again, which costs more than a short text. */
	return EVP_DigestInit_ex(hash->ctx, NULL, NULL) == 1 ? ERR_OK : failed(err);
}

enum err_code sha256_add(struct sha256 *hash, const void *bytes, size_t len, struct err *err)
{
	return EVP_DigestUpdate(hash->ctx, bytes, len) == 1 ? ERR_OK : failed(err);
}

enum err_code sha256_finish_bytes(struct sha256 *hash, unsigned char ret[SHA256_BYTES], struct err *err)
{
	return EVP_DigestFinal_ex(hash->ctx, ret, NULL) == 1 ? ERR_OK : failed(err);
}

enum err_code sha256_finish(struct sha256 *hash, char ret_hex[SHA256_HEX_SIZE], struct err *err)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[SHA256_BYTES];
	enum err_code code = sha256_finish_bytes(hash, raw, err);
	if (code)
		return code;
	for (size_t i = 0; i < sizeof raw; i++) {
		ret_hex[2 * i] = digits[raw[i] >> 4];
		ret_hex[2 * i + 1] = digits[raw[i] & 15];
	}
	ret_hex[2 * sizeof raw] = '\0';
	return ERR_OK;
}

enum err_code sha256_add_file(struct sha256 *hash, int fd, struct err *err)
{
	cleanup_free char *chunk = malloc(READ_CHUNK);
	if (!chunk)
		return failed(err);
	for (;;) {
		ssize_t n = read(fd, chunk, READ_CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, ERR_IO, errno, "could not read");
		if (n == 0)
			return ERR_OK;
		enum err_code code = sha256_add(hash, chunk, (size_t)n, err);
		if (code)
			return code;
	}
}

enum err_code sha256_of_bytes(const void *bytes, size_t len, unsigned char ret[SHA256_BYTES], struct err *err)
{
	cleanup_sha256 struct sha256 *hash = NULL;
	enum err_code code = sha256_new(&hash, err);
	if (!code)
		code = sha256_add(hash, bytes, len, err);
	return code ? code : sha256_finish_bytes(hash, ret, err);
}

enum err_code sha256_of_path(const char *path, char ret_hex[SHA256_HEX_SIZE], struct err *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "could not open \"%s\"", path);
	cleanup_sha256 struct sha256 *hash = NULL;
	enum err_code code = sha256_new(&hash, err);
	if (!code)
		code = sha256_add_file(hash, fd, err);
	if (code)
		return err_prefix(err, "\"%s\"", path);
	return sha256_finish(hash, ret_hex, err);
}
