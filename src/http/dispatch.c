/* From a complete head to a handler: the checks that llhttp leaves to us, routing, authentication, and the body. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "http/params.h"
#include "http/server_priv.h"

enum {
	BAD_REQUEST = 400,
	NOT_FOUND = 404,
	NOT_ALLOWED = 405,
	TOO_LARGE = 413,
	UNSUPPORTED_TYPE = 415,
	EXPECTATION_FAILED = 417,
	NOT_IMPLEMENTED = 501,
	NO_MEMORY = 503,
	MS_PER_S = 1000
};

static enum http_method method_of(uint8_t method)
{
	switch (method) {
#define X(name)                                                                                                        \
	case HTTP_##name:                                                                                              \
		return HTTP_METHOD_##name;
		HTTP_METHOD_TABLE(X)
#undef X
	default:
		return HTTP_METHOD_OTHER;
	}
}

struct http_request *request_new(struct http_conn *conn)
{
	struct http_request *request = calloc(1, sizeof *request);
	if (!request)
		return NULL;
	request->conn = conn;
	request->added.max = HTTP_HEAD_MAX;
	request->head = head_new(&conn->server->limits);
	if (!request->head) {
		free(request);
		return NULL;
	}
	request->client = conn->address;
	request->is_secure = conn->ssl != NULL;
	request->start_us = clock_monotonic_us();
	request->body_max = HTTP_IGNORED_BODY;
	return request;
}

/* -- checks of the head -------------------------------------------------------------------------- */

static bool id_is_sound(const char *id)
{
	size_t len = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");
	return len > 0 && len <= HTTP_REQUEST_ID_MAX && id[len] == '\0';
}

static void choose_id(struct http_request *request)
{
	const char *id = request->head ? head_get(request->head, "x-request-id") : NULL;
	if (id && id_is_sound(id))
		memcpy(request->id, id, strlen(id) + 1);
	else
		server_make_id(request->conn->server, request->id);
}

/* The last word of a list is the nearest proxy's. */
static bool last_is(const char *list, const char *word)
{
	const char *last = strrchr(list, ',');
	last = last ? last + 1 : list;
	last += strspn(last, " \t");
	size_t len = strcspn(last, " \t");
	return len == strlen(word) && strncasecmp(last, word, len) == 0;
}

/* Lines of one name are one list. */
static void read_forwarded(struct http_request *request)
{
	const struct proxies *proxies = request->conn->server->proxies;
	uint32_t at = request->head->field_count;
	if (!proxies_trust(proxies, &request->client))
		return;
	const char *scheme = head_get_before(request->head, "x-forwarded-proto", &at);
	if (scheme)
		request->is_secure = last_is(scheme, "https");
	at = request->head->field_count;
	const char *line = head_get_before(request->head, "x-forwarded-for", &at);
	while (line && proxies_go_back(proxies, line, &request->client))
		line = head_get_before(request->head, "x-forwarded-for", &at);
}

/* What decides where a request ends and whom it is for must be said once and plainly (RFC 9112, sections 3.2 and 6.1).
 */
static int check_framing(struct http_request *request, const char **ret_reason)
{
	const llhttp_t *parser = &request->conn->parser;
	const struct request_head *head = request->head;
	const char *coding = head_get(head, "transfer-encoding");
	const char *expect = head_get(head, "expect");
	int hosts = head_count(head, "host");
	if (hosts > 1 || (hosts == 0 && parser->http_minor >= 1)) {
		*ret_reason = "the request must have one Host header";
		return BAD_REQUEST;
	}
	if (head_twice(head)) {
		*ret_reason = "a header comes twice that may come once only (Authorization, Range, Content-Type, ...)";
		return BAD_REQUEST;
	}
	if (coding && (strcasecmp(coding, "chunked") != 0 || parser->http_minor == 0 ||
		       head_count(head, "transfer-encoding") > 1)) {
		*ret_reason = "\"chunked\" is the only transfer coding of the server";
		return NOT_IMPLEMENTED;
	}
	if (expect && parser->http_minor >= 1) {
		if (strcasecmp(expect, "100-continue") != 0)
			return EXPECTATION_FAILED;
		request->expects_continue = true;
	}
	return 0;
}

