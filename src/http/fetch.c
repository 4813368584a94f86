#include "http/fetch.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/strbuf.h"
#include "http/fetch_priv.h"

enum {
	FILE_MODE = 0666,
	RETRY_US = 200 * 1000, /* before the next try, times the tries that brought nothing */
	HTTP_OK = 200,
	HTTP_PARTIAL = 206,
	HTTP_RANGE_UNSATISFIABLE = 416
};

/* What one answer said in its headers; reset for every answer on the way, redirects included. */
struct answer {
	char etag[FETCH_VALIDATOR_MAX];
	char modified[FETCH_VALIDATOR_MAX];
	uint64_t range_start;
	uint64_t range_total;
	bool has_range;
};

struct fetch {
	const struct fetch_request *request;
	CURL *curl;
	int fd;
	struct sha256 *hash;
	uint64_t have_bytes; /* written and hashed */
	uint64_t asked_from; /* the Range of this try; 0: none */
	uint64_t total_bytes; /* 0: unknown */
	int64_t told_us; /* when progress was last reported */
	struct answer answer;
	char validator[FETCH_VALIDATOR_MAX]; /* of the bytes that we have; empty: they cannot be continued */
	bool body_started;
	bool restart; /* the answer does not continue what we have */
	enum err_code code; /* why a callback stopped the transfer */
	struct err *err;
};

/* -- the partial file ---------------------------------------------------------------------------- */

static enum err_code start_over(struct fetch *f, struct err *err)
{
	f->have_bytes = 0;
	f->validator[0] = '\0';
	if (ftruncate(f->fd, 0) != 0 || lseek(f->fd, 0, SEEK_SET) != 0)
		return err_set_errno(err, ERR_IO, errno, "could not empty \"%s\"", f->request->partial_path);
	return sha256_restart(f->hash, err);
}

/* Opens the partial file and takes over its bytes where the note says that they can be continued. */
static enum err_code open_partial(struct fetch *f, struct err *err)
{
	const char *path = f->request->partial_path;
	f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	struct stat st;
	if (f->fd < 0 || fstat(f->fd, &st) != 0)
		return err_set_errno(err, ERR_IO, errno, "could not open \"%s\"", path);
	fetch_note_load(f->request, f->validator);
	if (!f->validator[0] || (uint64_t)st.st_size > f->request->max_bytes)
		return start_over(f, err);
	f->have_bytes = (uint64_t)st.st_size;
	return sha256_add_file(f->hash, f->fd, err);
}

/* -- libcurl's callbacks ------------------------------------------------------------------------- */

static void copy_value(const char *value, size_t len, char ret[FETCH_VALIDATOR_MAX])
{
	while (len > 0 && (*value == ' ' || *value == '\t')) {
		value++;
		len--;
	}
	while (len > 0 && (value[len - 1] == '\r' || value[len - 1] == '\n' || value[len - 1] == ' '))
		len--;
	if (len < FETCH_VALIDATOR_MAX && !memchr(value, '\0', len))
		(void)snprintf(ret, FETCH_VALIDATOR_MAX, "%.*s", (int)len, value);
}

/* The number after `separator` at *text, which is moved behind it; false where they are not there. */
static bool take_number(const char **text, char separator, uint64_t *ret)
{
	const char *digits = *text + 1;
	if (**text != separator || !isdigit((unsigned char)*digits))
		return false;
	char *end;
	errno = 0;
	*ret = strtoull(digits, &end, 10);
	*text = end;
	return errno == 0;
}

/* "bytes FIRST-LAST/TOTAL", and for 416 a star in place of the range (RFC 9110, section 14.4). */
static void parse_content_range(const char *text, struct answer *answer)
{
	uint64_t first = 0, last = 0, total = 0;
	if (strncmp(text, "bytes ", 6) != 0)
		return;
	text += 5;
	if (text[1] == '*')
		text += 2;
	else if (!take_number(&text, ' ', &first) || !take_number(&text, '-', &last) || last < first)
		return;
	if (!take_number(&text, '/', &total) || last > total)
		return;
	answer->range_start = first;
	answer->range_total = total;
	answer->has_range = true;
}

