/* Where connections come from: listening sockets, and sockets that the owner hands over. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "http/server_priv.h"

enum { ACCEPTS_PER_TURN = 64, BACKLOG = 1024 };

struct listener {
	uv_poll_t poll;
	struct http_server *server;
	struct listener *next;
	int fd;
	uint16_t port;
	bool resting; /* no descriptor was free: the sweep wakes it */
};

static void admit_socket(struct http_server *server, int fd, const struct sockaddr *from)
{
	int on = 1;
	const struct in6_addr address = peer_address(from);
	bool full = server->conn_count >= server->limits.connections;
	if (full || !conn_enter(server, &address)) {
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
			server_start_sweep(l->server);
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

/* A port in decimal, all of the text. */
static bool parse_port(const char *text, uint16_t *ret)
{
	char *end;
	if (text[0] < '0' || text[0] > '9')
		return false;
	unsigned long port = strtoul(text, &end, 10);
	*ret = (uint16_t)port;
	return *end == '\0' && port <= UINT16_MAX;
}

/* Splits "1.2.3.4:80" or "[::1]:80" and makes a socket's address of it. */
static bool parse_address(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	char host[INET6_ADDRSTRLEN];
	uint16_t port;
	bool is_v6 = text[0] == '[';
	const char *start = text + is_v6, *stop = is_v6 ? strstr(start, "]:") : strchr(start, ':');
	if (!stop || (size_t)(stop - start) >= sizeof host || !parse_port(stop + (is_v6 ? 2 : 1), &port))
		return false;
	memcpy(host, start, (size_t)(stop - start));
	host[stop - start] = '\0';
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	if (inet_pton(is_v6 ? AF_INET6 : AF_INET, host, is_v6 ? (void *)&v6.sin6_addr : &v4.sin_addr) != 1)
		return false;
	memset(ret, 0, sizeof *ret);
	*ret_len = is_v6 ? sizeof v6 : sizeof v4;
	memcpy(ret, is_v6 ? (const void *)&v6 : &v4, *ret_len);
	return true;
}

static enum err_code open_listener(const char *address, int *ret_fd, uint16_t *ret_port, struct err *err)
{
	struct sockaddr_storage where;
	socklen_t len;
	int on = 1;
	if (!parse_address(address, &where, &len))
		return err_set(err, ERR_INVALID,
			       "\"%s\" is no address to listen on; write 127.0.0.1:8080, 0.0.0.0:8080 or [::]:8080",
			       address);
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

void listeners_wake(struct http_server *server)
{
	for (struct listener *l = server->listeners; l; l = l->next) {
		if (l->resting && uv_poll_start(&l->poll, UV_READABLE, on_connection) == 0)
			l->resting = false;
	}
}

bool listeners_rest(const struct http_server *server)
{
	for (const struct listener *l = server->listeners; l; l = l->next) {
		if (l->resting)
			return true;
	}
	return false;
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;
	server_handle_closed(l->server);
	free(l);
}

void listeners_close(struct http_server *server)
{
	while (server->listeners) {
		struct listener *l = server->listeners;
		server->listeners = l->next;
		uv_close((uv_handle_t *)&l->poll, on_listener_closed);
		(void)close(l->fd);
	}
}
