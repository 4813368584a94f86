#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "http/form.h"
#include "http/multipart.h"
#include "http_server.h"

enum { BODY_MAX = 1024 * 1024 };

#define UPLOAD_MAX ((uint64_t)8 * 1024 * 1024 * 1024)

struct app *app_of(const struct http_request *request)
{
	return http_server_owner(http_request_server(request));
}

void reply_text(struct http_request *request, int status, const char *fmt, ...)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(1 << 20);
	va_list args;
	va_start(args, fmt);
	strbuf_vaddf(&text, fmt, args);
	va_end(args);
	http_reply_json(request, status, &text);
}

unsigned query_number(const struct http_request *request, const char *name, unsigned fallback)
{
	const char *text = http_request_query(request, name);
	return text ? (unsigned)strtoul(text, NULL, 10) : fallback;
}

void count_close(struct http_request *request, enum http_outcome outcome)
{
	app_of(request)->closed[outcome]++;
}

/* -- waiting in a thread --------------------------------------------------------------------------- */

struct waiter {
	struct http_work work;
	struct http_watch watch;
	struct http_request *request; /* NULL: gone */
	unsigned ms;
	void (*then)(struct http_request *request);
};

static void waiter_run(struct http_work *work)
{
	clock_sleep_us((int64_t)((struct waiter *)work)->ms * US_PER_MS);
}

static void waiter_done(struct http_work *work)
{
	struct waiter *w = (struct waiter *)work;
	if (w->request) {
		http_request_unwatch(w->request, &w->watch);
		w->then(w->request);
	}
	free(w);
}

static void waiter_gone(struct http_watch *watch)
{
	((struct waiter *)(void *)((char *)watch - offsetof(struct waiter, watch)))->request = NULL;
}

void wait_then(struct http_request *request, unsigned ms, void (*then)(struct http_request *request))
{
	struct waiter *w = calloc(1, sizeof *w);
	struct err err;
	if (!w)
		abort();
	*w = (struct waiter){ .work = { .run = waiter_run, .done = waiter_done },
			      .watch = { .on_gone = waiter_gone },
			      .request = request,
			      .ms = ms,
			      .then = then };
	if (http_pool_submit(app_of(request)->pool, &w->work, &err)) {
		free(w);
		http_reply_error(request, 503, err.message);
		return;
	}
	http_request_watch(request, &w->watch);
}

/* -- small answers ----------------------------------------------------------------------------------- */

static void health(struct http_request *request)
{
	static const char body[] =
		"{\"status\":\"ok\",\"version\":\"1.0\",\"uptime_seconds\":12345,\"workers\":4,\"queue\":"
		"{\"waiting\":0,\"running\":1,\"done\":99},\"engines\":[\"whisper\",\"tesseract\"],"
		"\"padding\":\"xxxxxxxxxxxxxxxxxxxxxxxxx\"}";
	http_reply(request, &(struct http_reply){ .status = 200,
						  .content_type = "application/json",
						  .body = body,
						  .body_len = sizeof body - 1 });
}

static void item(struct http_request *request)
{
	struct http_text id = http_request_param(request, "id");
	const char *q = http_request_query(request, "q");
	cleanup_strbuf struct strbuf out = STRBUF_INIT(1 << 20);
	struct json j = JSON_INIT(&out);
	char address[64];
	http_request_address(request, address, sizeof address);
	const struct form *query = http_request_query_fields(request);
	cleanup_strbuf struct strbuf fields = STRBUF_INIT(1 << 16);
	for (size_t i = 0; i < query->count; i++)
		strbuf_addf(&fields, "%s=%s ", query->fields[i].name, query->fields[i].value);
	http_add_header(request, "X-Fields", strbuf_str(&fields));
	json_object(&j);
	json_key(&j, "id");
	json_strn(&j, id.at, id.len);
	json_key_str(&j, "q", q ? q : "");
	json_key_str(&j, "address", address);
	json_object_end(&j);
	http_reply_json(request, 200, &out);
}

