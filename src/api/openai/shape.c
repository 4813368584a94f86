/* Errors: {"error": {"message", "type", "param", "code"}}, all four always there. */
#include "api/openai/openai.h"
#include "base/cleanup.h"
#include "base/json.h"

/* The official clients choose their exception by the status; type and code are for people and logs. */
static const struct {
	int status;
	const char *type;
	const char *code;
} words[] = {
	{ 401, "invalid_request_error", "invalid_api_key" },
	{ 403, "invalid_request_error", "insufficient_permissions" },
	{ 404, "invalid_request_error", "not_found" },
	{ 405, "invalid_request_error", "method_not_allowed" },
	{ 413, "invalid_request_error", "file_too_large" },
	{ 415, "invalid_request_error", "unsupported_media_type" },
	{ 429, "rate_limit_error", "rate_limit_exceeded" },
	{ 503, "server_error", "overloaded" },
	{ 507, "server_error", "insufficient_storage" },
};

static void key_text(struct json *j, const char *key, const char *text)
{
	json_key(j, key);
	if (text)
		json_str(j, text);
	else
		json_null(j);
}

void openai_shape(const struct api_problem *problem, struct strbuf *body)
{
	struct json j = JSON_INIT(body);
	const char *type = problem->status < 500 ? "invalid_request_error" : "server_error";
	const char *code = problem->code;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (words[i].status != problem->status)
			continue;
		type = words[i].type;
		if (!code)
			code = words[i].code;
	}
	json_object(&j);
	json_key(&j, "error");
	json_object(&j);
	json_key_str(&j, "message", problem->message);
	json_key_str(&j, "type", type);
	key_text(&j, "param", problem->fault_count > 0 ? problem->faults[0].field : NULL);
	key_text(&j, "code", code);
	json_object_end(&j);
	json_object_end(&j);
}
