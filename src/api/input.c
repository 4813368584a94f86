#include "api/input.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/secret.h"

enum { BAD_REQUEST = 400, NOT_FOUND = 404 };

void api_input_init(struct api_input *in, struct http_request *request)
{
	*in = (struct api_input){ .request = request };
}

void api_input_json(struct api_input *in, struct http_request *request)
{
	char message[JSON_ERROR_TEXT_LENGTH + 80];
	json_error_t error;
	size_t len;
	api_input_init(in, request);
	const char *body = http_request_body(request, &len);
	in->root = json_loadb(body, len, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(in->root))
		return;
	if (in->root)
		(void)snprintf(message, sizeof message, "the body must be a JSON object");
	else
		(void)snprintf(message, sizeof message, "the body is not JSON: %s (line %d, column %d)", error.text,
			       error.line, error.column);
	in->failed = true;
	const struct api_fault fault = { "body", in->root ? "must be a JSON object" : "is not JSON" };
	api_fail(request, &(struct api_problem){
				  .status = BAD_REQUEST, .message = message, .faults = &fault, .fault_count = 1 });
}

static void wipe(json_t *value)
{
	const char *key;
	json_t *member;
	if (json_is_string(value))
		secret_wipe((void *)(uintptr_t)json_string_value(value), json_string_length(value));
	/* Deeper texts are none of ours. */
	json_object_foreach(value, key, member)
	{
		if (json_is_string(member))
			secret_wipe((void *)(uintptr_t)json_string_value(member), json_string_length(member));
	}
}

void api_input_done(struct api_input *in)
{
	if (in->root)
		wipe(in->root);
	json_decref(in->root);
	in->root = NULL;
}

void api_input_fail(struct api_input *in, const char *field, const char *reason)
{
	if (in->failed)
		return;
	in->failed = true;
	api_fail_field(in->request, field, reason);
}

const char *api_text(struct api_input *in, const char *name, enum api_need need)
{
	if (in->failed)
		return NULL;
	json_t *value = json_object_get(in->root, name);
	if (json_is_string(value))
		return json_string_value(value);
	if (value && !json_is_null(value))
		api_input_fail(in, name, "must be a text");
	else if (need == API_REQUIRED)
		api_input_fail(in, name, "is required");
	return NULL;
}

bool api_text_copy(struct api_input *in, const char *name, enum api_need need, char *buffer, size_t size)
{
	char reason[64];
	const char *text = api_text(in, name, need);
	size_t len = text ? strlen(text) : 0;
	if (len >= size) {
		(void)snprintf(reason, sizeof reason, "has more than %zu bytes", size - 1);
		api_input_fail(in, name, reason);
	}
	if (!text || in->failed)
		return false;
	memcpy(buffer, text, len + 1);
	return true;
}

bool api_bool(struct api_input *in, const char *name, bool *ret)
{
	json_t *value = in->failed ? NULL : json_object_get(in->root, name);
	if (json_is_boolean(value)) {
		*ret = json_is_true(value);
		return true;
	}
	if (value && !json_is_null(value))
		api_input_fail(in, name, "must be true or false");
	return false;
}

bool api_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	char *end;
	errno = 0;
	/* strtoll would take blanks and a plus. */
	bool begins = (text[0] >= '0' && text[0] <= '9') || (text[0] == '-' && text[1] >= '0' && text[1] <= '9');
	long long value = strtoll(text, &end, 10);
	if (!begins || errno != 0 || *end != '\0' || value < min || value > max)
		return false;
	*ret = value;
	return true;
}

int64_t api_query_int(struct api_input *in, const char *name, int64_t min, int64_t max, int64_t fallback)
{
	char reason[96];
	int64_t value = fallback;
	const char *text = in->failed ? NULL : http_request_query(in->request, name);
	if (!text || api_parse_int(text, min, max, &value))
		return value;
	(void)snprintf(reason, sizeof reason, "must be a whole number from %" PRId64 " to %" PRId64, min, max);
	api_input_fail(in, name, reason);
	return fallback;
}

void api_path_id(struct api_input *in, const char *name, const char *what, struct uuid *ret)
{
	char message[64];
	struct http_text text = http_request_param(in->request, name);
	if (in->failed || uuid_parse(text.at, text.len, ret))
		return;
	(void)snprintf(message, sizeof message, "there is no such %s", what);
	in->failed = true;
	api_fail(in->request, &(struct api_problem){ .status = NOT_FOUND, .message = message });
}
