/* The routes of all dialects together, and what every answer has. */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

#include "api/api_priv.h"

const struct api_dialect *const api_dialects[] = { &api_health, &api_documents, &api_service, &api_gateway,
						   &api_openai };
const size_t api_dialect_count = ARRAY_LEN(api_dialects);

struct api *api_of(const struct http_request *request)
{
	return http_server_owner(http_request_server(request));
}

/* -- routes ------------------------------------------------------------------------------------------ */

enum err_code api_routes_make(enum api_extent extent, struct api_routes *ret, struct err *err)
{
	struct api_routes all = { .count = 0 };
	size_t count = extent == API_HEALTH_ONLY ? 1 : api_dialect_count;
	for (size_t i = 0; i < count; i++)
		all.count += api_dialects[i]->route_count;
	all.rows = calloc(all.count, sizeof *all.rows);
	if (!all.rows)
		return err_set(err, ERR_NO_MEMORY, "no memory for routes");
	struct http_route *next = all.rows;
	for (size_t i = 0; i < count; i++) {
		memcpy(next, api_dialects[i]->routes, api_dialects[i]->route_count * sizeof *next);
		next += api_dialects[i]->route_count;
	}
	if (http_router_new(all.rows, all.count, &all.router, err) != ERR_OK) {
		free(all.rows);
		return err->code;
	}
	*ret = all;
	return ERR_OK;
}

void api_routes_done(struct api_routes *routes)
{
	http_router_free(routes->router);
	free(routes->rows);
	*routes = (struct api_routes){ .count = 0 };
}

/* -- every answer ------------------------------------------------------------------------------------ */

const struct http_header *api_security_headers(size_t *ret_count)
{
	/* What the API answers is data: a browser that is led to it by a link shall run and load nothing of it. */
	static const struct http_header headers[] = {
		{ "Content-Security-Policy",
		  "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'" },
		{ "X-Frame-Options", "DENY" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-XSS-Protection", "0" }, /* the old filters were themselves a hole */
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Cache-Control", "no-store" },
		/* For TLS, here or in the proxy before us; browsers pass over it where there is none. */
		{ "Strict-Transport-Security", "max-age=31536000; includeSubDomains" },
	};
	*ret_count = ARRAY_LEN(headers);
	return headers;
}

static void on_access(void *owner, const struct http_access *access)
{
	const struct api *api = owner;
	char address[64];
	http_request_address(access->request, address, sizeof address);
	access_log_add(api->access_log, access, address);
}

struct http_server_ops api_server_ops(void)
{
	return (struct http_server_ops){ .authenticate = api_authenticate,
					 .shape_error = api_shape_error,
					 .on_access = on_access };
}
