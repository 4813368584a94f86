#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/digest.h"
#include "blob/s3_priv.h"

enum {
	HTTP_PARTIAL = 206,
	HTTP_FORBIDDEN = 403,
	HTTP_NOT_FOUND = 404,
	HTTP_RANGE = 416,
	HTTP_FULL = 507,
	CODE_MAX = 64
};

/* One try. */
struct attempt {
	const struct s3_request *request;
	struct s3_answer *answer;
	CURL *curl;
	size_t sent;
	bool overflow; /* the server sent more than was asked for */
	char message[CURL_ERROR_SIZE];
};

void s3_answer_done(struct s3_answer *answer)
{
	strbuf_done(&answer->text);
}

/* -- libcurl's callbacks ------------------------------------------------------------------------- */

static size_t on_send(char *buffer, size_t size, size_t count, void *owner)
{
	struct attempt *a = owner;
	size_t left = a->request->body_len - a->sent, len = size * count < left ? size * count : left;
	if (len > 0)
		memcpy(buffer, (const char *)a->request->body + a->sent, len);
	a->sent += len;
	return len;
}

/* libcurl begins anew where a connection that it kept turns out to be closed. */
static int on_rewind(void *owner, curl_off_t offset, int origin)
{
	struct attempt *a = owner;
	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > a->request->body_len)
		return CURL_SEEKFUNC_FAIL;
	a->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *owner)
{
	struct attempt *a = owner;
	size_t len = size * count;
	long status = 0;
	(void)curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
	if (a->request->into && status == HTTP_PARTIAL) {
		a->overflow = len > a->request->range->len - a->answer->into_len;
		if (a->overflow)
			return 0;
		memcpy((char *)a->request->into + a->answer->into_len, bytes, len);
		a->answer->into_len += len;
		return len;
	}
	strbuf_add(&a->answer->text, bytes, len);
	a->overflow = a->answer->text.failed;
	return a->overflow ? 0 : len;
}

/* The value of a header of that name, or NULL. */
static const char *header_value(const char *line, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0)
		return NULL;
	const char *value = line + name_len + 1;
	while (value < line + len && (*value == ' ' || *value == '\t'))
		value++;
	return value;
}

/* Only what can stand in a list of parts without being escaped. */
static void take_etag(struct s3_answer *answer, const char *value, const char *end)
{
	size_t len = 0;
	while (value + len < end && value[len] > ' ' && value[len] < 127)
		len++;
	if (len >= sizeof answer->etag || memchr(value, '<', len) || memchr(value, '&', len))
		return;
	memcpy(answer->etag, value, len);
	answer->etag[len] = '\0';
}

static bool take_number(const char **at, uint64_t *ret)
{
	char *end;
	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	*ret = strtoull(*at, &end, 10);
	*at = end;
	return errno == 0;
}

/* "bytes FIRST-LAST/TOTAL" (RFC 9110, section 14.4). */
static void take_range(struct s3_answer *answer, const char *value)
{
	uint64_t last;
	if (strncmp(value, "bytes ", 6) != 0)
		return;
	value += 6;
	if (!take_number(&value, &answer->range_start) || *value++ != '-' || !take_number(&value, &last) ||
	    *value++ != '/' || !take_number(&value, &answer->range_total))
		return;
	answer->has_range = answer->range_start <= last && last < answer->range_total;
}

/* A header line ends with a line break, at which the parsers stop; libcurl puts no 0 behind it. */
static size_t on_header(char *line, size_t size, size_t count, void *owner)
{
	struct s3_answer *answer = ((struct attempt *)owner)->answer;
	size_t len = size * count;
	const char *value;
	if (len == 0 || line[len - 1] != '\n')
		return len;
	if ((value = header_value(line, len, "etag")) != NULL)
		take_etag(answer, value, line + len);
	else if ((value = header_value(line, len, "content-range")) != NULL)
		take_range(answer, value);
	else if ((value = header_value(line, len, "content-length")) != NULL)
		answer->has_length = take_number(&value, &answer->length);
	return len;
}

/* -- one try ------------------------------------------------------------------------------------- */

static CURL *take_handle(struct s3_store *store)
{
	(void)pthread_mutex_lock(&store->lock);
	CURL *curl = store->idle_count > 0 ? store->idle[--store->idle_count] : NULL;
	(void)pthread_mutex_unlock(&store->lock);
	if (curl)
		curl_easy_reset(curl); /* keeps the connection */
	return curl ? curl : curl_easy_init();
}

static void give_handle(struct s3_store *store, CURL *curl)
{
	(void)pthread_mutex_lock(&store->lock);
	bool keep = store->idle_count < S3_IDLE_HANDLES;
	if (keep)
		store->idle[store->idle_count++] = curl;
	(void)pthread_mutex_unlock(&store->lock);
	if (!keep)
		curl_easy_cleanup(curl);
}