static size_t on_header(char *line, size_t size, size_t count, void *owner)
{
	struct fetch *f = owner;
	size_t len = size * count;
	char value[FETCH_VALIDATOR_MAX] = "";
	if (len > 5 && memcmp(line, "HTTP/", 5) == 0)
		f->answer = (struct answer){ 0 };
	if (len > 5 && strncasecmp(line, "etag:", 5) == 0) {
		copy_value(line + 5, len - 5, value);
		/* A weak one says "about the same", which is not enough to join bytes. */
		if (strncmp(value, "W/", 2) != 0)
			memcpy(f->answer.etag, value, sizeof value);
	} else if (len > 14 && strncasecmp(line, "last-modified:", 14) == 0) {
		copy_value(line + 14, len - 14, f->answer.modified);
	} else if (len > 14 && strncasecmp(line, "content-range:", 14) == 0) {
		copy_value(line + 14, len - 14, value);
		parse_content_range(value, &f->answer);
	}
	return len;
}

static enum err_code too_big(struct fetch *f)
{
	return err_set(f->err, ERR_TOO_BIG, "\"%s\" is larger than the %" PRIu64 " bytes that were expected",
		       f->request->url, f->request->max_bytes);
}

/* Decides, once per answer, whether its body is ours and where it goes. */
static enum err_code begin_body(struct fetch *f)
{
	long status = 0;
	curl_off_t length = -1;
	(void)curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(f->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (status == HTTP_PARTIAL && (!f->answer.has_range || f->answer.range_start != f->asked_from)) {
		f->restart = true;
		return err_set(f->err, ERR_NETWORK, "\"%s\": the server sent another range than asked",
			       f->request->url);
	}
	enum err_code code = ERR_OK;
	if (status != HTTP_PARTIAL && f->have_bytes > 0)
		code = start_over(f, f->err);
	if (code)
		return code;
	f->total_bytes = length > 0 ? f->have_bytes + (uint64_t)length : 0;
	if (f->total_bytes > f->request->max_bytes)
		return too_big(f);
	const char *validator = f->answer.etag[0] ? f->answer.etag : f->answer.modified;
	(void)snprintf(f->validator, sizeof f->validator, "%s", validator);
	return fetch_note_save(f->request, f->validator, f->err);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *owner)
{
	struct fetch *f = owner;
	size_t len = size * count;
	long status = 0;
	(void)curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != HTTP_OK && status != HTTP_PARTIAL)
		return len; /* an error page: read and forgotten, the status decides */
	if (!f->body_started) {
		f->code = begin_body(f);
		f->body_started = true;
	}
	if (!f->code && f->have_bytes + len > f->request->max_bytes)
		f->code = too_big(f);
	if (!f->code)
		f->code = io_write_all(f->fd, bytes, len, f->err);
	if (!f->code)
		f->code = sha256_add(f->hash, bytes, len, f->err);
	if (f->code)
		return 0;
	f->have_bytes += len;
	return len;
}

static int on_transfer(void *owner, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
	(void)total, (void)now, (void)up_total, (void)up_now;
	struct fetch *f = owner;
	int64_t time_us = clock_monotonic_us();
	if (!f->request->on_progress || time_us - f->told_us < US_PER_S / 5)
		return 0;
	f->told_us = time_us;
	if (f->request->on_progress(f->request->owner, f->have_bytes, f->total_bytes))
		return 0;
	f->code = err_set(f->err, ERR_CANCELLED, "the download was stopped");
	return 1;
}

/* -- tries --------------------------------------------------------------------------------------- */

static void set_options(struct fetch *f, char *curl_message)
{
	CURL *c = f->curl;
	bool secure = strncasecmp(f->request->url, "https:", 6) == 0;
	curl_easy_setopt(c, CURLOPT_URL, f->request->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	/* What started encrypted stays so. */
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, FETCH_REDIRECTS);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, FETCH_CONNECT_TIMEOUT_MS);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, FETCH_SLOW_BYTES_PER_S);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, FETCH_SLOW_S);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "tiro/" TIRO_VERSION);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, curl_message);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, f);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_transfer);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, f);
}

/* Judges a transfer that curl calls complete. `*ret_again`: worth another try from the start. */
static enum err_code judge_status(struct fetch *f, bool *ret_again)
{
	long status = 0;
	(void)curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == HTTP_OK || status == HTTP_PARTIAL)
		return ERR_OK;
	if (status == HTTP_RANGE_UNSATISFIABLE && f->asked_from > 0) {
		if (f->answer.has_range && f->answer.range_total == f->have_bytes)
			return ERR_OK; /* nothing was missing */
		*ret_again = f->restart = true;
	}
	if (status >= 500)
		*ret_again = true;
	return err_set(f->err, ERR_NETWORK, "\"%s\": the server answered %ld", f->request->url, status);
}

