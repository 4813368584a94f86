#include "api/meta/meta.h"
#include "base/cleanup.h"
#include "base/json.h"

#define OPEN(path, handler_name, id)                                                                                   \
	{                                                                                                              \
		.method = HTTP_METHOD_GET, .pattern = (path), .scope = API_ANYBODY, .handler = &(handler_name),        \
		.operation_id = (id)                                                                                   \
	}

static const struct http_route health[] = {
	OPEN("/livez", meta_livez, "livez"),
	OPEN("/readyz", meta_readyz, "readyz"),
};

static const struct http_route documents[] = {
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

/* Whatever nobody else owns, what was malformed before it had a path too. */
static const char *const health_prefixes[] = { "", NULL };
static const char *const document_prefixes[] = { NULL };

const struct api_dialect api_health = { .name = "health",
					.prefixes = health_prefixes,
					.routes = health,
					.route_count = ARRAY_LEN(health),
					.shape = shape };
const struct api_dialect api_documents = { .name = "documents",
					   .prefixes = document_prefixes,
					   .routes = documents,
					   .route_count = ARRAY_LEN(documents),
					   .shape = shape };
