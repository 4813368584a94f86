/* The connections that want a turn, in the order in which they asked. */
#include "http/server_priv.h"

void conn_ready(struct http_conn *conn)
{
	struct http_server *server = conn->server;
	if (conn->is_ready || conn->in_turn)
		return;
	conn->is_ready = true;
	conn->next_ready = NULL;
	*server->ready_end = conn;
	server->ready_end = &conn->next_ready;
	server->ready_count++;
}

void ready_remove(struct http_conn *conn)
{
	struct http_server *server = conn->server;
	if (!conn->is_ready)
		return;
	struct http_conn **place = &server->ready;
	while (*place != conn)
		place = &(*place)->next_ready;
	*place = conn->next_ready;
	if (server->ready_end == &conn->next_ready)
		server->ready_end = place;
	server->ready_count--;
	conn->is_ready = false;
}

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

/* None of these can fail: they only fill in their handle. */
void ready_init(struct http_server *server)
{
	server->ready_end = &server->ready;
	(void)uv_prepare_init(server->loop, &server->prepare);
	(void)uv_check_init(server->loop, &server->check);
	(void)uv_idle_init(server->loop, &server->spin);
	server->prepare.data = server->check.data = server->spin.data = server;
	(void)uv_prepare_start(&server->prepare, on_prepare);
	(void)uv_check_start(&server->check, on_check);
	/* A loop without other work may end. */
	uv_unref((uv_handle_t *)&server->prepare);
	uv_unref((uv_handle_t *)&server->check);
}
