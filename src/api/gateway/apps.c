/* /api/apps: applications. */
#include "accounts/applications.h"

#include "api/gateway/gateway.h"

enum { OK = 200, CREATED = 201 };

struct app_call {
	struct gateway_call base; /* first */
	struct uuid id;
	struct application app; /* what is asked for, then what is there */
	struct application_change change; /* its texts are those of `app` */
	bool is_active;
	struct gateway_page page;
	struct application_list list;
};

static struct app_call *app_of(struct api_call *call)
{
	return (struct app_call *)call;
}

/* -- answers ----------------------------------------------------------------------------------------- */

static void write_app(struct json *j, const struct application *app)
{
	json_object(j);
	api_key_id(j, "id", &app->id);
	json_key_str(j, "name", app->name);
	json_key_str(j, "description", app->description);
	json_key_bool(j, "is_active", app->is_active);
	api_key_time(j, "created_at", app->created_us);
	api_key_time(j, "updated_at", app->updated_us);
	json_object_end(j);
}

static void reply_app(struct api_call *call, int status)
{
	cleanup_strbuf struct strbuf body = STRBUF_INIT(GATEWAY_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	write_app(&j, &app_of(call)->app);
	api_answer(call->request, status, &body);
}

static void reply_ok(struct api_call *call)
{
	reply_app(call, OK);
}

static void reply_created(struct api_call *call)
{
	reply_app(call, CREATED);
}

static void reply_deleted(struct api_call *call)
{
	api_answer_nothing(call->request);
}

static void add_row(struct json *j, const void *rows, size_t i)
{
	write_app(j, (const struct application *)rows + i);
}

static void reply_list(struct api_call *call)
{
	const struct app_call *c = app_of(call);
	const struct gateway_list list = {
		.page = c->page, .rows = c->list.rows, .count = c->list.count, .total = c->list.total, .add = add_row
	};
	gateway_answer_list(call->request, &list);
}

static void release(struct api_call *call)
{
	application_list_done(&app_of(call)->list);
}

#define KIND(reply_with)                                                                                               \
	{                                                                                                              \
		.size = sizeof(struct app_call), .run = gateway_run, .reply = (reply_with), .fail = gateway_fail,      \
		.done = release                                                                                        \
	}

static const struct api_call_kind ok_kind = KIND(reply_ok);
static const struct api_call_kind created_kind = KIND(reply_created);
static const struct api_call_kind deleted_kind = KIND(reply_deleted);
static const struct api_call_kind list_kind = KIND(reply_list);

/* -- units of work ----------------------------------------------------------------------------------- */

static enum err_code unit_add(struct db_tx *tx, void *call, struct err *err)
{
	struct app_call *c = call;
	return application_add(tx, &c->app, c->base.now_us, err);
}

static enum err_code unit_find(struct db_tx *tx, void *call, struct err *err)
{
	struct app_call *c = call;
	return application_find(tx, &c->base.call.user, &c->id, &c->app, err);
}

static enum err_code unit_list(struct db_tx *tx, void *call, struct err *err)
{
	struct app_call *c = call;
	return application_list(tx, &c->base.call.user, c->page.size, gateway_offset(&c->page), &c->list, err);
}

static enum err_code unit_change(struct db_tx *tx, void *call, struct err *err)
{
	struct app_call *c = call;
	struct application changed;
	enum err_code code =
		application_change(tx, &c->base.call.user, &c->id, &c->change, c->base.now_us, &changed, err);
	if (!code)
		c->app = changed;
	return code;
}

static enum err_code unit_delete(struct db_tx *tx, void *call, struct err *err)
{
	struct app_call *c = call;
	return application_delete(tx, &c->base.call.user, &c->id, err);
}

/* -- handlers ---------------------------------------------------------------------------------------- */

/* What a body says of an application: the change, whose texts it copies. */
static void read_app(struct api_input *in, enum api_need name_need, struct app_call *c)
{
	if (api_text_copy(in, "name", name_need, c->app.name, sizeof c->app.name)) {
		c->change.name = c->app.name;
		if (!c->app.name[0])
			api_input_fail(in, "name", "must not be empty");
	}
	if (api_text_copy(in, "description", API_OPTIONAL, c->app.description, sizeof c->app.description))
		c->change.description = c->app.description;
}

static void on_add(struct http_request *request)
{
	struct api_input in;
	struct app_call *c = gateway_call_new(request, &created_kind, DB_WRITE, unit_add);
	if (!c)
		return;
	api_input_json(&in, request);
	read_app(&in, API_REQUIRED, c);
	c->app.owner = c->base.call.user;
	api_call_start_with(&c->base.call, &in);
	api_input_done(&in);
}

const struct http_handler gateway_add_app = { .on_end = on_add };

static void on_list(struct http_request *request)
{
	struct api_input in;
	struct app_call *c = gateway_call_new(request, &list_kind, DB_READ, unit_list);
	if (!c)
		return;
	api_input_init(&in, request);
	gateway_read_page(&in, &c->page);
	api_call_start_with(&c->base.call, &in);
}

const struct http_handler gateway_apps = { .on_end = on_list };

static void read_id(struct api_input *in, struct app_call *c)
{
	api_path_id(in, "app_id", "application", &c->id);
}

/* What needs nothing but the id. */
static void start(struct app_call *c, struct http_request *request)
{
	struct api_input in;
	api_input_init(&in, request);
	read_id(&in, c);
	api_call_start_with(&c->base.call, &in);
}

static void on_get(struct http_request *request)
{
	struct app_call *c = gateway_call_new(request, &ok_kind, DB_READ, unit_find);
	if (c)
		start(c, request);
}

const struct http_handler gateway_app = { .on_end = on_get };

static void on_change(struct http_request *request)
{
	struct api_input in;
	struct app_call *c = gateway_call_new(request, &ok_kind, DB_WRITE, unit_change);
	if (!c)
		return;
	api_input_json(&in, request);
	read_id(&in, c);
	read_app(&in, API_OPTIONAL, c);
	if (api_bool(&in, "is_active", &c->is_active))
		c->change.is_active = &c->is_active;
	api_call_start_with(&c->base.call, &in);
	api_input_done(&in);
}

const struct http_handler gateway_change_app = { .on_end = on_change };

static void on_delete(struct http_request *request)
{
	struct app_call *c = gateway_call_new(request, &deleted_kind, DB_WRITE, unit_delete);
	if (c)
		start(c, request);
}

const struct http_handler gateway_delete_app = { .on_end = on_delete };

static void switch_to(struct http_request *request, bool is_active)
{
	struct app_call *c = gateway_call_new(request, &ok_kind, DB_WRITE, unit_change);
	if (!c)
		return;
	c->is_active = is_active;
	c->change.is_active = &c->is_active;
	start(c, request);
}

static void on_activate(struct http_request *request)
{
	switch_to(request, true);
}

const struct http_handler gateway_activate = { .on_end = on_activate };

static void on_deactivate(struct http_request *request)
{
	switch_to(request, false);
}

const struct http_handler gateway_deactivate = { .on_end = on_deactivate };
