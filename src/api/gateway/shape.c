/* Shapes of the dialect: errors, times, lists in pages. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/gateway/gateway.h"

enum { OK = 200, NOT_FOUND = 404, FAILED = 500 };

/* -- errors ------------------------------------------------------------------------------------------ */

static const struct {
	int status;
	const char *code;
} codes[] = {
	{ 401, "not_authenticated" },
	{ 403, "permission_denied" },
	{ 404, "not_found" },
	{ 405, "method_not_allowed" },
	{ 408, "request_timeout" },
	{ 409, "conflict" },
	{ 413, "too_large" },
	{ 414, "uri_too_long" },
	{ 415, "unsupported_media_type" },
	{ 417, "expectation_failed" },
	{ 431, "headers_too_large" },
	{ 501, "not_implemented" },
	{ 503, "service_unavailable" },
	{ 505, "http_version_not_supported" },
	{ 507, "insufficient_storage" },
};

static const char *code_of(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (codes[i].status == status)
			return codes[i].code;
	}
	return status < FAILED ? "invalid" : "error";
}

static void add_faults(struct json *j, const struct api_problem *problem)
{
	json_key(j, "errors");
	json_object(j);
	for (size_t i = 0; i < problem->fault_count; i++) {
		json_key(j, problem->faults[i].field);
		json_array(j);
		json_str(j, problem->faults[i].reason);
		json_array_end(j);
	}
	json_object_end(j);
}

void gateway_shape(const struct api_problem *problem, struct strbuf *body)
{
	struct json j = JSON_INIT(body);
	json_object(&j);
	if (problem->fault_count > 0) {
		add_faults(&j, problem);
	} else {
		json_key_str(&j, "detail", problem->message);
		json_key_str(&j, "code", problem->code ? problem->code : code_of(problem->status));
	}
	json_object_end(&j);
}

/* -- values ------------------------------------------------------------------------------------------ */

void gateway_key_time(struct json *j, const char *key, int64_t us)
{
	if (us != 0) {
		api_key_time(j, key, us);
		return;
	}
	json_key(j, key);
	json_null(j);
}

/* -- lists ------------------------------------------------------------------------------------------- */

void gateway_read_page(struct api_input *in, struct gateway_page *ret)
{
	ret->page = (size_t)api_query_int(in, "page", 1, GATEWAY_PAGE_MAX, 1);
	ret->size = (size_t)api_query_int(in, "page_size", 1, GATEWAY_PAGE_SIZE_MAX, GATEWAY_PAGE_SIZE);
}

size_t gateway_offset(const struct gateway_page *page)
{
	return (page->page - 1) * page->size;
}

/* What the request calls this server; NULL: nothing that could stand in an address. */
static const char *host_of(const struct http_request *request)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";
	enum { HOST_MAX = 255 + sizeof ":65535" };
	const char *host = http_request_header(request, "host");
	if (!host || !*host || strlen(host) > HOST_MAX || host[strspn(host, allowed)] != '\0')
		return NULL;
	return host;
}

/* The address of another page of the same list; null where `page` is 0. */
static void key_page(struct json *j, const char *key, const struct http_request *request, const struct gateway_page *to)
{
	char text[1024]; /* a host, and a path of ours with one id in it */
	const char *host = host_of(request);
	const char *scheme = http_request_is_secure(request) ? "https://" : "http://";
	json_key(j, key);
	if (to->page == 0) {
		json_null(j);
		return;
	}
	(void)snprintf(text, sizeof text, "%s%s%s?page=%zu&page_size=%zu", host ? scheme : "", host ? host : "",
		       http_request_path(request), to->page, to->size);
	json_str(j, text);
}

static void write_list(struct json *j, const struct http_request *request, const struct gateway_list *list)
{
	size_t end = gateway_offset(&list->page) + list->count;
	struct gateway_page next = { (int64_t)end < list->total ? list->page.page + 1 : 0, list->page.size };
	struct gateway_page previous = { list->page.page - 1, list->page.size };
	json_object(j);
	json_key_int(j, "count", list->total);
	key_page(j, "next", request, &next);
	key_page(j, "previous", request, &previous);
	json_key(j, "results");
	json_array(j);
	for (size_t i = 0; i < list->count; i++)
		list->add(j, list->rows, i);
	json_array_end(j);
	json_object_end(j);
}

void gateway_answer_list(struct http_request *request, const struct gateway_list *list)
{
	if (list->count == 0 && list->page.page > 1) {
		api_fail(request, &(struct api_problem){ .status = NOT_FOUND, .message = "there is no such page" });
		return;
	}
	cleanup_strbuf struct strbuf body = STRBUF_INIT(GATEWAY_ANSWER_MAX);
	struct json j = JSON_INIT(&body);
	write_list(&j, request, list);
	api_answer(request, OK, &body);
}
