#include "http/response.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "http/server_priv.h"

/* Status, its text, and what is told to a user where nothing better is known. */
#define STATUS_TABLE(X)                                                                                                \
	X(200, "OK", "")                                                                                               \
	X(201, "Created", "")                                                                                          \
	X(202, "Accepted", "")                                                                                         \
	X(204, "No Content", "")                                                                                       \
	X(206, "Partial Content", "")                                                                                  \
	X(301, "Moved Permanently", "")                                                                                \
	X(302, "Found", "")                                                                                            \
	X(303, "See Other", "")                                                                                        \
	X(304, "Not Modified", "")                                                                                     \
	X(307, "Temporary Redirect", "")                                                                               \
	X(308, "Permanent Redirect", "")                                                                               \
	X(400, "Bad Request", "the request is malformed")                                                              \
	X(401, "Unauthorized", "who you are is not known")                                                             \
	X(402, "Payment Required", "the plan does not cover this")                                                     \
	X(403, "Forbidden", "this is not allowed")                                                                     \
	X(404, "Not Found", "there is nothing at this path")                                                           \
	X(405, "Method Not Allowed", "this method is not for this path")                                               \
	X(406, "Not Acceptable", "the answer cannot be given in the format asked for")                                 \
	X(408, "Request Timeout", "the request did not come in time")                                                  \
	X(409, "Conflict", "the state of things does not allow this")                                                  \
	X(410, "Gone", "this is no longer here")                                                                       \
	X(411, "Length Required", "the length of the body is missing")                                                 \
	X(412, "Precondition Failed", "a condition of the request does not hold")                                      \
	X(413, "Content Too Large", "the body is larger than is allowed here")                                         \
	X(414, "URI Too Long", "the address is too long")                                                              \
	X(415, "Unsupported Media Type", "a body of this type is not accepted here")                                   \
	X(416, "Range Not Satisfiable", "the range is not within the content")                                         \
	X(417, "Expectation Failed", "the expectation cannot be met")                                                  \
	X(422, "Unprocessable Content", "the content cannot be processed")                                             \
	X(423, "Locked", "this is locked")                                                                             \
	X(428, "Precondition Required", "the request must be conditional")                                             \
	X(429, "Too Many Requests", "there were too many requests; try again later")                                   \
	X(431, "Request Header Fields Too Large", "the headers are too large")                                         \
	X(500, "Internal Server Error", "the server failed")                                                           \
	X(501, "Not Implemented", "the server cannot do this")                                                         \
	X(502, "Bad Gateway", "another server answered wrongly")                                                       \
	X(503, "Service Unavailable", "the server is busy; try again in a moment")                                     \
	X(504, "Gateway Timeout", "another server did not answer in time")                                             \
	X(505, "HTTP Version Not Supported", "the server speaks HTTP/1.1")                                             \
	X(507, "Insufficient Storage", "there is no space left")

struct status_row {
	int status;
	const char *text;
	const char *message;
};

static const struct status_row status_rows[] = {
#define X(status, text, message) { status, text, message },
	STATUS_TABLE(X)
#undef X
};

static const struct status_row *find_status(int status)
{
	static const struct status_row unknown = { 0, "Unknown", "the server failed" };
	for (size_t i = 0; i < ARRAY_LEN(status_rows); i++) {
		if (status_rows[i].status == status)
			return &status_rows[i];
	}
	return &unknown;
}

const char *http_status_text(int status)
{
	return find_status(status)->text;
}

/* -- the head ------------------------------------------------------------------------------------ */

/* printf would be a third of a small answer's time. */
static void add_number(struct strbuf *out, uint64_t number)
{
	char digits[20];
	size_t at = sizeof digits;
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	strbuf_add(out, digits + at, sizeof digits - at);
}

#define ADD_LITERAL(out, text) strbuf_add(out, text, sizeof(text) - 1)

/* A value may be what a user once sent (a file's name): no line end of theirs begins another header. */
static void add_header(struct strbuf *out, const char *name, const char *value)
{
	strbuf_add_str(out, name);
	ADD_LITERAL(out, ": ");
	for (const char *at = value; *at;) {
		size_t clean = 0;
		while ((unsigned char)at[clean] >= ' ' && at[clean] != 0x7f)
			clean++;
		strbuf_add(out, at, clean);
		at += clean;
		if (*at) {
			strbuf_add_char(out, ' ');
			at++;
		}
	}
	ADD_LITERAL(out, "\r\n");
}

static bool has_header(const struct http_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->header_count; i++) {
		if (strcasecmp(reply->headers[i].name, name) == 0)
			return true;
	}
	return false;
}

/* The headers that every answer has, but those that this one has of its own. */
static void add_fixed(struct strbuf *out, const struct http_server *server, const struct http_reply *reply)
{
	bool replaced = false;
	for (size_t i = 0; i < server->header_count && reply->header_count > 0 && !replaced; i++)
		replaced = has_header(reply, server->headers[i].name);
	if (!replaced) {
		strbuf_add(out, server->fixed.data, server->fixed.len);
		return;
	}
	for (size_t i = 0; i < server->header_count; i++) {
		if (!has_header(reply, server->headers[i].name))
			add_header(out, server->headers[i].name, server->headers[i].value);
	}
}

