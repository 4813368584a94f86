#include "http/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "http/server_priv.h"

enum {
	ACCEPTS_PER_TURN = 64,
	BACKLOG = 1024,
	/* How late a time-out may be noticed; also how long a listener rests when descriptors have run out. */
	SWEEP_MS = 100,
	MS_PER_S = 1000
};

struct listener {
	uv_poll_t poll;
	struct http_server *server;
	struct listener *next;
	int fd;
	uint16_t port;
	bool resting; /* no descriptor was free: the sweep wakes it */
};

struct http_limits http_limits_default(void)
{
	return (struct http_limits){ .head_ms = HTTP_HEAD_MS,
				     .keep_alive_ms = HTTP_KEEP_ALIVE_MS,
				     .body_idle_ms = HTTP_BODY_IDLE_MS,
				     .send_idle_ms = HTTP_SEND_IDLE_MS,
				     .rate_grace_ms = HTTP_RATE_GRACE_MS,
				     .min_rate = HTTP_MIN_RATE,
				     .linger_ms = HTTP_LINGER_MS,
				     .event_comment_ms = HTTP_EVENT_COMMENT_MS,
				     .connections = HTTP_CONNECTIONS,
				     .per_address = HTTP_PER_ADDRESS,
				     .url_bytes = HTTP_URL_MAX,
				     .head_bytes = HTTP_HEAD_MAX,
				     .headers = HTTP_HEADERS_MAX,
				     .stream_bytes = HTTP_STREAM_MAX };
}

/* -- small services ------------------------------------------------------------------------------ */

uint64_t server_now_ms(const struct http_server *server)
{
	return uv_now(server->loop);
}

const char *server_date(struct http_server *server)
{
	int64_t now_s = (int64_t)(server_now_ms(server) / MS_PER_S);
	if (now_s != server->date_s) {
		time_t wall = time(NULL);
		struct tm tm;
		server->date_s = now_s;
		(void)strftime(server->date, sizeof server->date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&wall, &tm));
	}
	return server->date;
}

void server_make_id(struct http_server *server, char ret[HTTP_REQUEST_ID_MAX + 1])
{
	static const char digits[] = "0123456789abcdef";
	enum { ID_BYTES = 16 };
	if (server->random_left < ID_BYTES &&
	    getrandom(server->random, sizeof server->random, 0) == (ssize_t)sizeof server->random)
		server->random_left = sizeof server->random;
	for (size_t i = 0; i < ID_BYTES; i++) {
		uint8_t byte = server->random_left ? server->random[--server->random_left] : 0;
		ret[2 * i] = digits[byte >> 4];
		ret[2 * i + 1] = digits[byte & 15];
	}
	ret[2 * ID_BYTES] = '\0';
}

void *http_server_owner(const struct http_server *server)
{
	return server->owner;
}

size_t http_server_connections(const struct http_server *server)
{
	return server->conn_count;
}

void server_handle_closed(struct http_server *server)
{
	server->open_handles--;
}

/* -- the ready list ------------------------------------------------------------------------------ */

/* Only there to keep the loop from waiting, once. */
static void on_spin(uv_idle_t *spin)
{
	(void)uv_idle_stop(spin);
}

/* Gives a turn to each connection that wanted one before now; what they ask for meanwhile is for the next time, for
 * which the loop must not wait. */
static void run_ready(struct http_server *server)
{
	for (size_t turns = server->ready_count; turns > 0 && server->ready; turns--) {
		struct http_conn *conn = server->ready;
		server->ready = conn->next_ready;
		server->ready_count--;
		if (!server->ready)
			server->ready_end = &server->ready;
		conn->is_ready = false;
		conn->in_turn = true;
		if (conn->ssl && tls_has_pending(conn->ssl))
			conn_read(conn);
		conn_turn(conn);
	}
	if (server->ready)
		(void)uv_idle_start(&server->spin, on_spin);
}