static void outcomes(struct http_request *request)
{
	const struct app *app = app_of(request);
	reply_text(request, 200, "{\"answered\":%u,\"hung_up\":%u,\"failed\":%u,\"connections\":%zu}", app->closed[0],
		   app->closed[1], app->closed[2], http_server_connections(app->server));
}

static void wait_start(struct http_request *request)
{
	wait_then(request, query_number(request, "ms", 100), health);
}

static void refuse_start(struct http_request *request)
{
	http_reply_error(request, 403, NULL);
}

static void header_start(struct http_request *request)
{
	const char *value = http_request_query(request, "value");
	const struct http_header headers[] = { { "X-Value", value ? value : "" }, { "Referrer-Policy", "origin" } };
	http_reply(request, &(struct http_reply){ .status = 204, .headers = headers, .header_count = 2 });
}

/* -- bodies ------------------------------------------------------------------------------------------ */

struct upload {
	struct multipart *multipart;
	uint64_t bytes;
	unsigned parts;
	struct err err;
	bool failed;
};

static enum err_code upload_part(void *owner, const struct multipart_part *part, struct err *err)
{
	(void)part, (void)err;
	((struct upload *)owner)->parts++;
	return ERR_OK;
}

static enum err_code upload_data(void *owner, const char *bytes, size_t len, struct err *err)
{
	(void)bytes, (void)err;
	((struct upload *)owner)->bytes += len;
	return ERR_OK;
}

static enum err_code upload_part_end(void *owner, struct err *err)
{
	(void)owner, (void)err;
	return ERR_OK;
}

static const struct multipart_ops upload_ops = { upload_part, upload_data, upload_part_end };

static void upload_start(struct http_request *request)
{
	struct upload *u = calloc(1, sizeof *u);
	const char *type = http_request_header(request, "content-type");
	if (!u)
		abort();
	http_request_set_context(request, u);
	if (type && strncmp(type, "multipart/", 10) == 0 && multipart_new(type, &upload_ops, u, &u->multipart, &u->err))
		http_reply_error(request, 400, u->err.message);
}

static void upload_body(struct http_request *request, const char *bytes, size_t len)
{
	struct upload *u = http_request_context(request);
	if (!u->multipart)
		u->bytes += len;
	else if (multipart_feed(u->multipart, bytes, len, &u->err))
		http_reply_error(request, u->err.code == ERR_TOO_BIG ? 413 : 400, u->err.message);
}

static void upload_end(struct http_request *request)
{
	struct upload *u = http_request_context(request);
	if (u->multipart && multipart_finish(u->multipart, &u->err))
		http_reply_error(request, 400, u->err.message);
	else
		reply_text(request, 200, "{\"bytes\":%" PRIu64 ",\"parts\":%u}", u->bytes, u->parts);
}

static void upload_close(struct http_request *request, enum http_outcome outcome)
{
	struct upload *u = http_request_context(request);
	count_close(request, outcome);
	multipart_free(u->multipart);
	free(u);
}

/* As upload, but after each piece the client is held back for some time. */
static void slow_body(struct http_request *request, const char *bytes, size_t len)
{
	upload_body(request, bytes, len);
	http_request_pause(request);
	wait_then(request, 5, http_request_resume);
}

static void echo_end(struct http_request *request)
{
	size_t len;
	const char *body = http_request_body(request, &len);
	http_reply(request, &(struct http_reply){
				    .status = 200, .content_type = "application/json", .body = body, .body_len = len });
}

static void form_end(struct http_request *request)
{
	size_t len;
	const char *body = http_request_body(request, &len);
	cleanup_form struct form form = { 0 };
	struct err err;
	if (form_parse(body, len, &form, &err)) {
		http_reply_error(request, 400, err.message);
		return;
	}
	reply_text(request, 200, "{\"fields\":%zu}", form.count);
}

/* -- the table --------------------------------------------------------------------------------------- */

/* Address and scheme of the client. */
static void who(struct http_request *request)
{
	char address[64];
	http_request_address(request, address, sizeof address);
	reply_text(request, 200, "%s %s", address, http_request_is_secure(request) ? "https" : "http");
}

