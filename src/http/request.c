#include "http/request.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "http/server_priv.h"

const struct http_route *http_request_route(const struct http_request *request)
{
	return request->route;
}

enum http_method http_request_method(const struct http_request *request)
{
	return (enum http_method)request->method;
}

const char *http_request_path(const struct http_request *request)
{
	return request->head ? request->head->path : "";
}

struct http_text http_request_param(const struct http_request *request, const char *name)
{
	const struct http_text *found = request->head ? http_match_param(&request->head->match, name) : NULL;
	return found ? *found : (struct http_text){ "", 0 };
}

const char *http_request_query(const struct http_request *request, const char *name)
{
	return request->head ? form_get(&request->head->query, name) : NULL;
}

const struct form *http_request_query_fields(const struct http_request *request)
{
	return request->head ? &request->head->query : NULL;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
	return request->head ? head_get(request->head, name) : NULL;
}

const char *http_request_id(const struct http_request *request)
{
	return request->id;
}

void http_request_address(const struct http_request *request, char *buffer, size_t size)
{
	const struct in6_addr *address = &request->client;
	if (IN6_IS_ADDR_V4MAPPED(address)) {
		const uint8_t *b = address->s6_addr + 12;
		(void)snprintf(buffer, size, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	} else if (IN6_IS_ADDR_UNSPECIFIED(address) || !inet_ntop(AF_INET6, address, buffer, (socklen_t)size)) {
		buffer[0] = '\0';
	}
}

bool http_request_is_secure(const struct http_request *request)
{
	return request->is_secure;
}

uint64_t http_request_length(const struct http_request *request)
{
	return request->length;
}

uint64_t http_request_received(const struct http_request *request)
{
	return request->received;
}

const char *http_request_body(const struct http_request *request, size_t *ret_len)
{
	*ret_len = request->body.len;
	return strbuf_str(&request->body);
}

void http_request_set_context(struct http_request *request, void *context)
{
	request->context = context;
}

void *http_request_context(const struct http_request *request)
{
	return request->context;
}

void http_request_set_principal(struct http_request *request, void *principal)
{
	request->principal = principal;
}

void *http_request_principal(const struct http_request *request)
{
	return request->principal;
}

struct http_server *http_request_server(const struct http_request *request)
{
	return request->conn->server;
}

void http_request_limit_body(struct http_request *request, uint64_t max_bytes)
{
	if (max_bytes < request->body_max)
		request->body_max = max_bytes;
}

void http_request_pause(struct http_request *request)
{
	request->paused = true;
}

void http_request_resume(struct http_request *request)
{
	if (!request->paused)
		return;
	request->paused = false;
	/* The client is not to blame for the time of the pause. */
	request->rate_since_ms = server_now_ms(request->conn->server);
	request->rate_from = request->received;
	conn_ready(request->conn);
}

void http_request_watch(struct http_request *request, struct http_watch *watch)
{
	watch->next = request->watches;
	request->watches = watch;
}

void http_request_unwatch(struct http_request *request, struct http_watch *watch)
{
	struct http_watch **place = &request->watches;
	while (*place && *place != watch)
		place = &(*place)->next;
	if (*place)
		*place = watch->next;
}
