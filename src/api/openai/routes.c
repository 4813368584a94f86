#include "api/openai/openai.h"
#include "base/cleanup.h"
#include "blob/blob.h"

/* The form around a file: its other fields, and the heads of its parts. */
#define UPLOAD_BODY_MAX (BLOB_SIZE_MAX + (uint64_t)1024 * 1024)

static const struct http_route routes[] = {
	{ .method = HTTP_METHOD_POST,
	  .pattern = "/v1/audio/transcriptions",
	  .scope = API_TOKEN,
	  .body = HTTP_BODY_MULTIPART,
	  .body_max = UPLOAD_BODY_MAX,
	  .handler = &openai_transcribe,
	  .operation_id = "openai_create_transcription" },
	{ .method = HTTP_METHOD_POST,
	  .pattern = "/v1/audio/translations",
	  .scope = API_TOKEN,
	  .body = HTTP_BODY_MULTIPART,
	  .body_max = UPLOAD_BODY_MAX,
	  .handler = &openai_translate,
	  .operation_id = "openai_create_translation" },
	{ .method = HTTP_METHOD_GET,
	  .pattern = "/v1/models",
	  .scope = API_TOKEN,
	  .handler = &openai_models,
	  .operation_id = "openai_list_models" },
	{ .method = HTTP_METHOD_GET,
	  .pattern = "/v1/models/{model}",
	  .scope = API_TOKEN,
	  .handler = &openai_model,
	  .operation_id = "openai_get_model" },
};

static const char *const prefixes[] = { "/v1", NULL };

const struct api_dialect api_openai = { .name = "openai",
					.prefixes = prefixes,
					.routes = routes,
					.route_count = ARRAY_LEN(routes),
					.shape = openai_shape };
