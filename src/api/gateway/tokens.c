/* /api/apps/{app_id}/tokens: what programs send for an application. */
#include "accounts/api_tokens.h"
#include "accounts/applications.h"
#include "api/gateway/gateway.h"
#include "base/clock.h"
#include "base/secret.h"

enum { OK = 200, CREATED = 201 };

struct token_call {
	struct gateway_call base; /* first */
	struct uuid app, id;
	struct api_token token; /* what is asked for, then what is there */
	char value[API_TOKEN_VALUE_SIZE]; /* "" but for a new one */
	struct gateway_page page;
	struct api_token_list list;
};

static struct token_call *token_of(struct api_call *call)
{
	return (struct token_call *)call;
}

/* -- answers ----------------------------------------------------------------------------------------- */

static void write_token(struct json *j, const struct api_token *token, int64_t now_us, const char *value)
{
	bool has_expired = token->expires_us != 0 && token->expires_us <= now_us;
	json_object(j);
	api_key_id(j, "id", &token->id);
	json_key_str(j, "name", token->name);
	json_key_str(j, "prefix", token->prefix);
	json_key_bool(j, "is_active", token->revoked_us == 0 && !has_expired);
	api_key_time(j, "created_at", token->created_us);
	gateway_key_time(j, "expires_at", token->expires_us);
	gateway_key_time(j, "last_used_at", token->last_used_us);
	gateway_key_time(j, "revoked_at", token->revoked_us);
	if (value[0])
		json_key_str(j, "token", value);
	json_object_end(j);
}

static void reply_token(struct api_call *call, int status)
{
	const struct token_call *c = token_of(call);
	cleanup_strbuf struct strbuf body = STRBUF_INIT(GATEWAY_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	write_token(&j, &c->token, c->base.now_us, c->value);
	api_answer(call->request, status, &body);
	secret_wipe(body.data, body.len);
}

static void reply_ok(struct api_call *call)
{
	reply_token(call, OK);
}

static void reply_created(struct api_call *call)
{
	reply_token(call, CREATED);
}

static void add_row(struct json *j, const void *rows, size_t i)
{
	write_token(j, (const struct api_token *)rows + i, clock_wall_us(), "");
}

static void reply_list(struct api_call *call)
{
	const struct token_call *c = token_of(call);
	const struct gateway_list list = {
		.page = c->page, .rows = c->list.rows, .count = c->list.count, .total = c->list.total, .add = add_row
	};
	gateway_answer_list(call->request, &list);
}

static void release(struct api_call *call)
{
	struct token_call *c = token_of(call);
	secret_wipe(c->value, sizeof c->value);
	api_token_list_done(&c->list);
}

#define KIND(reply_with)                                                                                               \
	{                                                                                                              \
		.size = sizeof(struct token_call), .run = gateway_run, .reply = (reply_with), .fail = gateway_fail,    \
		.done = release                                                                                        \
	}

static const struct api_call_kind ok_kind = KIND(reply_ok);
static const struct api_call_kind created_kind = KIND(reply_created);
static const struct api_call_kind list_kind = KIND(reply_list);

/* -- units of work ----------------------------------------------------------------------------------- */

static struct api_token_owner owner_of(const struct token_call *c)
{
	return (struct api_token_owner){ .user = c->base.call.user, .application = c->app };
}

static enum err_code unit_add(struct db_tx *tx, void *call, struct err *err)
{
	struct token_call *c = call;
	struct application app;
	enum err_code code = application_find(tx, &c->base.call.user, &c->app, &app, err);
	if (!code && !app.is_active)
		code = err_set(err, ERR_CONFLICT, "the application is switched off");
	return code ? code : api_token_add(tx, &c->token, c->base.now_us, c->value, err);
}

static enum err_code unit_list(struct db_tx *tx, void *call, struct err *err)
{
	struct token_call *c = call;
	const struct api_token_owner owner = owner_of(c);
	struct application app;
	enum err_code code = application_find(tx, &owner.user, &owner.application, &app, err);
	return code ? code : api_token_list(tx, &owner, c->page.size, gateway_offset(&c->page), &c->list, err);
}

static enum err_code unit_revoke(struct db_tx *tx, void *call, struct err *err)
{
	struct token_call *c = call;
	const struct api_token_owner owner = owner_of(c);
	return api_token_revoke(tx, &owner, &c->id, c->base.now_us, &c->token, err);
}

/* -- handlers ---------------------------------------------------------------------------------------- */

static void read_app_id(struct api_input *in, struct token_call *c)
{
	api_path_id(in, "app_id", "application", &c->app);
}

static void on_add(struct http_request *request)
{
	struct api_input in;
	struct token_call *c = gateway_call_new(request, &created_kind, DB_WRITE, unit_add);
	if (!c)
		return;
	api_input_json(&in, request);
	read_app_id(&in, c);
	if (api_text_copy(&in, "name", API_REQUIRED, c->token.name, sizeof c->token.name) && !c->token.name[0])
		api_input_fail(&in, "name", "must not be empty");
	c->token.user = c->base.call.user;
	c->token.application = c->app;
	c->token.permissions = PERMISSIONS_USUAL;
	api_call_start_with(&c->base.call, &in);
	api_input_done(&in);
}

const struct http_handler gateway_add_token = { .on_end = on_add };

static void on_list(struct http_request *request)
{
	struct api_input in;
	struct token_call *c = gateway_call_new(request, &list_kind, DB_READ, unit_list);
	if (!c)
		return;
	api_input_init(&in, request);
	read_app_id(&in, c);
	gateway_read_page(&in, &c->page);
	api_call_start_with(&c->base.call, &in);
}

const struct http_handler gateway_tokens = { .on_end = on_list };

static void on_revoke(struct http_request *request)
{
	struct api_input in;
	struct token_call *c = gateway_call_new(request, &ok_kind, DB_WRITE, unit_revoke);
	if (!c)
		return;
	api_input_init(&in, request);
	read_app_id(&in, c);
	api_path_id(&in, "token_id", "token", &c->id);
	api_call_start_with(&c->base.call, &in);
}

const struct http_handler gateway_revoke = { .on_end = on_revoke };
