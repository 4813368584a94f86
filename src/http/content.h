/*
 * Answers out of something that can be read at any offset (a stored file): whole or one range, and conditional (RFC
 * 9110, sections 13 and 14). The bytes come from a source that may take its time, so that disks and decryption can work
 * in a pool. Loop thread only.
 */
#ifndef TIRO_HTTP_CONTENT_H
#define TIRO_HTTP_CONTENT_H

#include <stddef.h>
#include <stdint.h>

#include "http/response.h"

struct http_content {
	uint64_t size_bytes;
	const char *etag; /* strong, with its quotes; NULL: none. For this call only, like the next two */
	const char *content_type;
	const char *last_modified; /* an HTTP date; NULL: none */
	const struct http_header *headers;
	size_t header_count;
	/* Asks for up to `len` bytes at `offset`, at least one: http_content_give or http_stream_abort follows, now or
	 * later. The request's on_close tells when nothing is wanted any more. */
	void (*want)(struct http_request *request, uint64_t offset, size_t len);
};

/* Answers a GET or HEAD: 200, 206 for one satisfiable range (several are answered with everything, as is allowed), 416,
 * or 304. The handler's on_drained is not called meanwhile. */
void http_reply_content(struct http_request *request, const struct http_content *content);

/* The bytes that were wanted: from 1 to as many as asked for. */
void http_content_give(struct http_request *request, const void *bytes, size_t len);

/* True if the client already has what this entity tag names (If-None-Match): answer 304. */
bool http_is_unchanged(const struct http_request *request, const char *etag);

#endif
