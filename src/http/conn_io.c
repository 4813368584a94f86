/* A connection's bytes: from the socket to the parser, and from the output to the socket. */
#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "http/server_priv.h"

enum { MS_PER_S = 1000 };

/* -- reading ------------------------------------------------------------------------------------- */

static ssize_t receive(struct http_conn *conn, char *buffer, size_t len)
{
	if (conn->ssl)
		return tls_recv(conn->ssl, buffer, len, &conn->read_wants_write);
	return recv(conn->fd, buffer, len, 0);
}

bool conn_wants_to_read(const struct http_conn *conn)
{
	if (conn->doomed || conn->state == CONN_CLOSING)
		return false;
	if (conn->state == CONN_LINGER)
		return true;
	/* A body that is held back stays in the network; whoever waits for an answer is read a little, to see it hang
	 * up. */
	return !(conn->state == CONN_BODY && conn->request->paused) && conn->ahead_len < HTTP_AHEAD_BYTES;
}

/* Keeps bytes that cannot be parsed yet; they fit, because no more than there is room for is read. */
static void keep_ahead(struct http_conn *conn, const char *bytes, size_t len)
{
	if (len == 0)
		return;
	char *ahead = malloc(conn->ahead_len + len);
	if (!ahead) {
		conn->doomed = true;
		return;
	}
	if (conn->ahead_len > 0)
		memcpy(ahead, conn->ahead + conn->ahead_at, conn->ahead_len);
	memcpy(ahead + conn->ahead_len, bytes, len);
	free(conn->ahead);
	conn->ahead = ahead;
	conn->ahead_at = 0;
	conn->ahead_len += (uint32_t)len;
}

void conn_parse_ahead(struct http_conn *conn)
{
	char *ahead = conn->ahead;
	size_t used = parse_bytes(conn, ahead ? ahead + conn->ahead_at : "", conn->ahead_len);
	conn->ahead_at += (uint32_t)used;
	conn->ahead_len -= (uint32_t)used;
	if (conn->ahead_len == 0) {
		conn->ahead = NULL;
		conn->ahead_at = 0;
		free(ahead);
	}
}

static void take_bytes(struct http_conn *conn, const char *bytes, size_t len)
{
	if (conn->state == CONN_LINGER)
		return;
	size_t used = conn->ahead_len == 0 ? parse_bytes(conn, bytes, len) : 0;
	keep_ahead(conn, bytes + used, len - used);
	/* Asked for every byte, not only those of the body: chunk sizes and trailers can be dribbled too. */
	if (conn->state == CONN_BODY && !conn->request->paused && request_is_too_slow(conn->request))
		conn->doomed = true;
}

void conn_read(struct http_conn *conn)
{
	char *buffer = conn->server->buffer;
	for (int reads = 0; reads < HTTP_READS_PER_TURN && conn_wants_to_read(conn); reads++) {
		size_t room = HTTP_READ_BYTES;
		if (conn->state != CONN_LINGER && (conn->ahead_len > 0 || !parse_may_go_on(conn)))
			room = HTTP_AHEAD_BYTES - conn->ahead_len;
		ssize_t n = receive(conn, buffer, room);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			conn->doomed = true;
			return;
		}
		conn->progress = true;
		take_bytes(conn, buffer, (size_t)n);
		/* TLS hands out records, which are smaller than the buffer. */
		if ((size_t)n < room && !conn->ssl)
			return;
	}
}

/* -- sending ------------------------------------------------------------------------------------- */

static ssize_t transmit(struct http_conn *conn, const char *bytes, size_t len)
{
	if (conn->ssl)
		return tls_send(conn->ssl, bytes, len);
	return send(conn->fd, bytes, len, MSG_NOSIGNAL);
}

/* A client that takes a byte now and then holds memory and a connection for nothing. */
static void check_send_rate(struct http_conn *conn)
{
	const struct http_limits *limits = &conn->server->limits;
	uint64_t waited_ms = server_now_ms(conn->server) - conn->send_since_ms;
	if (waited_ms > limits->rate_grace_ms && conn->send_bytes * MS_PER_S < waited_ms * limits->min_rate)
		conn->doomed = true;
}

bool conn_is_taking(struct http_conn *conn)
{
	const struct http_limits *limits = &conn->server->limits;
	uint64_t least = (uint64_t)limits->send_idle_ms * limits->min_rate / MS_PER_S;
	int kept = 0;
	if (ioctl(conn->fd, SIOCOUTQ, &kept) != 0)
		return false;
	bool taking = (uint64_t)kept + (least ? least : 1) <= conn->unconfirmed;
	conn->unconfirmed = (uint32_t)kept;
	return taking;
}

/* An event stream may never run dry: what is sent must not stay in front of what waits. */
static void drop_sent(struct http_conn *conn)
{
	struct strbuf *out = &conn->out;
	if (conn->out_sent < conn_waiting(conn))
		return;
	out->len -= conn->out_sent;
	memmove(out->data, out->data + conn->out_sent, out->len + 1);
	conn->out_sent = 0;
}

void conn_flush(struct http_conn *conn)
{
	if (conn->out.failed) { /* no memory, or far too much was written */
		conn->doomed = true;
		return;
	}
	while (conn_waiting(conn) > 0) {
		ssize_t n = transmit(conn, conn->out.data + conn->out_sent, conn_waiting(conn));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (conn->send_since_ms == 0)
				conn->send_since_ms = server_now_ms(conn->server);
			check_send_rate(conn);
			drop_sent(conn);
			return;
		}
		if (n < 0) {
			conn->doomed = true;
			return;
		}
		conn->out_sent += (size_t)n;
		conn->send_bytes += (uint64_t)n;
		conn->unconfirmed = UINT32_MAX;
		conn->progress = true;
	}
	strbuf_done(&conn->out);
	conn->out_sent = 0;
	conn->send_since_ms = conn->send_bytes = 0;
}
