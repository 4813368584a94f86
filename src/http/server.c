#include "http/server.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "http/server_priv.h"

enum {
	/* How late a time-out may be noticed; also how long a listener rests when descriptors have run out. */
	SWEEP_MS = 100,
	MS_PER_S = 1000
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
	listeners_wake(server);
	if (server->draining && now_ms >= server->drain_until_ms)
		close_all(server);
	tell_drained(server);
	if (server->conn_count == 0 && !listeners_rest(server)) {
		(void)uv_timer_stop(timer);
		server->swept = false;
	}
}

/* The timer runs only while there is something to wait for: a server without clients sleeps. */
void server_start_sweep(struct http_server *server)
{
	if (!server->swept)
		(void)uv_timer_start(&server->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	server->swept = true;
}

void server_conns_changed(struct http_server *server)
{
	if (server->conn_count > 0 || server->draining)
		server_start_sweep(server);
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

static void init_handles(struct http_server *server)
{
	ready_init(server);
	(void)uv_timer_init(server->loop, &server->sweep);
	server->sweep.data = server;
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
	server->proxies = spec->proxies;
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

static void stop_events(struct http_request *request)
{
	const struct http_handler *handler = request->route->handler;
	if (handler->on_stopping)
		handler->on_stopping(request);
	else
		http_stream_end(request);
}

void http_server_drain(struct http_server *server, uint32_t timeout_ms)
{
	server->draining = true;
	server->drain_until_ms = server_now_ms(server) + timeout_ms;
	listeners_close(server);
	struct http_conn *next;
	for (struct http_conn *conn = server->conns; conn; conn = next) {
		next = conn->next;
		if (conn->state == CONN_IDLE && conn_waiting(conn) == 0)
			conn_close(conn);
		else if (conn->request && conn->request->is_events && !conn->request->ended)
			stop_events(conn->request);
	}
	server_start_sweep(server);
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	listeners_close(server);
	close_all(server);
	uv_handle_t *own[] = { (uv_handle_t *)&server->prepare, (uv_handle_t *)&server->check,
			       (uv_handle_t *)&server->spin, (uv_handle_t *)&server->sweep };
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		uv_close(own[i], on_handle_closed);
	while (server->open_handles > 0)
		(void)uv_run(server->loop, UV_RUN_ONCE);
	free_memory(server);
}