static void on_prepare(uv_prepare_t *prepare)
{
	run_ready(prepare->data);
}

static void on_check(uv_check_t *check)
{
	run_ready(check->data);
}

/* -- time-outs ----------------------------------------------------------------------------------- */

static void tell_drained(struct http_server *server)
{
	if (!server->draining || server->drained || server->conn_count > 0)
		return;
	server->drained = true;
	if (server->ops->on_drained)
		server->ops->on_drained(server->owner);
}

static void close_all(struct http_server *server)
{
	while (server->conns)
		conn_close(server->conns);
}

static void on_connection(uv_poll_t *poll, int status, int events);

static void wake_listeners(struct http_server *server)
{
	for (struct listener *l = server->listeners; l; l = l->next) {
		if (l->resting && uv_poll_start(&l->poll, UV_READABLE, on_connection) == 0)
			l->resting = false;
	}
}

static bool has_resting(const struct http_server *server)
{
	for (const struct listener *l = server->listeners; l; l = l->next) {
		if (l->resting)
			return true;
	}
	return false;
}

static void on_sweep(uv_timer_t *timer)
{
	struct http_server *server = timer->data;
	uint64_t now_ms = server_now_ms(server);
	for (int wait = WAIT_NONE + 1; wait < WAIT_COUNT; wait++) {
		struct deadline *expired;
		while ((expired = deadline_expired(&server->queues[wait], now_ms)))
			conn_expired(
				(struct http_conn *)(void *)((char *)expired - offsetof(struct http_conn, deadline)));
	}
	wake_listeners(server);
	if (server->draining && now_ms >= server->drain_until_ms)
		close_all(server);
	tell_drained(server);
	if (server->conn_count == 0 && !has_resting(server)) {
		(void)uv_timer_stop(timer);
		server->swept = false;
	}
}

