/* A connection: its life, what it waits for, and the turn in which everything about it is settled. */
#include <stdlib.h>
#include <sys/socket.h>

#include "http/server_priv.h"

enum {
	/* Requests, or fillings of a stream, that one connection is served in a turn before others are. */
	STEPS_PER_TURN = 8,
	REQUEST_TIMEOUT = 408
};

/* -- life ---------------------------------------------------------------------------------------- */

bool conn_enter(struct http_server *server, const struct in6_addr *address)
{
	return proxies_trust(server->proxies, address) || peers_enter(server->peers, address);
}

void conn_leave(struct http_server *server, const struct in6_addr *address)
{
	if (!proxies_trust(server->proxies, address))
		peers_leave(server->peers, address);
}

void conn_new(struct http_server *server, int fd, const struct in6_addr *address)
{
	struct http_conn *conn = calloc(1, sizeof *conn);
	if (!conn || uv_poll_init_socket(server->loop, &conn->poll, fd) != 0) {
		free(conn);
		(void)close(fd);
		conn_leave(server, address);
		return;
	}
	conn->server = server;
	conn->poll.data = conn;
	conn->fd = fd;
	conn->address = *address;
	conn->out.max = HTTP_OUTPUT_MAX;
	conn->unconfirmed = UINT32_MAX;
	llhttp_init(&conn->parser, HTTP_REQUEST, &server->settings);
	conn->parser.data = conn;
	conn->next = server->conns;
	if (conn->next)
		conn->next->prev = conn;
	server->conns = conn;
	server->conn_count++;
	server->open_handles++;
	server_conns_changed(server);
	conn->wait = WAIT_HEAD; /* who connects and says nothing gets no longer than who says too little */
	deadline_set(&server->queues[WAIT_HEAD], &conn->deadline, server_now_ms(server));
	if (server->tls && !(conn->ssl = tls_accept(server->tls, fd)))
		conn->doomed = true;
	conn_turn(conn);
}

static void on_closed(uv_handle_t *handle)
{
	struct http_conn *conn = handle->data;
	struct http_server *server = conn->server;
	free(conn);
	server_handle_closed(server);
}

void conn_close(struct http_conn *conn)
{
	struct http_server *server = conn->server;
	conn->doomed = true;
	if (conn->request) {
		if (!conn->request->ended && conn->request->outcome == HTTP_OUTCOME_ANSWERED)
			conn->request->outcome = HTTP_OUTCOME_HUNG_UP;
		request_finish(conn->request);
	}
	ready_remove(conn);
	deadline_clear(&conn->deadline);
	if (conn->next)
		conn->next->prev = conn->prev;
	*(conn->prev ? &conn->prev->next : &server->conns) = conn->next;
	server->conn_count--;
	conn_leave(server, &conn->address);
	if (conn->ssl)
		tls_close(conn->ssl);
	uv_close((uv_handle_t *)&conn->poll, on_closed);
	(void)close(conn->fd);
	strbuf_done(&conn->out);
	free(conn->ahead);
	conn->ahead = NULL;
	server_conns_changed(server);
}

void conn_wait_anew(struct http_conn *conn)
{
	conn->wait = WAIT_NONE;
	deadline_clear(&conn->deadline);
}

size_t conn_waiting(const struct http_conn *conn)
{
	return conn->out.len - conn->out_sent;
}

/* -- the turn ------------------------------------------------------------------------------------ */

/* The end of an answer: the next request, or the end of the connection. */
static void end_request(struct http_conn *conn)
{
	bool keep = conn->request->keep_alive && !conn->server->draining;
	request_finish(conn->request);
	conn_wait_anew(conn);
	conn->state = keep ? CONN_IDLE : CONN_CLOSING;
}

static void start_linger(struct http_conn *conn)
{
	conn->state = CONN_LINGER;
	if (conn->ssl)
		tls_shutdown(conn->ssl);
	(void)shutdown(conn->fd, SHUT_WR);
	free(conn->ahead);
	conn->ahead = NULL;
	conn->ahead_len = 0;
}

/* Does what is due for the request under way; false where nothing is. */
static bool step_request(struct http_conn *conn)
{
	struct http_request *request = conn->request;
	/* Whoever asks with HEAD for events has what it asked for. */
	if (request->is_events && request->method == HTTP_METHOD_HEAD && !request->ended)
		response_end(request);
	if (request->ended && (request->complete || !request->keep_alive)) {
		end_request(conn);
		return true;
	}
	if (!request->wants_drained || request->ended || conn_waiting(conn) > 0)
		return false;
	request->wants_drained = false;
	request->on_drained(request);
	return true;
}

