#include "blob/s3.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "blob/s3_priv.h"

enum { HTTP_PARTIAL = 206, HTTP_NOT_FOUND = 404, HTTP_RANGE = 416 };

static struct s3_store *of(struct blob_store *store)
{
	return (struct s3_store *)store;
}

/* -- reading ------------------------------------------------------------------------------------- */

enum err_code s3_size(struct blob_store *store, const char *key, uint64_t *ret_bytes, struct err *err)
{
	struct s3_request request = { .method = S3_HEAD, .key = key };
	cleanup_answer struct s3_answer answer = { 0 };
	enum err_code code = s3_perform(of(store), &request, &answer, err);
	if (code)
		return code;
	if (answer.status == HTTP_NOT_FOUND)
		return blob_not_found(key, err);
	if (answer.status != 200 || !answer.has_length)
		return s3_unexpected(of(store), &request, &answer, err);
	*ret_bytes = answer.length;
	return ERR_OK;
}

static enum err_code s3_get(struct blob_store *store, const char *key, struct blob_range range, void *buffer,
			    size_t *ret_len, struct err *err)
{
	uint64_t size;
	if (range.len == 0)
		return s3_size(store, key, &size, err);
	struct s3_request request = { .method = S3_GET, .key = key, .range = &range, .into = buffer };
	cleanup_answer struct s3_answer answer = { 0 };
	enum err_code code = s3_perform(of(store), &request, &answer, err);
	if (code)
		return code;
	if (answer.status == HTTP_NOT_FOUND)
		return blob_not_found(key, err);
	if (answer.status == HTTP_RANGE) { /* the object ends before */
		*ret_len = 0;
		return ERR_OK;
	}
	if (answer.status != HTTP_PARTIAL || !answer.has_range)
		return s3_unexpected(of(store), &request, &answer, err);
	uint64_t left = answer.range_total - answer.range_start;
	if (answer.range_start != range.offset || answer.into_len != (left < range.len ? left : range.len))
		return err_set(err, ERR_NETWORK, "\"%s\": the server sent another range than asked",
			       of(store)->endpoint);
	*ret_len = answer.into_len;
	return ERR_OK;
}

static enum err_code s3_remove(struct blob_store *store, const char *key, struct err *err)
{
	struct s3_request request = { .method = S3_DELETE, .key = key };
	cleanup_answer struct s3_answer answer = { 0 };
	return s3_perform(of(store), &request, &answer, err);
}

/* -- opening ------------------------------------------------------------------------------------- */

static void s3_close(struct blob_store *base)
{
	struct s3_store *store = of(base);
	for (unsigned i = 0; i < store->idle_count; i++)
		curl_easy_cleanup(store->idle[i]);
	(void)pthread_mutex_destroy(&store->lock);
	secret_done(&store->secret_key);
	secret_done(&store->session_token);
	free(store->endpoint);
	free(store->bucket);
	free(store->access_key);
	free(store->ca_file);
	free(store->sigv4);
	free(store);
}

static const struct blob_ops s3_ops = {
	.close = s3_close,
	.put_begin = s3_put_begin,
	.put_write = s3_put_write,
	.put_commit = s3_put_commit,
	.put_abort = s3_put_abort,
	.get = s3_get,
	.size = s3_size,
	.remove = s3_remove,
	.list = s3_list,
	.list_unfinished = s3_list_unfinished,
	.abort_unfinished = s3_abort_unfinished,
};

static bool made_of(const char *text, const char *allowed, size_t max)
{
	size_t len = strnlen(text, max + 1);
	return len > 0 && len <= max && strspn(text, allowed) == len;
}

#define LOWER_AND_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"

static enum err_code check(const struct blob_s3_settings *s, struct err *err)
{
	static const char host[] = LOWER_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:[]";
	const char *address = strncmp(s->endpoint, "https://", 8) == 0	? s->endpoint + 8
			      : strncmp(s->endpoint, "http://", 7) == 0 ? s->endpoint + 7
									: "";
	if (!made_of(address, host, 255))
		return err_set(err, ERR_INVALID, "the S3 endpoint \"%.100s\" is not of the form https://HOST[:PORT]",
			       s->endpoint);
	if (!made_of(s->bucket, LOWER_AND_DIGITS ".-", 63) || strlen(s->bucket) < 3)
		return err_set(err, ERR_INVALID, "\"%.100s\" cannot name an S3 bucket", s->bucket);
	if (!made_of(s->region, LOWER_AND_DIGITS "-", 64))
		return err_set(err, ERR_INVALID, "\"%.100s\" cannot name an S3 region", s->region);
	if (!made_of(s->access_key, LOWER_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ+/=_.-", 128))
		return err_set(err, ERR_INVALID, "the S3 access key is empty or not one");
	if (s->secret_key->len == 0)
		return err_set(err, ERR_INVALID, "the S3 secret key is empty");
	return ERR_OK;
}

/* Copies the settings; what is missing afterwards found no memory. */
static bool copy(struct s3_store *store, const struct blob_s3_settings *s)
{
	char sigv4[96];
	(void)snprintf(sigv4, sizeof sigv4, "aws:amz:%s:s3", s->region);
	store->endpoint = strdup(s->endpoint);
	store->bucket = strdup(s->bucket);
	store->access_key = strdup(s->access_key);
	store->ca_file = s->ca_file ? strdup(s->ca_file) : NULL;
	store->sigv4 = strdup(sigv4);
	store->tries = s->tries > 0 ? s->tries : S3_TRIES;
	store->pause_us = s->pause_us > 0 ? s->pause_us : S3_PAUSE_US;
	if (secret_set(&store->secret_key, s->secret_key->bytes, s->secret_key->len, NULL))
		return false;
	if (s->session_token && secret_set(&store->session_token, s->session_token->bytes, s->session_token->len, NULL))
		return false;
	return store->endpoint && store->bucket && store->access_key && store->sigv4 && (!s->ca_file || store->ca_file);
}

static void init_curl(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum err_code blob_s3_open(const struct blob_s3_settings *settings, struct blob_store **ret, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	enum err_code code = check(settings, err);
	if (code)
		return code;
	(void)pthread_once(&once, init_curl);
	struct s3_store *store = sodium_init() >= 0 ? calloc(1, sizeof *store) : NULL;
	if (!store)
		return err_set(err, ERR_NO_MEMORY, "no memory for a store");
	blob_store_init(&store->base, &s3_ops);
	(void)pthread_mutex_init(&store->lock, NULL);
	if (!copy(store, settings)) {
		s3_close(&store->base);
		return err_set(err, ERR_NO_MEMORY, "no memory for a store");
	}
	*ret = (struct blob_store *)store;
	return ERR_OK;
}
