/*
 * A request, as its handler and the server's owner see it. All on the loop's thread; every text is borrowed from the
 * request, until it is answered or an event stream begins on it.
 */
#ifndef TIRO_HTTP_REQUEST_H
#define TIRO_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/handler.h"
#include "http/route.h"

struct form;
struct http_server;

/* The row that it goes to; NULL only in the shaping of an error. */
const struct http_route *http_request_route(const struct http_request *request);

/* The method as sent: HEAD where a GET row answers it. */
enum http_method http_request_method(const struct http_request *request);

/* The decoded path (of an error: as far as it is sound; "" where the request was malformed before it). Without its
 * query; for routing, never for logs. */
const char *http_request_path(const struct http_request *request);

/* The value of a parameter of the pattern, not ended by 0; len 0 where there is none of that name. */
struct http_text http_request_param(const struct http_request *request, const char *name);

/* The first value of a query's field, decoded; NULL where there is none. */
const char *http_request_query(const struct http_request *request, const char *name);

/* All fields of the query, for names that come again; NULL once an event stream has begun. */
const struct form *http_request_query_fields(const struct http_request *request);

/* The value of a header, its name without regard to case; NULL where there is none. Of a repeated one the first. */
const char *http_request_header(const struct http_request *request, const char *name);

/* The caller's X-Request-Id, or the one made for it. */
const char *http_request_id(const struct http_request *request);

/* The client's address as text, at most INET6_ADDRSTRLEN bytes with the 0; "" where it has none. Behind trusted proxies
 * (http/proxies.h) it is the one that they have seen. */
void http_request_address(const struct http_request *request, char *buffer, size_t size);

/* The client speaks HTTPS, to this server or to a trusted proxy before it. */
bool http_request_is_secure(const struct http_request *request);

/* Bytes of the body: as announced (UINT64_MAX: not announced), and received. */
uint64_t http_request_length(const struct http_request *request);
uint64_t http_request_received(const struct http_request *request);

/* The collected body, ended by 0; for handlers without on_body, from on_end on. */
const char *http_request_body(const struct http_request *request, size_t *ret_len);

/* The handler's own pointer, and the authenticator's. */
void http_request_set_context(struct http_request *request, void *context);
void *http_request_context(const struct http_request *request);
void http_request_set_principal(struct http_request *request, void *principal);
void *http_request_principal(const struct http_request *request);

/* The server that it came to. */
struct http_server *http_request_server(const struct http_request *request);

/* Lowers the largest body, for an authenticator that knows the caller's plan; more is 413. */
void http_request_limit_body(struct http_request *request, uint64_t max_bytes);

/* Ends the suspension of an authenticator that said HTTP_AUTH_LATER: the request goes on. */
void http_request_admit(struct http_request *request);

/* No more on_body and on_end until resumed: the client is held back by its own network. Calls do not nest. */
void http_request_pause(struct http_request *request);
void http_request_resume(struct http_request *request);

/* `watch->on_gone` is called when the request is over, after on_close; the watch stays the caller's. */
void http_request_watch(struct http_request *request, struct http_watch *watch);
void http_request_unwatch(struct http_request *request, struct http_watch *watch);

#endif