static void read_framing(struct http_request *request)
{
	const llhttp_t *parser = &request->conn->parser;
	request->method = (uint8_t)method_of(parser->method);
	request->keep_alive = llhttp_should_keep_alive(parser) == 1;
	if (parser->flags & F_CHUNKED)
		request->length = HTTP_LENGTH_UNKNOWN;
	else
		request->length = parser->flags & F_CONTENT_LENGTH ? parser->content_length : 0;
}

/* -- routing ------------------------------------------------------------------------------------- */

static void answer_not_allowed(struct http_request *request, unsigned allowed)
{
	cleanup_strbuf struct strbuf list = STRBUF_INIT(128);
	for (unsigned method = 1; method < HTTP_METHOD_COUNT; method++) {
		if (allowed & 1U << method)
			strbuf_addf(&list, "%s%s", list.len ? ", " : "", http_method_name((enum http_method)method));
	}
	const struct http_header allow = { "Allow", strbuf_str(&list) };
	http_reply_error_with(request, NOT_ALLOWED, NULL, &allow);
}

static const struct {
	enum http_body body;
	const char *type;
} body_types[] = {
	{ HTTP_BODY_JSON, "application/json" },
	{ HTTP_BODY_FORM, "application/x-www-form-urlencoded" },
	{ HTTP_BODY_MULTIPART, "multipart/form-data" },
};

static void answer_bad_type(struct http_request *request)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(256);
	const char *before = "the body must have the Content-Type ";
	for (size_t i = 0; i < ARRAY_LEN(body_types); i++) {
		if (request->route->body & body_types[i].body) {
			strbuf_addf(&text, "%s%s", before, body_types[i].type);
			before = " or ";
		}
	}
	http_reply_error(request, UNSUPPORTED_TYPE, strbuf_str(&text));
}

static bool type_is_accepted(const struct http_request *request, unsigned accepted)
{
	const char *type = head_get(request->head, "content-type");
	if (accepted & HTTP_BODY_BYTES)
		return true;
	if (!type)
		return false;
	const char *end = type + strcspn(type, "; \t");
	if (accepted & HTTP_BODY_JSON && end - type > 5 && strncasecmp(end - 5, "+json", 5) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(body_types); i++) {
		if (accepted & body_types[i].body && header_is(type, body_types[i].type))
			return true;
	}
	return false;
}

/* False where the announced body is refused, which is answered then. */
static bool take_body(struct http_request *request)
{
	unsigned accepted = request->route->body;
	bool is_empty = request->length == 0;
	if (request->length != HTTP_LENGTH_UNKNOWN && request->length > request->body_max)
		http_reply_error(request, TOO_LARGE, NULL);
	else if (accepted == HTTP_BODY_NONE || (is_empty && accepted & (HTTP_BODY_EMPTY | HTTP_BODY_BYTES)))
		return true;
	else if (is_empty)
		http_reply_error(request, BAD_REQUEST, "the request must have a body");
	else if (type_is_accepted(request, accepted))
		return true;
	else
		answer_bad_type(request);
	return false;
}

/* -- authentication and the handler -------------------------------------------------------------- */