/* libcurl 7.88 signs the query as it stands: names in order, values encoded, "name=" even without a value. Keys need no
 * encoding (blob/blob.h). */
static enum err_code make_url(const struct s3_store *store, const struct s3_request *request, struct strbuf *url,
			      struct err *err)
{
	strbuf_addf(url, "%s/%s", store->endpoint, store->bucket);
	if (request->key)
		strbuf_addf(url, "/%s", request->key);
	for (size_t i = 0; i < request->param_count; i++) {
		char *value = curl_easy_escape(NULL, request->params[i].value, 0);
		if (!value)
			return err_set(err, ERR_NO_MEMORY, "no memory for a request");
		strbuf_addf(url, "%c%s=%s", i == 0 ? '?' : '&', request->params[i].name, value);
		curl_free(value);
	}
	return strbuf_check(url, "the address", err);
}

static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
	struct strbuf line = STRBUF_INIT(16384);
	strbuf_addf(&line, "%s: %s", name, value);
	struct curl_slist *grown = line.failed ? NULL : curl_slist_append(*list, strbuf_str(&line));
	secret_wipe(line.data, line.len);
	strbuf_done(&line);
	*list = grown ? grown : *list;
	return grown != NULL;
}

/* libcurl 7.88 adds no hash of the body by itself, and signs an "Expect:" that it never sends: hence the time-out. */
static enum err_code make_headers(const struct s3_store *store, const struct s3_request *request,
				  struct curl_slist **ret, struct err *err)
{
	char hash[SHA256_HEX_SIZE], range[64];
	cleanup_sha256 struct sha256 *sha256 = NULL;
	enum err_code code = sha256_new(&sha256, err);
	if (!code && request->body_len > 0)
		code = sha256_add(sha256, request->body, request->body_len, err);
	if (!code)
		code = sha256_finish(sha256, hash, err);
	if (code)
		return code;
	bool added = add_header(ret, "x-amz-content-sha256", hash);
	if (added && store->session_token.len > 0)
		added = add_header(ret, "x-amz-security-token", secret_reveal(&store->session_token));
	if (added && request->range) {
		(void)snprintf(range, sizeof range, "bytes=%" PRIu64 "-%" PRIu64, request->range->offset,
			       request->range->offset + request->range->len - 1);
		added = add_header(ret, "Range", range);
	}
	return added ? ERR_OK : err_set(err, ERR_NO_MEMORY, "no memory for a request");
}

static void set_common(const struct s3_store *store, struct attempt *a)
{
	CURL *c = a->curl;
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, strncmp(store->endpoint, "https:", 6) == 0 ? "https" : "http");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	if (store->ca_file)
		curl_easy_setopt(c, CURLOPT_CAINFO, store->ca_file);
	/* Bodies of megabytes go over HTTP/1.1 without the windows of HTTP/2. */
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_AWS_SIGV4, store->sigv4);
	curl_easy_setopt(c, CURLOPT_USERNAME, store->access_key);
	curl_easy_setopt(c, CURLOPT_PASSWORD, secret_reveal(&store->secret_key));
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, S3_CONNECT_TIMEOUT_MS);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, S3_SLOW_BYTES_PER_S);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, S3_SLOW_S);
	curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, a->request->fresh ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "tiro/" TIRO_VERSION);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, a->message);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, a);
}

static void set_method(struct attempt *a)
{
	CURL *c = a->curl;
	switch (a->request->method) {
	case S3_GET:
		break;
	case S3_HEAD:
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
		break;
	case S3_PUT:
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_READFUNCTION, on_send);
		curl_easy_setopt(c, CURLOPT_READDATA, a);
		curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_rewind);
		curl_easy_setopt(c, CURLOPT_SEEKDATA, a);
		curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)a->request->body_len);
		break;
	case S3_POST:
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, a->request->body_len > 0 ? a->request->body : "");
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)a->request->body_len);
		break;
	case S3_DELETE:
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, "DELETE");
		break;
	}
}

/* A multipart upload may end as status 200 with an error in it, after which it is tried again like a 500. */
static void see_error_in_success(struct s3_answer *answer)
{
	struct s3_span text = { strbuf_str(&answer->text), answer->text.len }, inner;
	if (answer->status == 200 && s3_xml_next(&text, "Error", &inner))
		answer->status = 500;
}

