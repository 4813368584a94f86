/* The table of routes, and the OpenAPI document against it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/api.h"
#include "api/meta/meta.h"

static struct api_routes routes;
static json_t *document;

static int setup(void **state)
{
	(void)state;
	struct err err;
	json_error_t error;
	if (api_routes_make(&routes, &err) != ERR_OK)
		fail_msg("%s", err.message);
	document = json_loadb(meta_openapi_text, meta_openapi_len, JSON_REJECT_DUPLICATES, &error);
	if (!document)
		fail_msg("the document: %s", error.text);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(document);
	api_routes_done(&routes);
	return 0;
}

/* The operation that the document has for a route; NULL where it has none. */
static json_t *operation_of(const struct http_route *route)
{
	char method[16];
	(void)snprintf(method, sizeof method, "%s", http_method_name(route->method));
	for (char *c = method; *c; c++)
		*c = (char)(*c + ('a' - 'A'));
	return json_object_get(json_object_get(json_object_get(document, "paths"), route->pattern), method);
}

static void every_route_is_in_the_document(void **state)
{
	(void)state;
	for (size_t i = 0; i < routes.count; i++) {
		json_t *operation = operation_of(&routes.rows[i]);
		const char *id = json_string_value(json_object_get(operation, "operationId"));
		if (!id)
			fail_msg("%s %s is not in docs/openapi.json", http_method_name(routes.rows[i].method),
				 routes.rows[i].pattern);
		assert_string_equal(id, routes.rows[i].operation_id);
	}
}

static bool has_route(const char *pattern, const char *method)
{
	for (size_t i = 0; i < routes.count; i++) {
		if (strcmp(routes.rows[i].pattern, pattern) == 0 &&
		    strcasecmp(http_method_name(routes.rows[i].method), method) == 0)
			return true;
	}
	return false;
}

static void every_operation_of_the_document_has_a_route(void **state)
{
	(void)state;
	const char *pattern, *method;
	json_t *item, *operation;
	json_object_foreach(json_object_get(document, "paths"), pattern, item)
	{
		json_object_foreach(item, method, operation)
		{
			if (!has_route(pattern, method))
				fail_msg("%s %s is in docs/openapi.json and nowhere else", method, pattern);
		}
	}
}

/* The document's word on who may, and the table's, are one. */
static void what_is_open_is_said_to_be_open(void **state)
{
	(void)state;
	for (size_t i = 0; i < routes.count; i++) {
		json_t *security = json_object_get(operation_of(&routes.rows[i]), "security");
		bool is_open = json_is_array(security) && json_array_size(security) == 0;
		assert_int_equal(is_open, routes.rows[i].scope == API_ANYBODY);
	}
}

static void each_operation_id_is_used_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < routes.count; i++) {
		for (size_t j = i + 1; j < routes.count; j++)
			assert_string_not_equal(routes.rows[i].operation_id, routes.rows[j].operation_id);
	}
}

/* No host but our own, and no code that the policy does not name. */
static void the_page_needs_nothing_from_elsewhere(void **state)
{
	(void)state;
	assert_non_null(strstr(meta_docs_policy, "default-src 'none'"));
	assert_non_null(strstr(meta_docs_policy, "script-src 'sha256-"));
	assert_null(strstr(meta_docs_policy, "unsafe"));
	assert_null(strstr(meta_docs_text, "http://"));
	assert_null(strstr(meta_docs_text, "https://"));
	assert_null(strstr(meta_docs_text, " style="));
	assert_null(strstr(meta_docs_text, " onclick"));
	assert_int_equal(strlen(meta_docs_text), meta_docs_len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_in_the_document),
		cmocka_unit_test(every_operation_of_the_document_has_a_route),
		cmocka_unit_test(what_is_open_is_said_to_be_open),
		cmocka_unit_test(each_operation_id_is_used_once),
		cmocka_unit_test(the_page_needs_nothing_from_elsewhere),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