static void start_handler(struct http_request *request)
{
	struct http_conn *conn = request->conn;
	const struct http_handler *handler = request->route->handler;
	/* The authenticator may have lowered the limit. */
	if (!take_body(request))
		return;
	conn->state = CONN_BODY;
	request->admitted = true;
	request->rate_since_ms = server_now_ms(conn->server);
	request->on_drained = handler->on_drained;
	if (handler->on_start)
		handler->on_start(request);
	if (request->expects_continue && request->status == 0 && request->length > 0)
		strbuf_add_str(&conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
	/* From here on the client sends, so a refusal may be followed by the rest of the body. */
	if (request->status == 0)
		request->expects_continue = false;
}

void http_request_admit(struct http_request *request)
{
	assert(request->conn->state == CONN_AUTH);
	if (request->conn->doomed)
		return;
	start_handler(request);
	conn_ready(request->conn);
}

static void authenticate(struct http_request *request)
{
	struct http_conn *conn = request->conn;
	struct http_server *server = conn->server;
	conn->state = CONN_AUTH;
	enum http_auth verdict = server->ops->authenticate(server->owner, request, request->route->scope);
	/* An answer has moved the state on. */
	if (verdict == HTTP_AUTH_ADMIT && request->status == 0)
		start_handler(request);
}

void request_begin(struct http_request *request)
{
	const char *reason = NULL;
	choose_id(request);
	read_framing(request);
	read_forwarded(request);
	int status = head_finish(request->head, &reason);
	if (!status)
		status = check_framing(request, &reason);
	if (status) {
		request_fail(request, status, reason, HTTP_OUTCOME_FAILED);
		return;
	}
	request->conn->state = CONN_BODY;
	request->rate_since_ms = server_now_ms(request->conn->server);
	struct http_match *match = &request->head->match;
	const struct http_text path = { request->head->path, request->head->path_len };
	http_router_match(request->conn->server->router, path, http_request_method(request), match);
	request->route = match->route;
	if (!match->route && match->allowed) {
		answer_not_allowed(request, match->allowed);
	} else if (!match->route) {
		http_reply_error(request, NOT_FOUND, "there is nothing at this path");
	} else {
		if (match->route->body != HTTP_BODY_NONE)
			request->body_max = match->route->body_max;
		if (take_body(request))
			authenticate(request);
	}
}

/* -- the body ------------------------------------------------------------------------------------ */

bool request_is_too_slow(const struct http_request *request)
{
	const struct http_limits *limits = &request->conn->server->limits;
	uint64_t spent_ms = server_now_ms(request->conn->server) - request->rate_since_ms;
	return spent_ms > limits->rate_grace_ms &&
	       (request->received - request->rate_from) * MS_PER_S < spent_ms * limits->min_rate;
}

int request_body(struct http_request *request, const char *bytes, size_t len)
{
	request->received += len;
	/* The answer is there already: a small rest is read so that the connection can be kept (response_end). */
	if (request->ended)
		return 0;
	if (request->received > request->body_max)
		return TOO_LARGE;
	if (!request->route || request->route->body == HTTP_BODY_NONE)
		return 0;
	const struct http_handler *handler = request->route->handler;
	if (handler->on_body) {
		handler->on_body(request, bytes, len);
		return 0;
	}
	if (!handler->on_end)
		return 0;
	if (request->body.max == 0)
		request->body.max = HTTP_COLLECTED_MAX;
	strbuf_add(&request->body, bytes, len);
	return request->body.failed ? NO_MEMORY : 0;
}

void request_complete(struct http_request *request)
{
	struct http_conn *conn = request->conn;
	request->complete = true;
	conn->state = CONN_ANSWER;
	if (request->ended || !request->admitted)
		return;
	if (request->route->handler->on_end)
		request->route->handler->on_end(request);
}

/* -- the end ------------------------------------------------------------------------------------- */

void request_fail(struct http_request *request, int status, const char *reason, enum http_outcome outcome)
{
	request->outcome = (uint8_t)outcome;
	request->keep_alive = false;
	if (!request->id[0])
		choose_id(request);
	if (request->status == 0)
		http_reply_error(request, status, reason);
	else if (!request->ended)
		request->conn->doomed = true;
}

static void tell_log(const struct http_request *request)
{
	const struct http_server *server = request->conn->server;
	if (!server->ops->on_access)
		return;
	const struct http_access access = { .method = http_request_method(request),
					    .pattern = request->route ? request->route->pattern : "-",
					    .status = request->status,
					    .hung_up = request->outcome == HTTP_OUTCOME_HUNG_UP,
					    .received_bytes = request->received,
					    .sent_bytes = request->sent,
					    .duration_us = clock_monotonic_us() - request->start_us,
					    .request_id = request->id,
					    .request = request };
	server->ops->on_access(server->owner, &access);
}

void request_finish(struct http_request *request)
{
	request->ended = true; /* nobody may write from now on */
	tell_log(request);
	if (request->admitted && request->route->handler->on_close)
		request->route->handler->on_close(request, (enum http_outcome)request->outcome);
	while (request->watches) {
		struct http_watch *watch = request->watches;
		request->watches = watch->next;
		watch->on_gone(watch);
	}
	request->conn->request = NULL;
	content_free(request->content);
	head_free(request->head);
	strbuf_done(&request->body);
	strbuf_done(&request->added);
	free(request);
}