static const struct http_handler who_handler = { .on_end = who };
static const struct http_handler health_handler = { .on_end = health };
static const struct http_handler item_handler = { .on_end = item };
static const struct http_handler outcomes_handler = { .on_end = outcomes };
static const struct http_handler wait_handler = { .on_start = wait_start, .on_close = count_close };
static const struct http_handler refuse_handler = { .on_start = refuse_start };
static const struct http_handler header_handler = { .on_start = header_start };
static const struct http_handler upload_handler = {
	.on_start = upload_start, .on_body = upload_body, .on_end = upload_end, .on_close = upload_close
};
static const struct http_handler slow_handler = {
	.on_start = upload_start, .on_body = slow_body, .on_end = upload_end, .on_close = upload_close
};
static const struct http_handler echo_handler = { .on_end = echo_end };
static const struct http_handler form_handler = { .on_end = form_end };

#define ANY (HTTP_BODY_BYTES | HTTP_BODY_MULTIPART)

const struct http_route test_routes[] = {
	{ HTTP_METHOD_GET, "/health", SCOPE_OPEN, 0, 0, &health_handler, "health", NULL },
	{ HTTP_METHOD_GET, "/items/{id}", SCOPE_OPEN, 0, 0, &item_handler, "item", NULL },
	{ HTTP_METHOD_GET, "/items/{id}/parts/{part}", SCOPE_OPEN, 0, 0, &item_handler, "part", NULL },
	{ HTTP_METHOD_GET, "/outcomes", SCOPE_OPEN, 0, 0, &outcomes_handler, "outcomes", NULL },
	{ HTTP_METHOD_GET, "/who", SCOPE_OPEN, 0, 0, &who_handler, "who", NULL },
	{ HTTP_METHOD_GET, "/wait", SCOPE_OPEN, 0, 0, &wait_handler, "wait", NULL },
	{ HTTP_METHOD_GET, "/header", SCOPE_OPEN, 0, 0, &header_handler, "header", NULL },
	{ HTTP_METHOD_GET, "/private", SCOPE_TOKEN, 0, 0, &health_handler, "private", NULL },
	{ HTTP_METHOD_POST, "/private/upload", SCOPE_TOKEN, ANY, UPLOAD_MAX, &upload_handler, "privateUpload", NULL },
	{ HTTP_METHOD_POST, "/refuse", SCOPE_OPEN, ANY, UPLOAD_MAX, &refuse_handler, "refuse", NULL },
	{ HTTP_METHOD_POST, "/upload", SCOPE_OPEN, ANY, UPLOAD_MAX, &upload_handler, "upload", NULL },
	{ HTTP_METHOD_POST, "/slow", SCOPE_OPEN, ANY, UPLOAD_MAX, &slow_handler, "slow", NULL },
	{ HTTP_METHOD_POST, "/echo", SCOPE_OPEN, HTTP_BODY_JSON, BODY_MAX, &echo_handler, "echo", NULL },
	{ HTTP_METHOD_PUT, "/echo", SCOPE_OPEN, HTTP_BODY_JSON | HTTP_BODY_EMPTY, BODY_MAX, &echo_handler, "put",
	  NULL },
	{ HTTP_METHOD_POST, "/form", SCOPE_OPEN, HTTP_BODY_FORM, BODY_MAX, &form_handler, "form", NULL },
	{ HTTP_METHOD_GET, "/stream", SCOPE_OPEN, 0, 0, &stream_handler, "stream", NULL },
	{ HTTP_METHOD_GET, "/file", SCOPE_OPEN, 0, 0, &file_handler, "file", NULL },
	{ HTTP_METHOD_GET, "/events", SCOPE_OPEN, 0, 0, &events_handler, "events", NULL },
	{ HTTP_METHOD_POST, "/events", SCOPE_OPEN, 0, 0, &tick_handler, "tick", NULL },
};
const size_t test_route_count = ARRAY_LEN(test_routes);
