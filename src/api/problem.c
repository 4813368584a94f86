/* Errors: from a code or a status to the shape of whoever owns the path. */
#include <assert.h>
#include <string.h>

#include "api/api_priv.h"
#include "base/log.h"
#include "http/response.h"

enum {
	BAD_REQUEST = 400,
	FORBIDDEN = 403,
	NOT_FOUND = 404,
	CONFLICT = 409,
	TOO_LARGE = 413,
	UNSUPPORTED_TYPE = 415,
	FAILED = 500,
	UNAVAILABLE = 503,
	NO_SPACE = 507,
	/* More than any message with its escapes; not a user's text but a message of ours that may quote one. */
	BODY_MAX = 16 * 1024
};

/* Bytes of the longest prefix of the dialect that the path has; -1: none. */
static int match(const struct api_dialect *dialect, const char *path)
{
	int longest = -1;
	for (const char *const *prefix = dialect->prefixes; *prefix; prefix++) {
		int len = (int)strlen(*prefix);
		if (len > longest && strncmp(path, *prefix, (size_t)len) == 0 &&
		    (path[len] == '/' || path[len] == '\0'))
			longest = len;
	}
	return longest;
}

/* What was malformed before its path was known gets the shape of most paths. */
static const struct api_dialect *owner_of(const char *path)
{
	const struct api_dialect *owner = path[0] ? &api_health : &api_service;
	int longest = -1;
	for (size_t i = 0; i < api_dialect_count; i++) {
		int len = match(api_dialects[i], path);
		if (len > longest) {
			longest = len;
			owner = api_dialects[i];
		}
	}
	return owner;
}

void api_shape_error(void *owner, struct http_error *error)
{
	(void)owner;
	const struct api_problem problem = { .status = error->status, .message = error->message };
	owner_of(error->path)->shape(&problem, error->body);
}

void api_fail(struct http_request *request, const struct api_problem *problem)
{
	cleanup_strbuf struct strbuf body = STRBUF_INIT(BODY_MAX);
	assert(problem->message);
	owner_of(http_request_path(request))->shape(problem, &body);
	http_reply_json(request, problem->status, &body);
}

void api_fail_field(struct http_request *request, const char *field, const char *reason)
{
	char message[ERR_MESSAGE_MAX];
	(void)snprintf(message, sizeof message, "%s %s", field, reason);
	const struct api_fault fault = { field, reason };
	api_fail(request, &(struct api_problem){
				  .status = BAD_REQUEST, .message = message, .faults = &fault, .fault_count = 1 });
}

/* What is not here is our own fault. */
static const int statuses[ERR_CODE_COUNT] = {
	[ERR_INVALID] = BAD_REQUEST,
	[ERR_USAGE] = BAD_REQUEST,
	[ERR_NOT_FOUND] = NOT_FOUND,
	[ERR_REFERENCE] = NOT_FOUND,
	[ERR_CONFLICT] = CONFLICT,
	[ERR_TOO_BIG] = TOO_LARGE,
	[ERR_BAD_MEDIA] = UNSUPPORTED_TYPE,
	[ERR_NO_SPACE] = NO_SPACE,
	[ERR_NETWORK] = UNAVAILABLE,
	[ERR_UNAVAILABLE] = UNAVAILABLE,
	[ERR_TIMEOUT] = UNAVAILABLE,
	[ERR_BUSY] = UNAVAILABLE,
	[ERR_READ_ONLY] = UNAVAILABLE,
	[ERR_OUTCOME_UNKNOWN] = UNAVAILABLE,
	[ERR_CANCELLED] = UNAVAILABLE,
	[ERR_NO_MEMORY] = UNAVAILABLE,
	[ERR_QUOTA] = FORBIDDEN,
};

int api_status_of(enum err_code code)
{
	return statuses[code] != 0 ? statuses[code] : FAILED;
}

void api_fail_err(struct http_request *request, const struct err *err)
{
	int status = api_status_of(err->code);
	/* A message with a system call in it names our disks and hosts; one about a quota is the user's. */
	bool is_ours = status >= FAILED && (status != NO_SPACE || err->sys_errno != 0);
	if (!is_ours) {
		api_fail(request, &(struct api_problem){ .status = status, .message = err->message });
		return;
	}
	const struct http_route *route = http_request_route(request);
	log_line(LOG_ERROR, "request %s, %s: %s: %s", http_request_id(request), route ? route->pattern : "-",
		 err_name(err->code), err->message);
	http_reply_error(request, status, NULL);
}
