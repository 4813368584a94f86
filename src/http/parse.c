/* llhttp, which stops at the end of a head and of a message, so that no handler runs inside of it. Its lenient modes
 * stay off: what proxies and servers read differently is how requests are smuggled. */
#include "http/server_priv.h"

enum { BAD_REQUEST = 400, TOO_LARGE = 413, VERSION = 505, NO_MEMORY = 503 };

static int refuse(struct http_conn *conn, int status)
{
	if (status)
		conn->fail_status = (uint16_t)status;
	return status ? HPE_USER : HPE_OK;
}

static int on_begin(llhttp_t *parser)
{
	struct http_conn *conn = parser->data;
	conn->request = request_new(conn);
	if (!conn->request)
		return refuse(conn, NO_MEMORY);
	conn->state = CONN_HEAD;
	conn_wait_anew(conn); /* the time for this head begins now */
	return HPE_OK;
}

static int on_url(llhttp_t *parser, const char *bytes, size_t len)
{
	struct http_conn *conn = parser->data;
	return refuse(conn, head_add_url(conn->request->head, bytes, len, &conn->server->limits));
}

/* Trailers and the extensions of chunks: nobody reads them, but they must end. */
static int on_extra(llhttp_t *parser, const char *bytes, size_t len)
{
	(void)bytes;
	struct http_conn *conn = parser->data;
	conn->request->chunk_extras += (uint32_t)len + 1;
	return refuse(conn, conn->request->chunk_extras > HTTP_CHUNK_EXTRAS_MAX ? TOO_LARGE : 0);
}

static int on_name(llhttp_t *parser, const char *bytes, size_t len)
{
	struct http_conn *conn = parser->data;
	if (conn->state != CONN_HEAD)
		return on_extra(parser, bytes, len);
	return refuse(conn, head_add_name(conn->request->head, bytes, len, &conn->server->limits));
}

static int on_value(llhttp_t *parser, const char *bytes, size_t len)
{
	struct http_conn *conn = parser->data;
	if (conn->state != CONN_HEAD)
		return on_extra(parser, bytes, len);
	return refuse(conn, head_add_value(conn->request->head, bytes, len));
}

static int on_head_complete(llhttp_t *parser)
{
	struct http_conn *conn = parser->data;
	/* An offer to change the protocol is not taken up: the request is served as it is (RFC 9110, section 7.8). */
	parser->upgrade = 0;
	conn->event = PARSE_HEAD;
	return HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *bytes, size_t len)
{
	struct http_conn *conn = parser->data;
	/* Resumed in the middle of a body, llhttp reports that there is nothing yet. */
	int status = len > 0 ? request_body(conn->request, bytes, len) : 0;
	if (status)
		return refuse(conn, status);
	return len > 0 && (conn->request->paused || conn->doomed) ? HPE_PAUSED : HPE_OK;
}

static int on_complete(llhttp_t *parser)
{
	struct http_conn *conn = parser->data;
	conn->event = PARSE_MESSAGE;
	return HPE_PAUSED;
}

void parse_settings_init(llhttp_settings_t *settings)
{
	llhttp_settings_init(settings);
	settings->on_message_begin = on_begin;
	settings->on_url = on_url;
	settings->on_header_field = on_name;
	settings->on_header_value = on_value;
	settings->on_chunk_extension_name = on_extra;
	settings->on_chunk_extension_value = on_extra;
	settings->on_headers_complete = on_head_complete;
	settings->on_body = on_body;
	settings->on_message_complete = on_complete;
}

bool parse_may_go_on(const struct http_conn *conn)
{
	if (conn->doomed)
		return false;
	switch ((enum conn_state)conn->state) {
	case CONN_IDLE:
		/* Answers that nobody takes must not pile up. */
		return conn_waiting(conn) == 0;
	case CONN_HEAD:
		return true;
	case CONN_BODY:
		return !conn->request->paused;
	case CONN_AUTH:
	case CONN_ANSWER:
	case CONN_CLOSING:
	case CONN_LINGER:
		break;
	}
	return false;
}

static void malformed(struct http_conn *conn, llhttp_errno_t error)
{
	int status = conn->fail_status;
	bool other_version = error == HPE_INVALID_VERSION && conn->parser.http_major != 1;
	if (!status)
		status = other_version || error == HPE_PAUSED_H2_UPGRADE ? VERSION : BAD_REQUEST;
	if (!conn->request)
		conn->request = request_new(conn);
	if (conn->request && conn->state == CONN_HEAD)
		head_rescue_path(conn->request->head);
	if (conn->request)
		request_fail(conn->request, status, NULL, HTTP_OUTCOME_FAILED);
	else
		conn->doomed = true;
}

size_t parse_bytes(struct http_conn *conn, const char *bytes, size_t len)
{
	const char *at = bytes, *end = bytes + len;
	while (parse_may_go_on(conn)) {
		if (conn->parser_paused)
			llhttp_resume(&conn->parser);
		conn->parser_paused = false;
		llhttp_errno_t error = llhttp_execute(&conn->parser, at, (size_t)(end - at));
		if (error == HPE_OK)
			return len;
		if (error != HPE_PAUSED) {
			malformed(conn, error);
			return len;
		}
		at = llhttp_get_error_pos(&conn->parser);
		conn->parser_paused = true;
		enum parse_event event = conn->event;
		conn->event = PARSE_NOTHING;
		if (event == PARSE_HEAD)
			request_begin(conn->request);
		else if (event == PARSE_MESSAGE)
			request_complete(conn->request);
	}
	return (size_t)(at - bytes);
}
