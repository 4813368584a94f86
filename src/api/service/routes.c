#include "api/service/service.h"
#include "base/cleanup.h"

/* The form around a file: its other fields, and the heads of its parts. */
#define UPLOAD_BODY_MAX (BLOB_SIZE_MAX + (uint64_t)1024 * 1024)

#define ROUTE(verb, path, handler_name, id)                                                                            \
	{                                                                                                              \
		.method = HTTP_METHOD_##verb, .pattern = "/api/v1" path, .scope = API_USER,                            \
		.handler = &(handler_name), .operation_id = (id)                                                       \
	}
#define AUTH(path, handler_name, id)                                                                                   \
	{                                                                                                              \
		.method = HTTP_METHOD_POST, .pattern = "/api/v1/auth" path, .scope = API_ANYBODY,                      \
		.body = HTTP_BODY_JSON, .body_max = API_JSON_MAX, .handler = &(handler_name), .operation_id = (id)     \
	}

static const struct http_route routes[] = {
	AUTH("/register", service_register, "service_register"),
	AUTH("/login", service_log_in, "service_login"),
	AUTH("/refresh", service_refresh, "service_refresh"),

	{ .method = HTTP_METHOD_POST,
	  .pattern = "/api/v1/files/upload",
	  .scope = API_USER,
	  .body = HTTP_BODY_MULTIPART,
	  .body_max = UPLOAD_BODY_MAX,
	  .handler = &service_upload,
	  .operation_id = "service_upload_file" },
	ROUTE(GET, "/files", service_files, "service_list_files"),
	ROUTE(GET, "/files/{file_id}", service_file, "service_get_file"),
	ROUTE(GET, "/files/{file_id}/content", service_content, "service_get_content"),
	ROUTE(GET, "/files/{file_id}/events", service_events, "service_get_events"),
	ROUTE(DELETE, "/files/{file_id}", service_delete_file, "service_delete_file"),

	ROUTE(GET, "/jobs", service_jobs, "service_list_jobs"),
	ROUTE(GET, "/jobs/{job_id}", service_job, "service_get_job"),
	ROUTE(POST, "/jobs/{job_id}/cancel", service_cancel, "service_cancel_job"),
	ROUTE(POST, "/jobs/{job_id}/retry", service_retry, "service_retry_job"),

	ROUTE(GET, "/transcriptions/{job_id}", service_transcription, "service_get_transcription"),

	ROUTE(GET, "/keys/files/{file_id}/key", service_file_key, "service_get_file_key"),
	ROUTE(POST, "/keys/files/{file_id}/shares/{user_id}", service_share, "service_share_file"),
	ROUTE(DELETE, "/keys/files/{file_id}/shares/{user_id}", service_unshare, "service_unshare_file"),
	{ .method = HTTP_METHOD_PUT,
	  .pattern = "/api/v1/keys/me",
	  .scope = API_USER,
	  .body = HTTP_BODY_JSON,
	  .body_max = API_JSON_MAX,
	  .handler = &service_own_key,
	  .operation_id = "service_register_own_key" },
};

static const char *const prefixes[] = { "/api/v1", NULL };

const struct api_dialect api_service = { .name = "service",
					 .prefixes = prefixes,
					 .routes = routes,
					 .route_count = ARRAY_LEN(routes),
					 .shape = service_shape };
