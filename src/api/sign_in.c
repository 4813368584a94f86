#include "api/sign_in.h"

#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "http/response.h"

enum { BAD_REQUEST = 400, UNAUTHORIZED = 401, FORBIDDEN = 403, CONFLICT = 409 };

static struct sign_in *sign_in_of(struct api_call *call)
{
	return (struct sign_in *)call;
}

void sign_in_done(struct api_call *call)
{
	struct sign_in *c = sign_in_of(call);
	api_input_done(&c->in);
	secret_wipe(&c->session, sizeof c->session);
}

void sign_in_fail_token(struct api_call *call)
{
	if (call->err.code != ERR_DENIED && call->err.code != ERR_TIMEOUT) {
		api_fail_err(call->request, &call->err);
		return;
	}
	http_add_header(call->request, "WWW-Authenticate", "Bearer");
	api_fail(call->request, &(struct api_problem){ .status = UNAUTHORIZED, .message = call->err.message });
}

/* A call whose request has a JSON object; NULL: answered. */
static struct sign_in *begin(struct http_request *request, const struct api_call_kind *kind)
{
	struct sign_in *c = api_call_new(request, kind);
	if (c)
		api_input_json(&c->in, request);
	return c;
}

/* -- register ---------------------------------------------------------------------------------------- */

enum err_code sign_in_run_register(struct api_call *call, struct err *err)
{
	struct sign_in *c = sign_in_of(call);
	return accounts_register(call->api->accounts, &c->sign_up, clock_wall_us(), &c->faults, &c->session, err);
}

void sign_in_fail_register(struct api_call *call)
{
	const struct sign_in *c = sign_in_of(call);
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

void sign_in_register(struct http_request *request, const struct api_call_kind *kind)
{
	struct sign_in *c = begin(request, kind);
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

/* -- log in ------------------------------------------------------------------------------------------ */

enum err_code sign_in_run_log_in(struct api_call *call, struct err *err)
{
	struct sign_in *c = sign_in_of(call);
	return accounts_log_in(call->api->accounts, &c->log_in, clock_wall_us(), &c->session, err);
}

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

void sign_in_log_in(struct http_request *request, const struct api_call_kind *kind)
{
	struct sign_in *c = begin(request, kind);
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

/* -- refresh ----------------------------------------------------------------------------------------- */

enum err_code sign_in_run_refresh(struct api_call *call, struct err *err)
{
	struct sign_in *c = sign_in_of(call);
	return accounts_refresh(call->api->accounts, c->token, strlen(c->token), clock_wall_us(), NULL, &c->session,
				err);
}

void sign_in_with_token(struct http_request *request, const struct api_call_kind *kind, const char *field)
{
	struct sign_in *c = begin(request, kind);
	if (!c)
		return;
	c->token = api_text(&c->in, field, API_REQUIRED);
	if (c->in.failed)
		api_call_drop(&c->call);
	else
		api_call_start(&c->call);
}
