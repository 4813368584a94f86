/* /auth: register, log in, refresh. */
#include <string.h>

#include "api/service/service.h"
#include "base/clock.h"
#include "base/secret.h"
#include "http/response.h"

enum { OK = 200, CREATED = 201, BAD_REQUEST = 400, UNAUTHORIZED = 401, FORBIDDEN = 403, CONFLICT = 409 };

struct auth_call {
	struct api_call call; /* first */
	struct api_input in; /* what the texts below point into */
	struct sign_up sign_up;
	struct log_in log_in;
	const char *token;
	struct field_faults faults;
	struct session session;
};

static struct auth_call *auth_of(struct api_call *call)
{
	return (struct auth_call *)call;
}

static void release(struct api_call *call)
{
	struct auth_call *c = auth_of(call);
	api_input_done(&c->in);
	secret_wipe(&c->session, sizeof c->session);
}

static void reply_session(const struct auth_call *c, int status)
{
	cleanup_strbuf struct strbuf body = STRBUF_INIT(SERVICE_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	json_object(&j);
	json_key_str(&j, "access_token", c->session.access);
	json_key_str(&j, "refresh_token", c->session.refresh);
	json_key_str(&j, "token_type", "bearer");
	json_key_int(&j, "expires_in", c->session.expires_in_s);
	json_object_end(&j);
	api_answer(c->call.request, status, &body);
	secret_wipe(body.data, body.len);
}

static void reply_ok(struct api_call *call)
{
	reply_session(auth_of(call), OK);
}

static void reply_created(struct api_call *call)
{
	reply_session(auth_of(call), CREATED);
}

static void fail_token(struct api_call *call)
{
	if (call->err.code != ERR_DENIED && call->err.code != ERR_TIMEOUT) {
		api_fail_err(call->request, &call->err);
		return;
	}
	http_add_header(call->request, "WWW-Authenticate", "Bearer");
	api_fail(call->request, &(struct api_problem){ .status = UNAUTHORIZED, .message = call->err.message });
}

/* A call whose request has a JSON object; NULL: answered. */
static struct auth_call *begin(struct http_request *request, const struct api_call_kind *kind)
{
	struct auth_call *c = api_call_new(request, kind);
	if (c)
		api_input_json(&c->in, request);
	return c;
}

/* -- register ---------------------------------------------------------------------------------------- */

static enum err_code run_register(struct api_call *call, struct err *err)
{
	struct auth_call *c = auth_of(call);
	return accounts_register(call->api->accounts, &c->sign_up, clock_wall_us(), &c->faults, &c->session, err);
}

static void fail_register(struct api_call *call)
{
	const struct auth_call *c = auth_of(call);
	struct api_fault faults[FIELDS];
	struct api_problem problem = { .message = call->err.message, .faults = faults };
	for (int i = 0; i < FIELDS; i++) {
		if (c->faults.of[i] != FIELD_OK)
			faults[problem.fault_count++] =
				(struct api_fault){ field_name((enum field)i), field_fault_text(c->faults.of[i]) };
	}
	if (call->err.code == ERR_UNAVAILABLE)
		problem.status = FORBIDDEN; /* registration is closed */
	else if (call->err.code == ERR_INVALID)
		problem.status = BAD_REQUEST;
	else if (call->err.code == ERR_CONFLICT)
		problem.status = CONFLICT;
	if (problem.status)
		api_fail(call->request, &problem);
	else
		api_fail_err(call->request, &call->err);
}

static const struct api_call_kind register_kind = { .size = sizeof(struct auth_call),
						    .run = run_register,
						    .reply = reply_created,
						    .fail = fail_register,
						    .done = release };

static void on_register(struct http_request *request)
{
	struct auth_call *c = begin(request, &register_kind);
	if (!c)
		return;
	c->sign_up = (struct sign_up){ .email = api_text(&c->in, "email", API_REQUIRED),
				       .username = api_text(&c->in, "username", API_OPTIONAL),
				       .phone = api_text(&c->in, "phone", API_OPTIONAL),
				       .first_name = api_text(&c->in, "first_name", API_OPTIONAL),
				       .last_name = api_text(&c->in, "last_name", API_OPTIONAL),
				       .password = api_text(&c->in, "password", API_REQUIRED) };
	if (c->in.failed) {
		api_call_drop(&c->call);
		return;
	}
	c->sign_up.password_len = strlen(c->sign_up.password);
	api_call_start_in(&c->call, c->call.api->passwords);
}

const struct http_handler service_register = { .on_end = on_register };

/* -- log in ------------------------------------------------------------------------------------------ */

static enum err_code run_log_in(struct api_call *call, struct err *err)
{
	struct auth_call *c = auth_of(call);
	return accounts_log_in(call->api->accounts, &c->log_in, clock_wall_us(), &c->session, err);
}

static const struct api_call_kind log_in_kind = {
	.size = sizeof(struct auth_call), .run = run_log_in, .reply = reply_ok, .fail = fail_token, .done = release
};

/* Any of the names, under any of their fields: who has typed a phone number into "username" is let in too. */
static const char *read_name(struct api_input *in)
{
	static const char *const fields[] = { "email", "username", "phone" };
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *name = api_text(in, fields[i], API_OPTIONAL);
		if (name)
			return name;
	}
	return api_text(in, "email", API_REQUIRED);
}

static void on_log_in(struct http_request *request)
{
	struct auth_call *c = begin(request, &log_in_kind);
	if (!c)
		return;
	c->log_in =
		(struct log_in){ .name = read_name(&c->in), .password = api_text(&c->in, "password", API_REQUIRED) };
	if (c->in.failed) {
		api_call_drop(&c->call);
		return;
	}
	c->log_in.password_len = strlen(c->log_in.password);
	api_call_start_in(&c->call, c->call.api->passwords);
}

const struct http_handler service_log_in = { .on_end = on_log_in };

/* -- refresh ----------------------------------------------------------------------------------------- */

static enum err_code run_refresh(struct api_call *call, struct err *err)
{
	struct auth_call *c = auth_of(call);
	return accounts_refresh(call->api->accounts, c->token, strlen(c->token), clock_wall_us(), NULL, &c->session,
				err);
}

static const struct api_call_kind refresh_kind = {
	.size = sizeof(struct auth_call), .run = run_refresh, .reply = reply_ok, .fail = fail_token, .done = release
};

static void on_refresh(struct http_request *request)
{
	struct auth_call *c = begin(request, &refresh_kind);
	if (!c)
		return;
	c->token = api_text(&c->in, "refresh_token", API_REQUIRED);
	if (c->in.failed)
		api_call_drop(&c->call);
	else
		api_call_start(&c->call);
}

const struct http_handler service_refresh = { .on_end = on_refresh };
