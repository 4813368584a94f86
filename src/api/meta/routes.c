#include "api/meta/meta.h"
#include "base/json.h"

#define OPEN(path, handler_name, id)                                                                                   \
	{                                                                                                              \
		.method = HTTP_METHOD_GET, .pattern = (path), .scope = API_ANYBODY, .handler = &(handler_name),        \
		.operation_id = (id)                                                                                   \
	}

static const struct http_route routes[] = {
	OPEN("/livez", meta_livez, "livez"),
	OPEN("/readyz", meta_readyz, "readyz"),
	OPEN("/openapi.json", meta_openapi, "openapi"),
	OPEN("/docs", meta_docs, "docs"),
};

static void shape(const struct api_problem *problem, struct strbuf *body)
{
	struct json j = JSON_INIT(body);
	json_object(&j);
	json_key_str(&j, "error", problem->message);
	json_object_end(&j);
}

const struct api_dialect api_meta = {
	.name = "meta", .routes = routes, .route_count = sizeof routes / sizeof routes[0], .shape = shape
};
