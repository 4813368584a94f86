/*
 * Inside the S3 back end: one request with its tries (s3_http.c), text out of the XML of answers (s3_xml.c), and the
 * members of its table that have files of their own.
 */
#ifndef TIRO_BLOB_S3_PRIV_H
#define TIRO_BLOB_S3_PRIV_H

#include <curl/curl.h>
#include <pthread.h>

#include "base/strbuf.h"
#include "blob/blob_priv.h"
#include "blob/s3.h"

enum {
	/* Connections kept open between requests; more are made and closed as needed. */
	S3_IDLE_HANDLES = 16,
	S3_QUERY_MAX = 8192,
	S3_ETAG_MAX = 128,
	/* An upload id; AWS's has some 150 bytes. */
	S3_TOKEN_MAX = 1500,
	/* A page of a listing: 1,000 keys of 200 bytes, each with some 300 bytes of XML. */
	S3_TEXT_MAX = 2 * 1024 * 1024
};

struct s3_store {
	struct blob_store base;
	char *endpoint, *bucket, *access_key, *ca_file; /* owned */
	char *sigv4; /* "aws:amz:REGION:s3" */
	struct secret secret_key, session_token;
	int tries;
	int64_t pause_us;
	pthread_mutex_t lock; /* guards what follows */
	CURL *idle[S3_IDLE_HANDLES];
	unsigned idle_count;
};

enum s3_method { S3_GET, S3_HEAD, S3_PUT, S3_POST, S3_DELETE };

/* A parameter of a query. Lists of them are in the order of their names, as the signature wants it. */
struct s3_param {
	const char *name, *value;
};

struct s3_request {
	enum s3_method method;
	const char *key; /* NULL: the bucket itself */
	const struct s3_param *params;
	size_t param_count;
	const void *body; /* of PUT and POST */
	size_t body_len;
	const struct blob_range *range; /* of GET; its bytes go to `into`, which has room for them */
	void *into;
	/* On a connection of its own: on one that was kept, libcurl may send a request twice without a word. */
	bool fresh;
};

/* What the server said; zeroed by the caller and released with s3_answer_done. */
struct s3_answer {
	long status;
	int tries; /* how many it took */
	char etag[S3_ETAG_MAX]; /* empty: none that can be used */
	uint64_t length; /* Content-Length */
	bool has_length, has_range;
	uint64_t range_start, range_total;
	size_t into_len;
	struct strbuf text; /* the body, where it did not go to `into` */
};

void s3_answer_done(struct s3_answer *answer);
#define cleanup_answer cleanup(s3_answer_done)

/*
 * Sends a request, again where that may help. ERR_OK for every status of 200 to 299 and for 404 and 416, which the
 * caller tells apart; else ERR_DENIED, ERR_NO_SPACE, ERR_NETWORK, ERR_NO_MEMORY.
 */
enum err_code s3_perform(struct s3_store *store, const struct s3_request *request, struct s3_answer *ret,
			 struct err *err) MUST_CHECK;

/* The error of an answer whose status does not fit. */
enum err_code s3_unexpected(const struct s3_store *store, const struct s3_request *request,
			    const struct s3_answer *answer, struct err *err);

/* -- members of the table (blob/blob_priv.h) ------------------------------------------------------ */

enum err_code s3_size(struct blob_store *store, const char *key, uint64_t *ret_bytes, struct err *err);

/* s3_put.c */
enum err_code s3_put_begin(struct blob_store *store, const char *key, struct blob_put **ret, struct err *err);
enum err_code s3_put_write(struct blob_put *base, const void *bytes, size_t len, struct err *err);
enum err_code s3_put_commit(struct blob_put *base, struct err *err);
void s3_put_abort(struct blob_put *base);

/* s3_list.c */
enum err_code s3_list(struct blob_store *store, const char *prefix, blob_list_fn *fn, void *owner, struct err *err);
enum err_code s3_list_unfinished(struct blob_store *store, int64_t before_us, blob_list_fn *fn, void *owner,
				 struct err *err);
enum err_code s3_abort_unfinished(struct blob_store *store, int64_t before_us, uint64_t *ret_count, struct err *err);

/* -- XML ----------------------------------------------------------------------------------------- */

/* Part of an answer. */
struct s3_span {
	const char *text;
	size_t len;
};

/*
 * Finds the next element of that name and moves `rest` behind it; false where there is none. Enough for S3's answers,
 * in which no element holds one of its own name: any text is read without harm, a malformed one as if parts were
 * missing.
 */
bool s3_xml_next(struct s3_span *rest, const char *name, struct s3_span *ret_inner);

/* The text of the first element of that name, its entities resolved, as a string; false where it is missing, does not
 * fit into `room`, or holds what is not printable ASCII. */
bool s3_xml_text(struct s3_span in, const char *name, char *ret, size_t room);

/* "2026-11-25T03:19:58.000Z" to microseconds since 1970; false where it is no time. */
bool s3_time(const char *text, int64_t *ret_us);

#endif
