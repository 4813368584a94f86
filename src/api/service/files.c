/* /files: one, all, and none any more. */
#include "api/service/service.h"

enum { OK = 200 };

struct file_call {
	struct api_call call; /* first */
	struct uuid id;
	struct job_file file;
};

static struct file_call *file_of(struct api_call *call)
{
	return (struct file_call *)call;
}

/* Begins a call about the file of the path. */
static void start(struct http_request *request, const struct api_call_kind *kind)
{
	struct api_input in;
	struct file_call *c = api_call_new(request, kind);
	if (!c)
		return;
	api_input_init(&in, request);
	api_path_id(&in, "file_id", "file", &c->id);
	api_call_start_with(&c->call, &in);
}

/* -- one --------------------------------------------------------------------------------------------- */

static enum err_code run_file(struct api_call *call, struct err *err)
{
	struct file_call *c = file_of(call);
	return job_file_find(call->api->files->db, &call->user, &c->id, &c->file, err);
}

static void reply_file(struct api_call *call)
{
	cleanup_strbuf struct strbuf body = STRBUF_INIT(SERVICE_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	service_file_json(&j, &file_of(call)->file);
	api_answer(call->request, OK, &body);
}

static const struct api_call_kind file_kind = { .size = sizeof(struct file_call),
						.run = run_file,
						.reply = reply_file };

static void on_file(struct http_request *request)
{
	start(request, &file_kind);
}

const struct http_handler service_file = { .on_end = on_file };

/* -- deletion ---------------------------------------------------------------------------------------- */

static enum err_code run_delete(struct api_call *call, struct err *err)
{
	const struct file_call *c = file_of(call);
	if (job_delete_file(call->api->files, &call->user, &c->id, err) == ERR_OK)
		return ERR_OK;
	return service_owner_error(call, &c->id, err);
}

static void reply_deleted(struct api_call *call)
{
	api_answer_nothing(call->request);
}

static const struct api_call_kind delete_kind = {
	.size = sizeof(struct file_call), .run = run_delete, .reply = reply_deleted, .fail = service_fail_owner
};

static void on_delete(struct http_request *request)
{
	start(request, &delete_kind);
}

const struct http_handler service_delete_file = { .on_end = on_delete };

/* -- all --------------------------------------------------------------------------------------------- */

struct list_call {
	struct api_call call; /* first */
	struct file_page page;
	struct job_files list;
};

static struct list_call *list_of(struct api_call *call)
{
	return (struct list_call *)call;
}

static enum err_code run_list(struct api_call *call, struct err *err)
{
	struct list_call *c = list_of(call);
	return job_file_list(call->api->files->db, &c->page, &c->list, err);
}

static void add_row(struct json *j, const void *rows, size_t i)
{
	service_file_json(j, &((const struct job_file *)rows)[i]);
}

static void reply_list(struct api_call *call)
{
	const struct job_files *list = &list_of(call)->list;
	service_reply_list(call->request, &(struct service_list){ .name = "files",
								  .rows = list->rows,
								  .count = list->count,
								  .total = list->total,
								  .add = add_row });
}

static void release_list(struct api_call *call)
{
	job_files_done(&list_of(call)->list);
}

static const struct api_call_kind list_kind = {
	.size = sizeof(struct list_call), .run = run_list, .reply = reply_list, .done = release_list
};

static void on_list(struct http_request *request)
{
	struct api_input in;
	struct list_call *c = api_call_new(request, &list_kind);
	if (!c)
		return;
	api_input_init(&in, request);
	c->page.owner = c->call.user;
	service_page(&in, &c->page.limit, &c->page.offset);
	api_call_start_with(&c->call, &in);
}

const struct http_handler service_files = { .on_end = on_list };
