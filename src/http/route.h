/*
 * Routes: one constant table says everything about each (method, pattern, who may, how large, what kind of body, who
 * handles it, its name in OpenAPI), and a trie over the segments of the patterns finds the row.
 *
 * A pattern is "/fixed/{name}/fixed". Matching is exact and knows no case; a slash at the end makes no difference; a
 * fixed segment goes before a parameter in its place. HEAD goes where GET goes unless it has a row of its own. A router
 * is read-only once it is made, and may be shared by threads.
 */
#ifndef TIRO_HTTP_ROUTE_H
#define TIRO_HTTP_ROUTE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "http/limits.h"

struct http_handler;

/* The methods that a route can have. 0 is what no route has: any other method that HTTP knows. */
#define HTTP_METHOD_TABLE(X)                                                                                           \
	X(GET)                                                                                                         \
	X(HEAD)                                                                                                        \
	X(POST)                                                                                                        \
	X(PUT)                                                                                                         \
	X(PATCH)                                                                                                       \
	X(DELETE)                                                                                                      \
	X(OPTIONS)

enum http_method {
	HTTP_METHOD_OTHER,
#define X(name) HTTP_METHOD_##name,
	HTTP_METHOD_TABLE(X)
#undef X
		HTTP_METHOD_COUNT
};

/* "GET"; "OTHER" for HTTP_METHOD_OTHER. */
const char *http_method_name(enum http_method method);

/* Kinds of body that a route accepts, to be joined with "|". */
enum http_body {
	HTTP_BODY_NONE = 0, /* whatever comes is ignored, up to HTTP_IGNORED_BODY */
	HTTP_BODY_JSON = 1, /* application/json, and any type that ends in +json */
	HTTP_BODY_FORM = 2, /* application/x-www-form-urlencoded */
	HTTP_BODY_MULTIPART = 4, /* multipart/form-data */
	HTTP_BODY_BYTES = 8, /* any type, or none */
	HTTP_BODY_EMPTY = 16 /* no body at all is fine too; else it is a 400 */
};

struct http_route {
	enum http_method method;
	const char *pattern;
	int scope; /* who may, in the words of the server's owner; 0 is a mistake, so that no route is open by oversight
		    */
	unsigned body; /* of enum http_body */
	uint64_t body_max; /* bytes; more is 413 */
	const struct http_handler *handler;
	const char *operation_id; /* in the OpenAPI document */
	const void *data; /* the handler's own */
};

struct http_text {
	const char *at; /* not ended by 0 */
	size_t len;
};

struct http_match {
	const struct http_route *route; /* NULL: the path exists but not with this method, or does not exist */
	unsigned allowed; /* bit 1 << method for each method of the path; 0: there is no such path */
	struct http_text params[HTTP_PARAMS_MAX];
	size_t param_count;
};

struct http_router;

/*
 * Compiles a table, which must outlive the router. ERR_INVALID names the row that breaks a rule: a scope, handler,
 * operation id or method is missing; the pattern is malformed; two rows are the same; a body has no limit, or its
 * handler collects it and the limit is above HTTP_COLLECTED_MAX.
 */
enum err_code http_router_new(const struct http_route *routes, size_t count, struct http_router **ret, struct err *err)
	MUST_CHECK;
void http_router_free(struct http_router *router);

/* Finds the row for a decoded path. Parameters point into `path`. */
void http_router_match(const struct http_router *router, struct http_text path, enum http_method method,
		       struct http_match *ret);

/* The value of the pattern's parameter `name` in a match; NULL where the pattern has none. */
const struct http_text *http_match_param(const struct http_match *match, const char *name);

#endif