/* The timer runs only while there is something to wait for: a server without clients sleeps. */
static void start_sweep(struct http_server *server)
{
	if (!server->swept)
		(void)uv_timer_start(&server->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	server->swept = true;
}

void server_conns_changed(struct http_server *server)
{
	if (server->conn_count > 0 || server->draining)
		start_sweep(server);
}

/* -- accepting ----------------------------------------------------------------------------------- */

static void admit_socket(struct http_server *server, int fd, const struct sockaddr *from)
{
	int on = 1;
	const struct in6_addr address = peer_address(from);
	bool full = server->conn_count >= server->limits.connections;
	if (full || !peers_enter(server->peers, &address)) {
		(void)close(fd);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	conn_new(server, fd, &address);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;
	(void)status, (void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof from;
		int fd = accept4(l->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			admit_socket(l->server, fd, (const struct sockaddr *)&from);
			continue;
		}
		/* Out of descriptors or memory the socket stays readable: looking again at once would take a whole
		 * core. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			(void)uv_poll_stop(&l->poll);
			l->resting = true;
			start_sweep(l->server);
		}
		return;
	}
}

enum err_code http_server_adopt(struct http_server *server, int fd, struct err *err)
{
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof from;
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not take over a socket");
	(void)getpeername(fd, (struct sockaddr *)&from, &len);
	admit_socket(server, fd, (const struct sockaddr *)&from);
	return ERR_OK;
}

/* Splits "1.2.3.4:80" or "[::1]:80" and makes a socket's address of it. */
static enum err_code parse_address(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len, struct err *err)
{
	char host[INET6_ADDRSTRLEN + 1];
	const char *colon = strrchr(text, ':');
	bool brackets = text[0] == '[' && colon && colon > text + 1 && colon[-1] == ']';
	size_t len = colon ? (size_t)(colon - text) - (brackets ? 2 : 0) : sizeof host;
	char *end = NULL;
	unsigned long port = colon && colon[1] >= '0' && colon[1] <= '9' ? strtoul(colon + 1, &end, 10) : 0;
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	if (len < sizeof host && end && *end == '\0' && port <= UINT16_MAX) {
		memcpy(host, text + (brackets ? 1 : 0), len);
		host[len] = '\0';
		memset(ret, 0, sizeof *ret);
		if (brackets && inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
			memcpy(ret, &v6, *ret_len = sizeof v6);
			return ERR_OK;
		}
		if (!brackets && inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
			memcpy(ret, &v4, *ret_len = sizeof v4);
			return ERR_OK;
		}
	}
	return err_set(err, ERR_INVALID,
		       "\"%s\" is no address to listen on; write 127.0.0.1:8080, 0.0.0.0:8080 or [::]:8080", text);
}

static enum err_code open_listener(const char *address, int *ret_fd, uint16_t *ret_port, struct err *err)
{
	struct sockaddr_storage where;
	socklen_t len;
	int on = 1;
	enum err_code code = parse_address(address, &where, &len, err);
	if (code)
		return code;
	cleanup_close int fd = socket(where.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not make a socket for \"%s\"", address);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (const struct sockaddr *)&where, len) != 0 || listen(fd, BACKLOG) != 0)
		return err_set_errno(err, ERR_UNAVAILABLE, errno, "could not listen on \"%s\"", address);
	len = sizeof where;
	if (getsockname(fd, (struct sockaddr *)&where, &len) != 0)
		return err_set_errno(err, ERR_SYSTEM, errno, "could not listen on \"%s\"", address);
	/* The port is at the same place in both kinds of address. */
	*ret_port = ntohs(((const struct sockaddr_in *)&where)->sin_port);
	*ret_fd = steal_fd(&fd);
	return ERR_OK;
}

enum err_code http_server_listen(struct http_server *server, const char *address, struct err *err)
{
	cleanup_free struct listener *l = calloc(1, sizeof *l);
	cleanup_close int fd = -1;
	if (!l)
		return err_set(err, ERR_NO_MEMORY, "no memory for a listener");
	enum err_code code = open_listener(address, &fd, &l->port, err);
	if (code)
		return code;
	int failed = uv_poll_init_socket(server->loop, &l->poll, fd);
	if (failed)
		return err_set_errno(err, ERR_SYSTEM, -failed, "could not listen on \"%s\"", address);
	struct listener *kept = steal_ptr(&l);
	kept->fd = steal_fd(&fd);
	kept->server = server;
	kept->poll.data = kept;
	server->open_handles++;
	struct listener **place = &server->listeners;
	while (*place)
		place = &(*place)->next;
	*place = kept;
	(void)uv_poll_start(&kept->poll, UV_READABLE, on_connection);
	return ERR_OK;
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->listeners ? server->listeners->port : 0;
}

/* -- life ---------------------------------------------------------------------------------------- */

static enum err_code copy_headers(struct http_server *server, const struct http_server_spec *spec, struct err *err)
{
	server->headers = calloc(spec->header_count + 1, sizeof *server->headers);
	server->fixed.max = spec->limits.head_bytes;
	for (size_t i = 0; server->headers && i < spec->header_count; i++) {
		struct http_header *copy = &server->headers[server->header_count++];
		copy->name = strdup(spec->headers[i].name);
		copy->value = strdup(spec->headers[i].value);
		if (!copy->name || !copy->value)
			break;
		strbuf_addf(&server->fixed, "%s: %s\r\n", copy->name, copy->value);
	}
	bool whole = server->headers && server->header_count == spec->header_count &&
		     (server->header_count == 0 || server->headers[server->header_count - 1].value);
	if (!whole)
		return err_set(err, ERR_NO_MEMORY, "no memory for a server");
	return strbuf_check(&server->fixed, "the headers of every answer", err);
}

static void free_memory(struct http_server *server)
{
	for (size_t i = 0; i < server->header_count; i++) {
		free((void *)(uintptr_t)server->headers[i].name);
		free((void *)(uintptr_t)server->headers[i].value);
	}
	free(server->headers);
	strbuf_done(&server->fixed);
	peers_free(server->peers);
	free(server->buffer);
	free(server);
}

/* None of these can fail: they only fill in their handle. */
static void init_handles(struct http_server *server)
{
	uv_loop_t *loop = server->loop;
	(void)uv_prepare_init(loop, &server->prepare);
	(void)uv_check_init(loop, &server->check);
	(void)uv_idle_init(loop, &server->spin);
	(void)uv_timer_init(loop, &server->sweep);
	server->prepare.data = server->check.data = server->spin.data = server->sweep.data = server;
	(void)uv_prepare_start(&server->prepare, on_prepare);
	(void)uv_check_start(&server->check, on_check);
	/* A loop without other work may end. */
	uv_unref((uv_handle_t *)&server->prepare);
	uv_unref((uv_handle_t *)&server->check);
	server->open_handles = 4;
}

enum err_code http_server_new(const struct http_server_spec *spec, struct http_server **ret, struct err *err)
{
	assert(spec->ops->authenticate);
	const struct http_limits *limits = &spec->limits;
	const uint32_t spans_ms[WAIT_COUNT] = {
		[WAIT_HEAD] = limits->head_ms,	    [WAIT_REQUEST] = limits->keep_alive_ms,
		[WAIT_BODY] = limits->body_idle_ms, [WAIT_SEND] = limits->send_idle_ms,
		[WAIT_LINGER] = limits->linger_ms,  [WAIT_EVENTS] = limits->event_comment_ms
	};
	struct http_server *server = calloc(1, sizeof *server);
	if (!server)
		return err_set(err, ERR_NO_MEMORY, "no memory for a server");
	server->loop = spec->loop;
	server->router = spec->router;
	server->ops = spec->ops;
	server->owner = spec->owner;
	server->limits = *limits;
	server->tls = spec->tls;
	server->date_s = -1;
	server->ready_end = &server->ready;
	for (size_t i = 0; i < WAIT_COUNT; i++)
		deadline_queue_init(&server->queues[i], spans_ms[i]);
	parse_settings_init(&server->settings);
	server->buffer = malloc(HTTP_READ_BYTES);
	enum err_code code = peers_new(limits->per_address, &server->peers, err);
	if (!code && !server->buffer)
		code = err_set(err, ERR_NO_MEMORY, "no memory for a server");
	if (!code)
		code = copy_headers(server, spec, err);
	if (code) {
		free_memory(server);
		return code;
	}
	init_handles(server);
	*ret = server;
	return ERR_OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
	server_handle_closed(handle->data);
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;
	server_handle_closed(l->server);
	free(l);
}

static void close_listeners(struct http_server *server)
{
	while (server->listeners) {
		struct listener *l = server->listeners;
		server->listeners = l->next;
		uv_close((uv_handle_t *)&l->poll, on_listener_closed);
		(void)close(l->fd);
	}
}

void http_server_drain(struct http_server *server, uint32_t timeout_ms)
{
	server->draining = true;
	server->drain_until_ms = server_now_ms(server) + timeout_ms;
	close_listeners(server);
	struct http_conn *next;
	for (struct http_conn *conn = server->conns; conn; conn = next) {
		next = conn->next;
		if (conn->state == CONN_IDLE && conn_waiting(conn) == 0)
			conn_close(conn);
		else if (conn->request && conn->request->is_events && !conn->request->ended)
			http_stream_end(conn->request);
	}
	start_sweep(server);
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	close_listeners(server);
	close_all(server);
	uv_handle_t *own[] = { (uv_handle_t *)&server->prepare, (uv_handle_t *)&server->check,
			       (uv_handle_t *)&server->spin, (uv_handle_t *)&server->sweep };
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		uv_close(own[i], on_handle_closed);
	while (server->open_handles > 0)
		(void)uv_run(server->loop, UV_RUN_ONCE);
	free_memory(server);
}
