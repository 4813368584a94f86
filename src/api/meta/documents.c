/* /openapi.json and /docs: both are part of the program. */
#include "api/meta/meta.h"
#include "base/cleanup.h"
#include "http/response.h"

enum { OK = 200 };

static void on_openapi(struct http_request *request)
{
	http_reply(request, &(struct http_reply){ .status = OK,
						  .content_type = "application/json",
						  .body = meta_openapi_text,
						  .body_len = meta_openapi_len });
}

const struct http_handler meta_openapi = { .on_end = on_openapi };

static void on_docs(struct http_request *request)
{
	const struct http_header policy = { "Content-Security-Policy", meta_docs_policy };
	http_reply(request, &(struct http_reply){ .status = OK,
						  .content_type = "text/html; charset=utf-8",
						  .headers = &policy,
						  .header_count = 1,
						  .body = meta_docs_text,
						  .body_len = meta_docs_len });
}

const struct http_handler meta_docs = { .on_end = on_docs };
