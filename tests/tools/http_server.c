/*
 * Usage: http_server ADDRESS [NAME=VALUE...]
 *
 * Names are those of struct http_limits, and certificate=, key= (TLS), proxies= (that are trusted), log= (a file for
 * the access log, written 64 KiB at a time). Prints its port; SIGTERM drains.
 */
#include "http_server.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "base/cleanup.h"
#include "base/json.h"

enum { LOG_BYTES = 64 * 1024, POOL_THREADS = 4, POOL_WAITING = 64, DRAIN_MS = 3000, TOKEN_MS = 50 };

static const struct {
	const char *name;
	size_t offset;
} limit_names[] = {
#define X(name)                                                                                                        \
	{                                                                                                              \
#name, offsetof(struct http_limits, name)                                                              \
	}
	X(head_ms),   X(keep_alive_ms), X(body_idle_ms),     X(send_idle_ms), X(rate_grace_ms),
	X(min_rate),  X(linger_ms),	X(event_comment_ms), X(connections),  X(per_address),
	X(url_bytes), X(head_bytes),	X(headers),	     X(stream_bytes)
#undef X
};

struct options {
	struct http_limits limits;
	const char *certificate;
	const char *key;
	const char *log;
	const char *proxies;
};

static enum http_auth authenticate(void *owner, struct http_request *request, int scope)
{
	(void)owner;
	const char *token = http_request_header(request, "authorization");
	if (http_request_route(request)->handler == &file_handler || scope == SCOPE_TOKEN)
		http_add_header(request, "X-RateLimit-Remaining", "999");
	if (scope == SCOPE_OPEN || (token && strcmp(token, "Bearer good") == 0))
		return HTTP_AUTH_ADMIT;
	if (token && strcmp(token, "Bearer later") == 0) {
		wait_then(request, TOKEN_MS, http_request_admit);
		return HTTP_AUTH_LATER;
	}
	const struct http_header challenge = { "WWW-Authenticate", "Bearer" };
	http_reply_error_with(request, 401, NULL, &challenge);
	return HTTP_AUTH_ANSWERED;
}

/* Below /items errors have a shape of their own. */
static void shape_error(void *owner, struct http_error *error)
{
	(void)owner;
	struct json j = JSON_INIT(error->body);
	json_object(&j);
	json_key_str(&j, strncmp(error->path, "/items", 6) == 0 ? "item_error" : "error", error->message);
	json_key_int(&j, "status", error->status);
	json_object_end(&j);
}

static void on_access(void *owner, const struct http_access *access)
{
	(void)fprintf(((struct app *)owner)->log, "%s %s %d hung_up=%d in=%llu out=%llu id=%s\n",
		      http_method_name(access->method), access->pattern, access->status, access->hung_up,
		      (unsigned long long)access->received_bytes, (unsigned long long)access->sent_bytes,
		      access->request_id);
}

static void on_drained(void *owner)
{
	uv_stop(((struct app *)owner)->loop);
}

static void on_signal(uv_signal_t *signal, int number)
{
	(void)number;
	http_server_drain(((struct app *)signal->data)->server, DRAIN_MS);
}

static bool read_option(struct options *options, const char *text)
{
	const char *value = strchr(text, '=');
	if (!value)
		return false;
	size_t len = (size_t)(value++ - text);
	if (strncmp(text, "certificate", len) == 0)
		options->certificate = value;
	else if (strncmp(text, "key", len) == 0)
		options->key = value;
	else if (strncmp(text, "log", len) == 0)
		options->log = value;
	else if (strncmp(text, "proxies", len) == 0)
		options->proxies = value;
	for (size_t i = 0; i < ARRAY_LEN(limit_names); i++) {
		uint32_t number = (uint32_t)strtoul(value, NULL, 10);
		if (strlen(limit_names[i].name) == len && strncmp(limit_names[i].name, text, len) == 0)
			memcpy((char *)&options->limits + limit_names[i].offset, &number, sizeof number);
	}
	return true;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static enum err_code serve(const char *address, const struct options *options, struct err *err)
{
	static const struct http_header headers[] = { { "X-Content-Type-Options", "nosniff" },
						      { "X-Frame-Options", "DENY" },
						      { "Referrer-Policy", "no-referrer" } };
	const struct http_server_ops ops = { authenticate, shape_error, options->log ? on_access : NULL, on_drained };
	uv_loop_t loop;
	uv_signal_t term;
	struct app app = { .loop = &loop };
	if (options->log && !(app.log = fopen(options->log, "w")))
		return err_set_errno(err, ERR_IO, errno, "could not open \"%s\"", options->log);
	if (app.log)
		(void)setvbuf(app.log, NULL, _IOFBF, LOG_BYTES);
	struct http_router *router = NULL;
	struct proxies *proxies = NULL;
	struct http_server_spec spec = { .loop = &loop,
					 .ops = &ops,
					 .owner = &app,
					 .limits = options->limits,
					 .headers = headers,
					 .header_count = ARRAY_LEN(headers) };
	(void)uv_loop_init(&loop);
	enum err_code code = http_router_new(test_routes, test_route_count, &router, err);
	spec.router = router;
	if (!code && options->proxies)
		code = proxies_new(options->proxies, &proxies, err);
	spec.proxies = proxies;
	if (!code && options->certificate)
		code = http_tls_new(options->certificate, options->key, &spec.tls, err);
	if (!code)
		code = http_pool_new(&loop, POOL_THREADS, POOL_WAITING, &app.pool, err);
	if (!code)
		code = http_server_new(&spec, &app.server, err);
	if (!code)
		code = http_server_listen(app.server, address, err);
	if (!code) {
		(void)uv_signal_init(&loop, &term);
		term.data = &app;
		(void)uv_signal_start(&term, on_signal, SIGTERM);
		(void)printf("%u\n", http_server_port(app.server));
		(void)fflush(stdout);
		(void)uv_run(&loop, UV_RUN_DEFAULT);
	}
	http_server_free(app.server);
	http_pool_free(app.pool);
	http_router_free(router);
	http_tls_free(spec.tls);
	proxies_free(proxies);
	if (app.log)
		(void)fclose(app.log);
	uv_walk(&loop, close_handle, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop);
	return code;
}

int main(int argc, char **argv)
{
	struct options options = { .limits = http_limits_default() };
	struct rlimit files;
	struct err err;
	if (argc < 2)
		return 2;
	for (int i = 2; i < argc; i++) {
		if (!read_option(&options, argv[i]))
			return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (serve(argv[1], &options, &err)) {
		(void)fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	return 0;
}
