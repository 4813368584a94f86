#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blob/s3_priv.h"

enum { HTTP_NOT_FOUND = 404, PARTS_XML_MAX = 4 * 1024 * 1024 };

struct s3_put {
	struct blob_put base;
	char key[BLOB_KEY_MAX + 1];
	unsigned char *part; /* S3_PART_BYTES; made by the first write */
	size_t part_len;
	char upload_id[S3_TOKEN_MAX]; /* empty: there is no multipart upload yet */
	unsigned part_count;
	struct strbuf parts; /* what completes the upload */
};

static struct s3_store *of(struct blob_store *store)
{
	return (struct s3_store *)store;
}

enum err_code s3_put_begin(struct blob_store *store, const char *key, struct blob_put **ret, struct err *err)
{
	(void)store;
	struct s3_put *put = calloc(1, sizeof *put);
	if (!put)
		return err_set(err, ERR_NO_MEMORY, "no memory for an object");
	memcpy(put->key, key, strlen(key) + 1);
	put->parts = (struct strbuf)STRBUF_INIT(PARTS_XML_MAX);
	*ret = (struct blob_put *)put;
	return ERR_OK;
}

static void put_free(struct s3_put *put)
{
	free(put->part);
	strbuf_done(&put->parts);
	free(put);
}

/* What cannot be aborted now is left for blob_abort_unfinished: the caller has its error already. */
void s3_put_abort(struct blob_put *base)
{
	struct s3_put *put = (struct s3_put *)base;
	if (put->upload_id[0]) {
		const struct s3_param param = { "uploadId", put->upload_id };
		struct s3_request request = {
			.method = S3_DELETE, .key = put->key, .params = &param, .param_count = 1
		};
		cleanup_answer struct s3_answer answer = { 0 };
		struct err ignored;
		enum err_code code = s3_perform(of(base->store), &request, &answer, &ignored);
		(void)code;
	}
	put_free(put);
}

static enum err_code begin_upload(struct s3_put *put, struct err *err)
{
	static const struct s3_param param = { "uploads", "" };
	struct s3_store *store = of(put->base.store);
	struct s3_request request = { .method = S3_POST, .key = put->key, .params = &param, .param_count = 1 };
	cleanup_answer struct s3_answer answer = { 0 };
	enum err_code code = s3_perform(store, &request, &answer, err);
	if (code)
		return code;
	struct s3_span text = { strbuf_str(&answer.text), answer.text.len };
	if (answer.status != 200 || !s3_xml_text(text, "UploadId", put->upload_id, sizeof put->upload_id) ||
	    !put->upload_id[0]) {
		put->upload_id[0] = '\0';
		return s3_unexpected(store, &request, &answer, err);
	}
	strbuf_add_str(&put->parts, "<CompleteMultipartUpload>");
	return ERR_OK;
}

/* Sends the part in hand. */
static enum err_code send_part(struct s3_put *put, struct err *err)
{
	struct s3_store *store = of(put->base.store);
	char number[16];
	enum err_code code = put->upload_id[0] ? ERR_OK : begin_upload(put, err);
	if (code)
		return code;
	(void)snprintf(number, sizeof number, "%u", put->part_count + 1);
	const struct s3_param params[] = { { "partNumber", number }, { "uploadId", put->upload_id } };
	struct s3_request request = { .method = S3_PUT,
				      .key = put->key,
				      .params = params,
				      .param_count = 2,
				      .body = put->part,
				      .body_len = put->part_len };
	cleanup_answer struct s3_answer answer = { 0 };
	code = s3_perform(store, &request, &answer, err);
	if (code)
		return code;
	if (answer.status == HTTP_NOT_FOUND)
		return blob_put_is_gone(put->key, err);
	if (answer.status != 200 || !answer.etag[0])
		return s3_unexpected(store, &request, &answer, err);
	put->part_count++;
	put->part_len = 0;
	strbuf_addf(&put->parts, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", put->part_count,
		    answer.etag);
	return strbuf_check(&put->parts, "the list of parts", err);
}