static bool status_has_body(int status)
{
	return status >= 200 && status != 204 && status != 304;
}

/* What is left of the body is little enough to be read and forgotten. */
static bool rest_is_small(const struct http_request *request)
{
	if (request->complete)
		return true;
	return !request->expects_continue && request->length != HTTP_LENGTH_UNKNOWN &&
	       request->length - request->received <= HTTP_IGNORED_BODY;
}

static void add_framing(struct http_request *request, const struct http_reply *reply, uint64_t length)
{
	struct strbuf *out = &request->conn->out;
	bool is_old = request->conn->parser.http_minor == 0;
	if (status_has_body(reply->status) && length != HTTP_LENGTH_UNKNOWN) {
		ADD_LITERAL(out, "Content-Length: ");
		add_number(out, length);
		ADD_LITERAL(out, "\r\n");
	} else if (status_has_body(reply->status) && is_old) {
		request->keep_alive = false; /* the end of the connection is the end of the answer */
	} else if (status_has_body(reply->status)) {
		request->chunked = true;
		ADD_LITERAL(out, "Transfer-Encoding: chunked\r\n");
	}
	if (!request->keep_alive)
		ADD_LITERAL(out, "Connection: close\r\n");
	else if (is_old)
		ADD_LITERAL(out, "Connection: keep-alive\r\n");
}

bool response_head(struct http_request *request, const struct http_reply *reply, uint64_t length)
{
	struct http_server *server = request->conn->server;
	struct strbuf *out = &request->conn->out;
	assert(request->status == 0); /* one answer for a request */
	request->status = (uint16_t)reply->status;
	if (server->draining)
		request->keep_alive = false;
	(void)strbuf_reserve(out, 500); /* most answers, in one allocation */
	ADD_LITERAL(out, "HTTP/1.1 ");
	add_number(out, (uint64_t)reply->status);
	strbuf_add_char(out, ' ');
	strbuf_add_str(out, http_status_text(reply->status));
	ADD_LITERAL(out, "\r\nDate: ");
	strbuf_add_str(out, server_date(server));
	ADD_LITERAL(out, "\r\nX-Request-Id: ");
	strbuf_add_str(out, request->id);
	ADD_LITERAL(out, "\r\n");
	add_fixed(out, server, reply);
	if (reply->content_type)
		add_header(out, "Content-Type", reply->content_type);
	for (size_t i = 0; i < reply->header_count; i++)
		add_header(out, reply->headers[i].name, reply->headers[i].value);
	strbuf_add(out, request->added.data, request->added.len);
	if (request->added.failed) /* an answer without a header that it needs is none */
		request->conn->doomed = true;
	add_framing(request, reply, length);
	ADD_LITERAL(out, "\r\n");
	return status_has_body(reply->status) && request->method != HTTP_METHOD_HEAD;
}

void response_end(struct http_request *request)
{
	struct http_conn *conn = request->conn;
	request->ended = true;
	request->paused = false;
	if (!rest_is_small(request))
		request->keep_alive = false;
	/* What is left of the body is read and forgotten. */
	if (conn->state == CONN_AUTH)
		conn->state = CONN_BODY;
	conn_ready(conn);
}

void http_add_header(struct http_request *request, const char *name, const char *value)
{
	assert(request->status == 0);
	add_header(&request->added, name, value);
}

/* -- whole answers ------------------------------------------------------------------------------- */

void http_reply(struct http_request *request, const struct http_reply *reply)
{
	size_t before = request->conn->out.len;
	if (!rest_is_small(request))
		request->keep_alive = false;
	if (response_head(request, reply, reply->body_len))
		strbuf_add(&request->conn->out, reply->body, reply->body_len);
	request->sent = request->conn->out.len - before;
	response_end(request);
}

void http_reply_json(struct http_request *request, int status, const struct strbuf *json)
{
	http_reply(request, &(struct http_reply){ .status = status,
						  .content_type = "application/json",
						  .body = json->data,
						  .body_len = json->len });
}

void server_shape_error(const struct http_server *server, struct http_error *error)
{
	if (!error->message)
		error->message = find_status(error->status)->message;
	if (server->ops->shape_error) {
		server->ops->shape_error(server->owner, error);
		return;
	}
	struct json j = JSON_INIT(error->body);
	json_object(&j);
	json_key_str(&j, "error", error->message);
	json_object_end(&j);
}

void http_reply_error(struct http_request *request, int status, const char *message)
{
	http_reply_error_with(request, status, message, NULL);
}

void http_reply_error_with(struct http_request *request, int status, const char *message,
			   const struct http_header *header)
{
	cleanup_strbuf struct strbuf body = STRBUF_INIT(HTTP_OUTPUT_MAX);
	struct http_error error = { .status = status,
				    .message = message,
				    .path = http_request_path(request),
				    .route = request->route,
				    .request = request,
				    .body = &body,
				    .content_type = "application/json" };
	server_shape_error(request->conn->server, &error);
	/* Whatever it is, it will pass. */
	const struct http_header later = { "Retry-After", "1" };
	if (!header && status == 503)
		header = &later;
	http_reply(request, &(struct http_reply){ .status = error.status,
						  .content_type = error.content_type,
						  .headers = header,
						  .header_count = header ? 1 : 0,
						  .body = body.data,
						  .body_len = body.len });
}
