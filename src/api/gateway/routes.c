#include "api/gateway/gateway.h"
#include "base/cleanup.h"

#define ROUTE(verb, path, handler_name, id)                                                                            \
	{                                                                                                              \
		.method = HTTP_METHOD_##verb, .pattern = "/api" path, .scope = API_USER, .handler = &(handler_name),   \
		.operation_id = (id)                                                                                   \
	}
#define WITH_BODY(verb, path, handler_name, id)                                                                        \
	{                                                                                                              \
		.method = HTTP_METHOD_##verb, .pattern = "/api" path, .scope = API_USER, .body = HTTP_BODY_JSON,       \
		.body_max = API_JSON_MAX, .handler = &(handler_name), .operation_id = (id)                             \
	}

#define AUTH(path, handler_name, id)                                                                                   \
	{                                                                                                              \
		.method = HTTP_METHOD_POST, .pattern = "/api/auth" path, .scope = API_ANYBODY, .body = HTTP_BODY_JSON, \
		.body_max = API_JSON_MAX, .handler = &(handler_name), .operation_id = (id)                             \
	}

static const struct http_route routes[] = {
	AUTH("/register", gateway_register, "gateway_register"),
	AUTH("/login", gateway_log_in, "gateway_login"),
	AUTH("/refresh", gateway_refresh, "gateway_refresh"),
	AUTH("/logout", gateway_log_out, "gateway_logout"),
	ROUTE(GET, "/auth/me", gateway_me, "gateway_me"),

	WITH_BODY(POST, "/apps", gateway_add_app, "gateway_create_app"),
	ROUTE(GET, "/apps", gateway_apps, "gateway_list_apps"),
	ROUTE(GET, "/apps/{app_id}", gateway_app, "gateway_get_app"),
	WITH_BODY(PATCH, "/apps/{app_id}", gateway_change_app, "gateway_update_app"),
	ROUTE(DELETE, "/apps/{app_id}", gateway_delete_app, "gateway_delete_app"),
	ROUTE(POST, "/apps/{app_id}/activate", gateway_activate, "gateway_activate_app"),
	ROUTE(POST, "/apps/{app_id}/deactivate", gateway_deactivate, "gateway_deactivate_app"),

	WITH_BODY(POST, "/apps/{app_id}/tokens", gateway_add_token, "gateway_create_token"),
	ROUTE(GET, "/apps/{app_id}/tokens", gateway_tokens, "gateway_list_tokens"),
	ROUTE(POST, "/apps/{app_id}/tokens/{token_id}/revoke", gateway_revoke, "gateway_revoke_token"),

	ROUTE(GET, "/apps/{app_id}/usage", gateway_app_usage, "gateway_get_app_usage"),
};

static const char *const prefixes[] = { "/api", NULL };

const struct api_dialect api_gateway = { .name = "gateway",
					 .prefixes = prefixes,
					 .routes = routes,
					 .route_count = ARRAY_LEN(routes),
					 .shape = gateway_shape };