/* A full part is sent only when more comes, so that an object of one part is one request. */
enum err_code s3_put_write(struct blob_put *base, const void *bytes, size_t len, struct err *err)
{
	struct s3_put *put = (struct s3_put *)base;
	const unsigned char *from = bytes;
	if (!put->part)
		put->part = malloc(S3_PART_BYTES);
	if (!put->part)
		return err_set(err, ERR_NO_MEMORY, "no memory for an object");
	while (len > 0) {
		enum err_code code = put->part_len == S3_PART_BYTES ? send_part(put, err) : ERR_OK;
		if (code)
			return code;
		size_t room = S3_PART_BYTES - put->part_len, n = len < room ? len : room;
		memcpy(put->part + put->part_len, from, n);
		put->part_len += n;
		from += n;
		len -= n;
	}
	return ERR_OK;
}

/* Another node may make it at the same time: that it could not be made shows at the next request. */
static enum err_code make_bucket(struct s3_store *store, struct err *err)
{
	const struct s3_request request = { .method = S3_PUT };
	cleanup_answer struct s3_answer answer = { 0 };
	return s3_perform(store, &request, &answer, err);
}

static enum err_code put_whole(struct s3_put *put, struct err *err)
{
	struct s3_store *store = of(put->base.store);
	struct s3_request request = { .method = S3_PUT, .key = put->key, .body = put->part, .body_len = put->part_len };
	cleanup_answer struct s3_answer answer = { 0 }, again = { 0 };
	const struct s3_answer *last = &answer;
	enum err_code code = s3_perform(store, &request, &answer, err);
	/* Only a bucket can be missing. */
	if (!code && answer.status == HTTP_NOT_FOUND) {
		last = &again;
		code = make_bucket(store, err);
		if (!code)
			code = s3_perform(store, &request, &again, err);
	}
	if (!code && last->status != 200)
		code = s3_unexpected(store, &request, last, err);
	return code;
}

/* Asks for the object's size: what the server put together must be what was sent. */
static enum err_code check_size(struct s3_put *put, struct err *err)
{
	uint64_t size;
	enum err_code code = s3_size(put->base.store, put->key, &size, err);
	if (!code && size != put->base.size_bytes)
		code = err_set(err, ERR_NETWORK,
			       "the object \"%s\" has %" PRIu64 " bytes in the store, %" PRIu64 " were sent", put->key,
			       size, put->base.size_bytes);
	return code;
}

static enum err_code complete(struct s3_put *put, struct err *err)
{
	struct s3_store *store = of(put->base.store);
	const struct s3_param param = { "uploadId", put->upload_id };
	strbuf_add_str(&put->parts, "</CompleteMultipartUpload>");
	enum err_code code = strbuf_check(&put->parts, "the list of parts", err);
	if (code)
		return code;
	struct s3_request request = { .method = S3_POST,
				      .key = put->key,
				      .params = &param,
				      .param_count = 1,
				      .body = put->parts.data,
				      .body_len = put->parts.len,
				      .fresh = true };
	cleanup_answer struct s3_answer answer = { 0 };
	code = s3_perform(store, &request, &answer, err);
	if (code)
		return code;
	/* Gone at a second try: the first may have been heard, and only its answer lost. */
	if (answer.status == HTTP_NOT_FOUND && answer.tries == 1)
		return blob_put_is_gone(put->key, err);
	if (answer.status != 200 && answer.status != HTTP_NOT_FOUND)
		return s3_unexpected(store, &request, &answer, err);
	return check_size(put, err);
}

enum err_code s3_put_commit(struct blob_put *base, struct err *err)
{
	struct s3_put *put = (struct s3_put *)base;
	enum err_code code;
	if (!put->upload_id[0] && put->part_len <= S3_PART_BYTES) {
		code = put_whole(put, err);
	} else {
		code = send_part(put, err);
		if (!code)
			code = complete(put, err);
	}
	if (code)
		s3_put_abort(base);
	else
		put_free(put);
	return code;
}
