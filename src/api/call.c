#include "api/call.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "http/response.h"

enum { UNAVAILABLE = 503 };

static void on_gone(struct http_watch *watch)
{
	struct api_call *call = (struct api_call *)(void *)((char *)watch - offsetof(struct api_call, watch));
	call->request = NULL;
}

void *api_call_new(struct http_request *request, const struct api_call_kind *kind)
{
	struct api_call *call = calloc(1, kind->size);
	if (!call) {
		http_reply_error(request, UNAVAILABLE, NULL);
		return NULL;
	}
	call->request = request;
	call->api = api_of(request);
	call->kind = kind;
	call->watch.on_gone = on_gone;
	if (http_request_route(request)->scope != API_ANYBODY)
		call->user = *api_user(request);
	return call;
}

void api_call_drop(struct api_call *call)
{
	if (call->kind->done)
		call->kind->done(call);
	free(call);
}

static void run(struct http_work *work)
{
	struct api_call *call = (struct api_call *)work;
	struct err err = { .code = ERR_OK };
	if (call->kind->run(call, &err) != ERR_OK)
		call->err = err;
}

static void done(struct http_work *work)
{
	struct api_call *call = (struct api_call *)work;
	if (work->dropped)
		(void)err_set(&call->err, ERR_CANCELLED, "the server is stopping");
	if (call->request) {
		http_request_unwatch(call->request, &call->watch);
		if (call->err.code == ERR_OK)
			call->kind->reply(call);
		else if (call->kind->fail)
			call->kind->fail(call);
		else
			api_fail_err(call->request, &call->err);
	}
	api_call_drop(call);
}

static void prepare(struct api_call *call)
{
	call->work.run = run;
	call->work.done = done;
	http_request_watch(call->request, &call->watch);
}

void api_call_continue(struct api_call *call)
{
	prepare(call);
	http_pool_continue(call->api->pool, &call->work);
}

void api_call_start_in(struct api_call *call, struct http_pool *pool)
{
	struct err err;
	prepare(call);
	if (http_pool_submit(pool, &call->work, &err) == ERR_OK)
		return;
	http_request_unwatch(call->request, &call->watch);
	http_reply_error(call->request, UNAVAILABLE, err.message);
	api_call_drop(call);
}

void api_call_start(struct api_call *call)
{
	api_call_start_in(call, call->api->pool);
}

void api_call_start_with(struct api_call *call, const struct api_input *in)
{
	if (in->failed)
		api_call_drop(call);
	else
		api_call_start(call);
}
