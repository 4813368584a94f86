/* Calls that are one unit of work. */
#include "api/gateway/gateway.h"
#include "base/clock.h"

enum { FORBIDDEN = 403 };

void *gateway_call_new(struct http_request *request, const struct api_call_kind *kind, enum db_mode mode,
		       gateway_unit *unit)
{
	struct gateway_call *c = api_call_new(request, kind);
	if (c) {
		c->mode = mode;
		c->unit = unit;
	}
	return c;
}

enum err_code gateway_run(struct api_call *call, struct err *err)
{
	struct gateway_call *c = (struct gateway_call *)call;
	struct db_work work = { .mode = c->mode, .run = c->unit, .arg = c };
	c->now_us = clock_wall_us();
	return db_run(call->api->files->db, &work, err);
}

void gateway_fail(struct api_call *call)
{
	if (call->err.code != ERR_TOO_BIG) {
		api_fail_err(call->request, &call->err);
		return;
	}
	api_fail(call->request,
		 &(struct api_problem){ .status = FORBIDDEN, .code = "limit_reached", .message = call->err.message });
}
