/* /models: the one that the engine has loaded, under its own name and those that clients ask for. */
#include <string.h>

#include "api/openai/openai.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "http/response.h"

enum { OK = 200, NOT_FOUND = 404, ANSWER_MAX = 64 * 1024 };

/* Names of both generations of OpenAI's API. */
static const char *const aliases[] = { "whisper-1", "gpt-transcribe", "gpt-4o-transcribe", "gpt-4o-mini-transcribe",
				       "gpt-4o-transcribe-diarize" };

bool openai_is_alias(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (strcmp(aliases[i], name) == 0)
			return true;
	}
	return false;
}

static void add_model(struct json *j, const char *id)
{
	json_object(j);
	json_key_str(j, "id", id);
	json_key_str(j, "object", "model");
	json_key_int(j, "created", 0); /* not known of a file */
	json_key_str(j, "owned_by", "tiro");
	json_object_end(j);
}

static void on_list(struct http_request *request)
{
	cleanup_strbuf struct strbuf body = STRBUF_INIT(ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	json_object(&j);
	json_key_str(&j, "object", "list");
	json_key(&j, "data");
	json_array(&j);
	add_model(&j, api_of(request)->model);
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		add_model(&j, aliases[i]);
	json_array_end(&j);
	json_object_end(&j);
	http_reply_json(request, OK, &body);
}

static bool is_text(struct http_text text, const char *name)
{
	return strlen(name) == text.len && memcmp(text.at, name, text.len) == 0;
}

static const char *find(const struct api *api, struct http_text name)
{
	if (is_text(name, api->model))
		return api->model;
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (is_text(name, aliases[i]))
			return aliases[i];
	}
	return NULL;
}

static void on_one(struct http_request *request)
{
	const char *id = find(api_of(request), http_request_param(request, "model"));
	if (!id) {
		const struct api_fault fault = { "model", "is not installed on this server" };
		api_fail(request, &(struct api_problem){ .status = NOT_FOUND,
							 .code = "model_not_found",
							 .message = "there is no such model",
							 .faults = &fault,
							 .fault_count = 1 });
		return;
	}
	cleanup_strbuf struct strbuf body = STRBUF_INIT(ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	add_model(&j, id);
	http_reply_json(request, OK, &body);
}

const struct http_handler openai_models = { .on_end = on_list };
const struct http_handler openai_model = { .on_end = on_one };