static CURLcode try_once(struct s3_store *store, struct attempt *a, const char *url, struct curl_slist *headers)
{
	*a->answer = (struct s3_answer){ .tries = a->answer->tries + 1, .text = a->answer->text };
	strbuf_clear(&a->answer->text);
	a->sent = 0;
	a->overflow = false;
	a->message[0] = '\0';
	a->curl = take_handle(store);
	if (!a->curl)
		return CURLE_OUT_OF_MEMORY;
	set_common(store, a);
	set_method(a);
	curl_easy_setopt(a->curl, CURLOPT_URL, url);
	curl_easy_setopt(a->curl, CURLOPT_HTTPHEADER, headers);
	CURLcode result = curl_easy_perform(a->curl);
	(void)curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &a->answer->status);
	/* The handle must not remember this frame's variables. */
	curl_easy_reset(a->curl);
	give_handle(store, a->curl);
	see_error_in_success(a->answer);
	return result;
}

/* -- tries --------------------------------------------------------------------------------------- */

static bool connection_may_recover(CURLcode result)
{
	return result == CURLE_COULDNT_CONNECT || result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_SEND_ERROR ||
	       result == CURLE_RECV_ERROR || result == CURLE_GOT_NOTHING || result == CURLE_OPERATION_TIMEDOUT ||
	       result == CURLE_PARTIAL_FILE || result == CURLE_SSL_CONNECT_ERROR;
}

static bool status_may_recover(long status)
{
	return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

static void pause_before(const struct s3_store *store, int tries)
{
	int64_t bound = store->pause_us;
	for (int i = 1; i < tries && bound < S3_PAUSE_MAX_US; i++)
		bound *= 2;
	bound = bound < S3_PAUSE_MAX_US ? bound : S3_PAUSE_MAX_US;
	clock_sleep_us(randombytes_uniform((uint32_t)bound + 1));
}

static const char *method_name(enum s3_method method)
{
	static const char *const names[] = { "GET", "HEAD", "PUT", "POST", "DELETE" };
	return names[method];
}

static enum err_code code_of_answer(long status, const char *s3_code)
{
	static const char *const full[] = { "QuotaExceeded", "XMinioStorageFull", "InsufficientCapacity" };
	for (size_t i = 0; i < ARRAY_LEN(full); i++) {
		if (strcmp(s3_code, full[i]) == 0)
			return ERR_NO_SPACE;
	}
	if (status == HTTP_FULL)
		return ERR_NO_SPACE;
	if (status == HTTP_FORBIDDEN || status == 401)
		return ERR_DENIED;
	return status == HTTP_NOT_FOUND ? ERR_NOT_FOUND : ERR_NETWORK;
}

enum err_code s3_unexpected(const struct s3_store *store, const struct s3_request *request,
			    const struct s3_answer *answer, struct err *err)
{
	char s3_code[CODE_MAX] = "";
	struct s3_span text = { strbuf_str(&answer->text), answer->text.len };
	(void)s3_xml_text(text, "Code", s3_code, sizeof s3_code);
	return err_set(err, code_of_answer(answer->status, s3_code), "%s \"%s/%s\" at %s: the server answered %ld%s%s",
		       method_name(request->method), store->bucket, request->key ? request->key : "", store->endpoint,
		       answer->status, s3_code[0] ? " " : "", s3_code);
}

static enum err_code judge(const struct s3_store *store, const struct attempt *a, CURLcode result, struct err *err)
{
	long status = a->answer->status;
	if (a->overflow)
		return err_set(err, ERR_NETWORK, "\"%s\": the server sent more than was asked for", store->endpoint);
	if (result != CURLE_OK)
		return err_set(err, result == CURLE_OUT_OF_MEMORY ? ERR_NO_MEMORY : ERR_NETWORK, "\"%s\": %s",
			       store->endpoint, a->message[0] ? a->message : curl_easy_strerror(result));
	if ((status >= 200 && status < 300) || status == HTTP_NOT_FOUND || status == HTTP_RANGE)
		return ERR_OK;
	return s3_unexpected(store, a->request, a->answer, err);
}

enum err_code s3_perform(struct s3_store *store, const struct s3_request *request, struct s3_answer *ret,
			 struct err *err)
{
	cleanup_strbuf struct strbuf url = STRBUF_INIT(S3_QUERY_MAX);
	struct curl_slist *headers = NULL;
	struct attempt a = { .request = request, .answer = ret };
	*ret = (struct s3_answer){ .text = STRBUF_INIT(S3_TEXT_MAX) };
	enum err_code code = make_url(store, request, &url, err);
	if (!code)
		code = make_headers(store, request, &headers, err);
	for (bool again = !code; again;) {
		CURLcode result = try_once(store, &a, strbuf_str(&url), headers);
		code = judge(store, &a, result, err);
		again = code && !a.overflow && ret->tries < store->tries &&
			(result == CURLE_OK ? status_may_recover(ret->status) : connection_may_recover(result));
		if (again)
			pause_before(store, ret->tries);
	}
	curl_slist_free_all(headers);
	return code;
}