/* The failures that another try may cure: the connection was there and broke. */
static bool is_passing(CURLcode result)
{
	return result == CURLE_PARTIAL_FILE || result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR ||
	       result == CURLE_GOT_NOTHING || result == CURLE_OPERATION_TIMEDOUT || result == CURLE_HTTP2_STREAM ||
	       result == CURLE_HTTP2;
}

/* One request for what is missing. *ret_again tells whether a failure is worth another. */
static enum err_code try_once(struct fetch *f, bool *ret_again)
{
	char curl_message[CURL_ERROR_SIZE] = "";
	char range[32];
	cleanup_strbuf struct strbuf condition = STRBUF_INIT(FETCH_VALIDATOR_MAX + 16);
	struct curl_slist *headers = NULL;
	*ret_again = f->restart = f->body_started = false;
	f->code = ERR_OK;
	f->asked_from = f->have_bytes;
	curl_easy_reset(f->curl);
	set_options(f, curl_message);
	if (f->asked_from > 0) {
		(void)snprintf(range, sizeof range, "%" PRIu64 "-", f->asked_from);
		strbuf_addf(&condition, "If-Range: %s", f->validator);
		headers = curl_slist_append(NULL, strbuf_str(&condition));
		curl_easy_setopt(f->curl, CURLOPT_RANGE, range);
		curl_easy_setopt(f->curl, CURLOPT_HTTPHEADER, headers);
	}
	CURLcode result = curl_easy_perform(f->curl);
	curl_slist_free_all(headers);
	if (f->code) {
		*ret_again = f->restart;
		return f->code;
	}
	if (result == CURLE_OK)
		return judge_status(f, ret_again);
	*ret_again = is_passing(result);
	return err_set(f->err, ERR_NETWORK, "\"%s\": %s", f->request->url,
		       curl_message[0] ? curl_message : curl_easy_strerror(result));
}

static enum err_code run_tries(struct fetch *f)
{
	int idle = 0;
	uint64_t best_bytes = f->have_bytes; /* of any try: starting over again and again is no progress */
	for (int tries = 1;; tries++) {
		bool again;
		enum err_code code = try_once(f, &again);
		idle = f->have_bytes > best_bytes ? 0 : idle + 1;
		best_bytes = f->have_bytes > best_bytes ? f->have_bytes : best_bytes;
		if (!code || !again || idle >= FETCH_IDLE_TRIES || tries >= FETCH_TRIES)
			return code;
		/* Without a validator the next answer could be another file. */
		if (f->restart || !f->validator[0])
			code = start_over(f, f->err);
		else
			code = ERR_OK;
		if (code)
			return code;
		clock_sleep_us(RETRY_US * idle);
	}
}

enum err_code fetch_file(const struct fetch_request *request, char ret_sha256[SHA256_HEX_SIZE], struct err *err)
{
	/* A failed try that a later one makes good must not show in *err. */
	struct err failure;
	struct fetch f = { .request = request, .fd = -1, .err = &failure };
	cleanup_sha256 struct sha256 *hash = NULL;
	enum err_code code = sha256_new(&hash, err);
	if (code)
		return code;
	f.hash = hash;
	f.curl = curl_easy_init();
	if (!f.curl)
		return err_set(err, ERR_NO_MEMORY, "no memory for a download");
	code = open_partial(&f, &failure);
	if (!code)
		code = run_tries(&f);
	curl_easy_cleanup(f.curl);
	if (code && err)
		*err = failure;
	if (code && f.have_bytes == 0)
		fetch_forget(request->partial_path, true); /* nothing to go on with */
	if (!code && request->on_progress)
		(void)request->on_progress(request->owner, f.have_bytes, f.have_bytes);
	if (!code && fsync(f.fd) != 0)
		code = err_set_errno(err, ERR_IO, errno, "could not flush \"%s\"", request->partial_path);
	if (f.fd >= 0)
		(void)close(f.fd);
	return code ? code : sha256_finish(hash, ret_sha256, err);
}
