#include "http/content.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/range.h"
#include "http/server_priv.h"

enum {
	/* One piece: large enough for a disk and a cipher to be worth their call, small beside stream_bytes. */
	PIECE_BYTES = 64 * 1024,
	HEADERS_MAX = 16, /* of the content's own and those that are added here */
	OK = 200,
	PARTIAL = 206,
	NOT_MODIFIED = 304,
	UNSATISFIABLE = 416,
	NO_MEMORY = 503
};

/* What is still to be sent. */
struct content {
	void (*want)(struct http_request *request, uint64_t offset, size_t len);
	uint64_t offset;
	uint64_t left;
	size_t wanted; /* asked for and not yet given; 0: nothing */
};

void content_free(struct content *content)
{
	free(content);
}

bool http_is_unchanged(const struct http_request *request, const char *etag)
{
	const char *known = http_request_header(request, "if-none-match");
	return known && etag && etag_listed(known, etag);
}

/* If-Range: a range is of use only in the same version; else all of the new one is (RFC 9110, section 13.1.5). */
static bool range_still_fits(const struct http_request *request, const struct http_content *content)
{
	const char *condition = http_request_header(request, "if-range");
	if (!condition)
		return true;
	if (condition[0] == '"')
		return content->etag && strcmp(condition, content->etag) == 0;
	return content->last_modified && strcmp(condition, content->last_modified) == 0;
}

static void ask_for_more(struct http_request *request)
{
	struct content *content = request->content;
	if (content->wanted > 0)
		return;
	content->wanted = content->left < PIECE_BYTES ? (size_t)content->left : PIECE_BYTES;
	content->want(request, content->offset, content->wanted);
}

static void begin(struct http_request *request, struct http_reply *reply, uint64_t first, uint64_t len)
{
	struct content *content = request->content;
	content->offset = first;
	content->left = len;
	request->on_drained = ask_for_more;
	http_stream_begin(request, reply, len);
	if (request->method == HTTP_METHOD_HEAD || len == 0)
		http_stream_end(request);
}

/* The headers of the answer: the content's own, its validators, and one more. */
static size_t collect_headers(const struct http_content *content, struct http_header headers[HEADERS_MAX])
{
	size_t count = 0;
	assert(content->header_count + 4 <= HEADERS_MAX);
	for (size_t i = 0; i < content->header_count; i++)
		headers[count++] = content->headers[i];
	if (content->etag)
		headers[count++] = (struct http_header){ "ETag", content->etag };
	if (content->last_modified)
		headers[count++] = (struct http_header){ "Last-Modified", content->last_modified };
	headers[count++] = (struct http_header){ "Accept-Ranges", "bytes" };
	return count;
}

void http_reply_content(struct http_request *request, const struct http_content *content)
{
	struct http_header headers[HEADERS_MAX];
	char range_text[80];
	uint64_t first = 0, len = content->size_bytes;
	struct http_reply reply = { .status = OK,
				    .content_type = content->content_type,
				    .headers = headers,
				    .header_count = collect_headers(content, headers) };
	if (http_is_unchanged(request, content->etag)) {
		reply.status = NOT_MODIFIED;
		http_reply(request, &reply);
		return;
	}
	enum range_result range = RANGE_ALL;
	if (request->method == HTTP_METHOD_GET && range_still_fits(request, content))
		range = range_parse(http_request_header(request, "range"), content->size_bytes, &first, &len);
	if (range == RANGE_UNSATISFIABLE) {
		(void)snprintf(range_text, sizeof range_text, "bytes */%" PRIu64, content->size_bytes);
		const struct http_header size = { "Content-Range", range_text };
		http_reply_error_with(request, UNSATISFIABLE, NULL, &size);
		return;
	}
	if (range == RANGE_ONE) {
		(void)snprintf(range_text, sizeof range_text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
			       first + len - 1, content->size_bytes);
		headers[reply.header_count++] = (struct http_header){ "Content-Range", range_text };
		reply.status = PARTIAL;
	}
	request->content = calloc(1, sizeof *request->content);
	if (!request->content) {
		http_reply_error(request, NO_MEMORY, NULL);
		return;
	}
	request->content->want = content->want;
	begin(request, &reply, first, len);
}

void http_content_give(struct http_request *request, const void *bytes, size_t len)
{
	struct content *content = request->content;
	assert(len > 0 && len <= content->wanted);
	content->wanted = 0;
	content->offset += len;
	content->left -= len;
	(void)http_stream_write(request, bytes, len);
	if (content->left == 0)
		http_stream_end(request);
}
