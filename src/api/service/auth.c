/* /auth: register, log in, refresh. */
#include "api/service/service.h"
#include "api/sign_in.h"
#include "base/secret.h"

enum { OK = 200, CREATED = 201 };

static void reply_session(struct api_call *call, int status)
{
	const struct session *session = &((const struct sign_in *)call)->session;
	cleanup_strbuf struct strbuf body = STRBUF_INIT(SERVICE_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	json_object(&j);
	json_key_str(&j, "access_token", session->access);
	json_key_str(&j, "refresh_token", session->refresh);
	json_key_str(&j, "token_type", "bearer");
	json_key_int(&j, "expires_in", session->expires_in_s);
	json_object_end(&j);
	api_answer(call->request, status, &body);
	secret_wipe(body.data, body.len);
}

static void reply_ok(struct api_call *call)
{
	reply_session(call, OK);
}

static void reply_created(struct api_call *call)
{
	reply_session(call, CREATED);
}

#define KIND(what, reply_with, fail_with)                                                                              \
	{                                                                                                              \
		.size = sizeof(struct sign_in), .run = sign_in_run_##what, .reply = (reply_with), .fail = (fail_with), \
		.done = sign_in_done                                                                                   \
	}

static const struct api_call_kind register_kind = KIND(register, reply_created, sign_in_fail_register);
static const struct api_call_kind log_in_kind = KIND(log_in, reply_ok, sign_in_fail_token);
static const struct api_call_kind refresh_kind = KIND(refresh, reply_ok, sign_in_fail_token);

static void on_register(struct http_request *request)
{
	sign_in_register(request, &register_kind);
}

static void on_log_in(struct http_request *request)
{
	sign_in_log_in(request, &log_in_kind);
}

static void on_refresh(struct http_request *request)
{
	sign_in_with_token(request, &refresh_kind, "refresh_token");
}

const struct http_handler service_register = { .on_end = on_register };
const struct http_handler service_log_in = { .on_end = on_log_in };
const struct http_handler service_refresh = { .on_end = on_refresh };