/* Does the next thing that is due, the request's first; false where nothing is. */
static bool step(struct http_conn *conn)
{
	if (conn->request && step_request(conn))
		return true;
	if (conn->state == CONN_CLOSING && conn_waiting(conn) == 0) {
		start_linger(conn);
		return false;
	}
	/* After a pause the parser may have to go on without a byte more. */
	if ((conn->ahead_len > 0 || (conn->parser_paused && conn->state == CONN_BODY)) && parse_may_go_on(conn)) {
		conn_parse_ahead(conn);
		return true;
	}
	return false;
}

static enum conn_wait current_wait(const struct http_conn *conn)
{
	if (conn->state == CONN_LINGER)
		return WAIT_LINGER;
	if (conn_waiting(conn) > 0 && conn->state != CONN_BODY)
		return WAIT_SEND;
	switch ((enum conn_state)conn->state) {
	case CONN_HEAD:
		return WAIT_HEAD;
	case CONN_IDLE:
		/* A connection's first request has the time of a head, from the beginning. */
		return conn->wait == WAIT_HEAD ? WAIT_HEAD : WAIT_REQUEST;
	case CONN_BODY:
		return conn->request->paused ? WAIT_NONE : WAIT_BODY;
	case CONN_ANSWER:
		return conn->request->is_events ? WAIT_EVENTS : WAIT_NONE;
	case CONN_AUTH:
	case CONN_CLOSING:
	case CONN_LINGER:
		break;
	}
	return WAIT_NONE;
}

static void set_deadline(struct http_conn *conn)
{
	enum conn_wait wait = current_wait(conn);
	bool renew = conn->progress && (wait == WAIT_BODY || wait == WAIT_SEND);
	conn->progress = false;
	if (wait == conn->wait && !renew)
		return;
	conn->wait = (uint8_t)wait;
	if (wait == WAIT_NONE)
		deadline_clear(&conn->deadline);
	else
		deadline_set(&conn->server->queues[wait], &conn->deadline, server_now_ms(conn->server));
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct http_conn *conn = poll->data;
	conn->in_turn = true;
	if (status < 0)
		conn->doomed = true;
	else if (events & UV_READABLE || conn->read_wants_write)
		conn_read(conn);
	conn_turn(conn);
}

static void watch_socket(struct http_conn *conn)
{
	unsigned events = conn_wants_to_read(conn) ? UV_READABLE : 0U;
	if (conn_waiting(conn) > 0 || conn->read_wants_write)
		events |= UV_WRITABLE;
	if (events == conn->polled)
		return;
	conn->polled = (uint8_t)events;
	int failed = events ? uv_poll_start(&conn->poll, (int)events, on_poll) : uv_poll_stop(&conn->poll);
	conn->doomed = conn->doomed || failed;
}

void conn_turn(struct http_conn *conn)
{
	bool more = true;
	conn->in_turn = true;
	for (int steps = 0; steps < STEPS_PER_TURN && more && !conn->doomed; steps++) {
		conn_flush(conn);
		more = !conn->doomed && step(conn);
	}
	if (!conn->doomed)
		watch_socket(conn);
	if (conn->doomed) {
		conn_close(conn);
		return;
	}
	set_deadline(conn);
	conn->in_turn = false;
	/* What TLS has read already does not show on the socket. */
	if (more || (conn->ssl && conn_wants_to_read(conn) && tls_has_pending(conn->ssl)))
		conn_ready(conn);
}

void conn_expired(struct http_conn *conn)
{
	conn->in_turn = true;
	switch ((enum conn_wait)conn->wait) {
	case WAIT_HEAD:
	case WAIT_BODY:
		if (conn->request && conn->request->status == 0)
			request_fail(conn->request, REQUEST_TIMEOUT, NULL, HTTP_OUTCOME_HUNG_UP);
		else
			conn->doomed = true;
		break;
	case WAIT_EVENTS:
		if (conn_waiting(conn) == 0)
			(void)http_stream_write(conn->request, ":\n\n", 3);
		break;
	case WAIT_SEND:
		conn->doomed = !conn_is_taking(conn);
		break;
	case WAIT_NONE:
	case WAIT_REQUEST:
	case WAIT_LINGER:
	case WAIT_COUNT:
		conn->doomed = true;
		break;
	}
	conn_wait_anew(conn);
	conn_turn(conn);
}
