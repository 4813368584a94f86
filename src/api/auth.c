/* Who sends a request: the Bearer token, checked against the cache, at once where it is known. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "accounts/api_tokens.h"
#include "api/api_priv.h"
#include "base/cleanup.h"
#include "http/request.h"
#include "http/response.h"

enum { UNAUTHORIZED = 401, FORBIDDEN = 403, UNAVAILABLE = 503 };

/* The principal of an admitted request; small, because event streams keep it. */
struct caller {
	struct http_watch watch;
	struct access access;
};

/* A token that is being looked up. */
struct check {
	struct access_question question;
	struct http_watch watch;
	struct http_request *request; /* NULL: gone */
};

static void on_caller_gone(struct http_watch *watch)
{
	free(watch); /* the first member of struct caller */
}

static void refuse(struct http_request *request, int status, const char *message)
{
	const struct http_header challenge = { "WWW-Authenticate", "Bearer" };
	http_reply_error_with(request, status, message, status == UNAUTHORIZED ? &challenge : NULL);
}

/* Whose is the one is not let in with the other: a session's rights are more, an application's charges are its own. */
static bool is_right_kind(struct http_request *request, const struct access *access)
{
	bool wants_token = http_request_route(request)->scope == API_TOKEN;
	if ((access->kind == ACCESS_API_TOKEN) == wants_token)
		return true;
	refuse(request, UNAUTHORIZED,
	       wants_token ? "an access token is not for this path: send an API token"
			   : "an API token is not for this path: log in, and send the access token");
	return false;
}

static bool is_permitted(struct http_request *request, const struct access *access)
{
	enum http_method method = http_request_route(request)->method;
	enum permission needed = method == HTTP_METHOD_GET ? PERMISSION_READ : PERMISSION_WRITE;
	if (access->permissions & (int)needed)
		return true;
	char message[96];
	(void)snprintf(message, sizeof message, "the API token lacks the permission \"%s\"", permission_name(needed));
	refuse(request, FORBIDDEN, message);
	return false;
}

/* False: the request was answered. */
static bool take_answer(struct http_request *request, const struct access_question *question)
{
	if (question->code == ERR_OK &&
	    (!is_right_kind(request, &question->access) || !is_permitted(request, &question->access)))
		return false;
	if (question->code == ERR_DENIED || question->code == ERR_TIMEOUT) {
		refuse(request, UNAUTHORIZED, question->err.message);
		return false;
	}
	struct caller *caller = question->code == ERR_OK ? malloc(sizeof *caller) : NULL;
	if (!caller) {
		refuse(request, UNAVAILABLE, NULL);
		return false;
	}
	*caller = (struct caller){ .watch = { .on_gone = on_caller_gone }, .access = question->access };
	http_request_set_principal(request, caller);
	http_request_watch(request, &caller->watch);
	return true;
}

static struct check *check_of(struct http_watch *watch)
{
	return (struct check *)(void *)((char *)watch - offsetof(struct check, watch));
}

static void on_check_gone(struct http_watch *watch)
{
	check_of(watch)->request = NULL;
}

static void on_checked(struct access_question *question)
{
	struct check *check = (struct check *)question;
	struct http_request *request = check->request;
	if (request) {
		http_request_unwatch(request, &check->watch);
		if (take_answer(request, question))
			http_request_admit(request);
	}
	free(check);
}

static enum http_auth look_up(struct api *api, struct http_request *request, const char *token, size_t len)
{
	cleanup_free struct check *check = calloc(1, sizeof *check);
	if (!check) {
		refuse(request, UNAVAILABLE, NULL);
		return HTTP_AUTH_ANSWERED;
	}
	check->question.done = on_checked;
	if (access_check(api->access, token, len, &check->question))
		return take_answer(request, &check->question) ? HTTP_AUTH_ADMIT : HTTP_AUTH_ANSWERED;
	struct check *waiting = steal_ptr(&check);
	waiting->request = request;
	waiting->watch.on_gone = on_check_gone;
	http_request_watch(request, &waiting->watch);
	return HTTP_AUTH_LATER;
}

enum http_auth api_authenticate(void *owner, struct http_request *request, int scope)
{
	static const char scheme[] = "Bearer ";
	if (scope == API_ANYBODY)
		return HTTP_AUTH_ADMIT;
	const char *header = http_request_header(request, "authorization");
	if (!header || strncasecmp(header, scheme, sizeof scheme - 1) != 0) {
		refuse(request, UNAUTHORIZED,
		       scope == API_TOKEN ? "send an API token in the header Authorization: Bearer"
					  : "send an access token in the header Authorization: Bearer");
		return HTTP_AUTH_ANSWERED;
	}
	const char *token = header + sizeof scheme - 1;
	token += strspn(token, " ");
	return look_up(owner, request, token, strcspn(token, " "));
}

const struct access *api_access(const struct http_request *request)
{
	return &((const struct caller *)http_request_principal(request))->access;
}

const struct uuid *api_user(const struct http_request *request)
{
	return &api_access(request)->user;
}
