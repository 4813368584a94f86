/* /api/auth: register, log in, refresh, log out, and who one is. */
#include <string.h>

#include "api/gateway/gateway.h"
#include "api/sign_in.h"
#include "base/clock.h"
#include "base/secret.h"

enum { OK = 200, CREATED = 201 };

static void write_user(struct json *j, const struct user *user)
{
	json_object(j);
	api_key_id(j, "id", &user->id);
	json_key_str(j, "email", user->email);
	json_key_str(j, "username", user->username);
	json_key_str(j, "phone", user->phone);
	json_key_str(j, "first_name", user->first_name);
	json_key_str(j, "last_name", user->last_name);
	json_key(j, "roles");
	json_array(j);
	for (int i = 0; i < ROLES; i++) {
		if (roles_have(user->roles, (enum role)i))
			json_str(j, role_name((enum role)i));
	}
	json_array_end(j);
	json_key_str(j, "plan", user->plan);
	api_key_time(j, "created_at", user->created_us);
	json_object_end(j);
}

/* -- sessions ---------------------------------------------------------------------------------------- */

static void reply_session(struct api_call *call, int status)
{
	const struct session *session = &((const struct sign_in *)call)->session;
	cleanup_strbuf struct strbuf body = STRBUF_INIT(GATEWAY_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	json_object(&j);
	json_key_str(&j, "access", session->access);
	json_key_str(&j, "refresh", session->refresh);
	json_key(&j, "user");
	write_user(&j, &session->user);
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
	sign_in_with_token(request, &refresh_kind, "refresh");
}

const struct http_handler gateway_register = { .on_end = on_register };
const struct http_handler gateway_log_in = { .on_end = on_log_in };
const struct http_handler gateway_refresh = { .on_end = on_refresh };

/* -- log out ----------------------------------------------------------------------------------------- */

static enum err_code run_log_out(struct api_call *call, struct err *err)
{
	const char *token = ((const struct sign_in *)call)->token;
	struct session_refresh refresh;
	struct db_work work = { .mode = DB_WRITE, .run = session_end_run, .arg = &refresh };
	if (session_refresh_begin(accounts_policy(call->api->accounts), token, strlen(token), clock_wall_us(), &refresh,
				  err) != ERR_OK)
		return err->code;
	return db_run(call->api->files->db, &work, err);
}

static void reply_logged_out(struct api_call *call)
{
	cleanup_strbuf struct strbuf body = STRBUF_INIT(GATEWAY_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	json_object(&j);
	json_key_str(&j, "detail", "logged out");
	json_object_end(&j);
	api_answer(call->request, OK, &body);
}

static const struct api_call_kind log_out_kind = { .size = sizeof(struct sign_in),
						   .run = run_log_out,
						   .reply = reply_logged_out,
						   .fail = sign_in_fail_token,
						   .done = sign_in_done };

static void on_log_out(struct http_request *request)
{
	sign_in_with_token(request, &log_out_kind, "refresh");
}

const struct http_handler gateway_log_out = { .on_end = on_log_out };

/* -- me ---------------------------------------------------------------------------------------------- */

struct me_call {
	struct gateway_call base; /* first */
	struct user user;
};

static enum err_code unit_me(struct db_tx *tx, void *call, struct err *err)
{
	struct me_call *c = call;
	return user_find(tx, &c->base.call.user, &c->user, err);
}

static void reply_me(struct api_call *call)
{
	cleanup_strbuf struct strbuf body = STRBUF_INIT(GATEWAY_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	write_user(&j, &((const struct me_call *)call)->user);
	api_answer(call->request, OK, &body);
}

static const struct api_call_kind me_kind = {
	.size = sizeof(struct me_call), .run = gateway_run, .reply = reply_me, .fail = gateway_fail
};

static void on_me(struct http_request *request)
{
	struct me_call *c = gateway_call_new(request, &me_kind, DB_READ, unit_me);
	if (c)
		api_call_start(&c->base.call);
}

const struct http_handler gateway_me = { .on_end = on_me };
