/*
 * An HTTP/1.1 server on a libuv loop: one thread, no buffer per idle connection, every connection under limits.
 *
 *     http_router_new(routes, ...);
 *     http_server_new(&(struct http_server_spec){ .loop = loop, .router = router, .ops = &ops,
 *                                                 .limits = http_limits_default() }, &server, &err);
 *     http_server_listen(server, "127.0.0.1:8080", &err);
 *     uv_run(loop, UV_RUN_DEFAULT);
 *     http_server_free(server);
 *
 * All functions are for the loop's thread; what other threads have to say goes through work.h.
 */
#ifndef TIRO_HTTP_SERVER_H
#define TIRO_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "http/limits.h"
#include "http/proxies.h"
#include "http/request.h"
#include "http/response.h"
#include "http/tls.h"

struct uv_loop_s;

enum http_auth {
	HTTP_AUTH_ADMIT,
	HTTP_AUTH_ANSWERED, /* refused: the authenticator has answered */
	HTTP_AUTH_LATER /* http_request_admit or an answer follows; http_request_watch tells if the client goes first */
};

/* For the access log. Texts are borrowed for the call. The raw path is left out on purpose: it may hold secrets. */
struct http_access {
	enum http_method method;
	const char *pattern; /* of the route; "-" where there was none */
	int status; /* 0: the client went before an answer began */
	bool hung_up; /* before the end of the answer */
	uint64_t received_bytes; /* of the body */
	uint64_t sent_bytes; /* of the answer, with its head */
	int64_t duration_us; /* from the first byte of the request to the last of the answer given to the connection */
	const char *request_id;
	const struct http_request *request; /* for its address, principal and query */
};

/* An error that the server found itself, to be put into the shape of whoever owns the path. */
struct http_error {
	int status;
	const char *message; /* for the user; lower case, no full stop */
	const char *path; /* decoded as far as it is sound; "" where the request was malformed before it */
	const struct http_route *route; /* NULL: none matched */
	const struct http_request *request; /* for its id */
	struct strbuf *body; /* to be filled */
	const char *content_type; /* to be set; "application/json" if not */
};

struct http_server_ops {
	/* Before the body is read and before 100 Continue. Mandatory. */
	enum http_auth (*authenticate)(void *owner, struct http_request *request, int scope);
	/* NULL: {"error":"..."} */
	void (*shape_error)(void *owner, struct http_error *error);
	/* NULL: no log. */
	void (*on_access)(void *owner, const struct http_access *access);
	/* After http_server_drain the last connection is gone, or the time is up. NULL: nobody waits. */
	void (*on_drained)(void *owner);
};

struct http_server_spec {
	struct uv_loop_s *loop; /* outlives the server */
	const struct http_router *router; /* outlives the server */
	const struct http_server_ops *ops;
	void *owner;
	struct http_limits limits;
	const struct http_header *headers; /* on every answer (security headers); copied */
	size_t header_count;
	struct http_tls *tls; /* outlives the server; NULL: plain */
	/* Whose word on a client's address and scheme counts, and whose connections are not limited by address;
	 * outlives the server; NULL: nobody's. */
	const struct proxies *proxies;
};

/* Errors: ERR_NO_MEMORY, ERR_SYSTEM. */
enum err_code http_server_new(const struct http_server_spec *spec, struct http_server **ret, struct err *err)
	MUST_CHECK;

/* Closes everything at once; on_close is called for what was under way. Then runs the loop until the server's own
 * handles are closed. NULL is fine. */
void http_server_free(struct http_server *server);

/* Listens on "ADDRESS:PORT" or "[ADDRESS]:PORT", numeric; port 0 takes a free one. May be called again for further
 * addresses. Errors: ERR_INVALID, ERR_UNAVAILABLE (taken), ERR_SYSTEM. */
enum err_code http_server_listen(struct http_server *server, const char *address, struct err *err) MUST_CHECK;

/* The port of the first listener. */
uint16_t http_server_port(const struct http_server *server);

/* Takes over a connected stream socket, non-blocking or not. */
enum err_code http_server_adopt(struct http_server *server, int fd, struct err *err) MUST_CHECK;

/* No new connections; idle ones are closed, event streams ended (http/handler.h), what is under way is finished with
 * "Connection: close". What is left after `timeout_ms` is broken off. Then ops->on_drained. */
void http_server_drain(struct http_server *server, uint32_t timeout_ms);

/* Connections that are open now. */
size_t http_server_connections(const struct http_server *server);

void *http_server_owner(const struct http_server *server);

#endif
