/* /keys: the box around a file's key, shares, and a key of the user's own. */
#include <string.h>

#include "api/service/service.h"
#include "base/base64.h"
#include "files/keys.h"

enum { OK = 200, CREATED = 201 };

struct key_call {
	struct api_call call; /* first */
	struct uuid file, with; /* whom it is shared with */
	struct file_key key;
	struct public_key own;
	int64_t created_us;
};

static struct key_call *key_of(struct api_call *call)
{
	return (struct key_call *)call;
}

/* Begins a call about the file of the path, and the user where the path has one. */
static void start(struct http_request *request, const struct api_call_kind *kind, bool has_user)
{
	struct api_input in;
	struct key_call *c = api_call_new(request, kind);
	if (!c)
		return;
	api_input_init(&in, request);
	api_path_id(&in, "file_id", "file", &c->file);
	if (has_user)
		api_path_id(&in, "user_id", "user", &c->with);
	api_call_start_with(&c->call, &in);
}

/* -- the box ----------------------------------------------------------------------------------------- */

static enum err_code run_key(struct api_call *call, struct err *err)
{
	struct key_call *c = key_of(call);
	return file_key_find(call->api->files, &call->user, &c->file, &c->key, err);
}

static void reply_key(struct api_call *call)
{
	const struct key_call *c = key_of(call);
	char box[BASE64_SIZE(DATA_KEY_BOX_BYTES)];
	cleanup_strbuf struct strbuf body = STRBUF_INIT(SERVICE_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	base64_encode(c->key.box, sizeof c->key.box, box);
	json_object(&j);
	api_key_id(&j, "file_id", &c->file);
	api_key_id(&j, "owner_id", &c->key.owner);
	json_key_str(&j, "encrypted_key", box);
	api_key_time(&j, "created_at", c->key.created_us);
	json_object_end(&j);
	api_answer(call->request, OK, &body);
}

static const struct api_call_kind key_kind = { .size = sizeof(struct key_call), .run = run_key, .reply = reply_key };

static void on_key(struct http_request *request)
{
	start(request, &key_kind, false);
}

const struct http_handler service_file_key = { .on_end = on_key };

/* -- shares ------------------------------------------------------------------------------------------ */

static enum err_code run_share(struct api_call *call, struct err *err)
{
	struct key_call *c = key_of(call);
	if (file_key_share(call->api->files, &call->user, &c->file, &c->with, &c->created_us, err) == ERR_OK)
		return ERR_OK;
	return service_owner_error(call, &c->file, err);
}

static void reply_share(struct api_call *call)
{
	const struct key_call *c = key_of(call);
	cleanup_strbuf struct strbuf body = STRBUF_INIT(SERVICE_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	json_object(&j);
	api_key_id(&j, "file_id", &c->file);
	api_key_id(&j, "user_id", &c->with);
	api_key_time(&j, "created_at", c->created_us);
	json_object_end(&j);
	api_answer(call->request, CREATED, &body);
}

static const struct api_call_kind share_kind = {
	.size = sizeof(struct key_call), .run = run_share, .reply = reply_share, .fail = service_fail_owner
};

static void on_share(struct http_request *request)
{
	start(request, &share_kind, true);
}

const struct http_handler service_share = { .on_end = on_share };

/* Whether the file is the user's. In the pool. */
static bool is_owner(const struct api_call *call, const struct uuid *file)
{
	struct file_row row;
	struct err ignored;
	return files_find(call->api->files, &call->user, file, &row, &ignored) == ERR_OK &&
	       memcmp(&row.owner, &call->user, sizeof row.owner) == 0;
}

static enum err_code run_unshare(struct api_call *call, struct err *err)
{
	const struct key_call *c = key_of(call);
	if (file_key_unshare(call->api->files, &call->user, &c->file, &c->with, err) == ERR_OK)
		return ERR_OK;
	/* The owner is told that there was no share; whoever else can see the file, that it is not theirs. */
	return is_owner(call, &c->file) ? err->code : service_owner_error(call, &c->file, err);
}

static void reply_unshared(struct api_call *call)
{
	api_answer_nothing(call->request);
}

static const struct api_call_kind unshare_kind = {
	.size = sizeof(struct key_call), .run = run_unshare, .reply = reply_unshared, .fail = service_fail_owner
};

static void on_unshare(struct http_request *request)
{
	start(request, &unshare_kind, true);
}

const struct http_handler service_unshare = { .on_end = on_unshare };

/* -- a key of the user's own --------------------------------------------------------------------------- */

static enum err_code run_own_key(struct api_call *call, struct err *err)
{
	struct key_call *c = key_of(call);
	return file_key_register(call->api->files, &call->user, &c->own, &c->created_us, err);
}

static void reply_own_key(struct api_call *call)
{
	const struct key_call *c = key_of(call);
	struct err err;
	char text[BASE64_SIZE(KEY_BYTES)];
	char fingerprint[KEY_FINGERPRINT_SIZE];
	if (public_key_fingerprint(&c->own, fingerprint, &err) != ERR_OK) {
		api_fail_err(call->request, &err);
		return;
	}
	cleanup_strbuf struct strbuf body = STRBUF_INIT(SERVICE_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	base64_encode(c->own.bytes, sizeof c->own.bytes, text);
	json_object(&j);
	json_key_str(&j, "public_key", text);
	json_key_str(&j, "fingerprint", fingerprint);
	api_key_time(&j, "created_at", c->created_us);
	json_object_end(&j);
	api_answer(call->request, OK, &body);
}

static const struct api_call_kind own_key_kind = { .size = sizeof(struct key_call),
						   .run = run_own_key,
						   .reply = reply_own_key };

static void on_own_key(struct http_request *request)
{
	struct api_input in;
	struct key_call *c = api_call_new(request, &own_key_kind);
	if (!c)
		return;
	api_input_json(&in, request);
	const char *text = api_text(&in, "public_key", API_REQUIRED);
	if (text && (!base64_decode(text, c->own.bytes, sizeof c->own.bytes) || !public_key_valid(&c->own))) {
		in.failed = true;
		api_fail_field(request, "public_key", "must be an X25519 public key: 32 bytes in base64");
	}
	api_call_start_with(&c->call, &in);
	api_input_done(&in);
}

const struct http_handler service_own_key = { .on_end = on_own_key };
