/* GET /files/{file_id}/content: the bytes, whole or a range. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/service/service.h"
#include "base/cleanup.h"
#include "files/reader.h"
#include "http/content.h"
#include "http/response.h"

enum { CONFLICT = 409 };

/* Of a request whose bytes are being read; its context. */
struct content {
	struct http_request *request;
	struct job_file file;
	struct reader *reader;
};

/* -- headers ------------------------------------------------------------------------------------------- */

/* Only what a player plays is named by its type; what a browser might run is bytes to be saved. */
static const char *type_of(const struct job_file *file)
{
	static const char *const kinds[] = { "audio/", "video/" };
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strncasecmp(file->content_type, kinds[i], strlen(kinds[i])) == 0)
			return file->content_type;
	}
	return "application/octet-stream";
}

/* RFC 6266 with the name as RFC 8187 writes it, in ASCII whatever it is. */
static void add_disposition(struct strbuf *out, const char *name)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	strbuf_add_str(out, "attachment; filename*=UTF-8''");
	for (const char *c = name; *c; c++) {
		if (strchr(plain, *c))
			strbuf_add_char(out, *c);
		else
			strbuf_addf(out, "%%%02X", (unsigned char)*c);
	}
}

/* -- bytes --------------------------------------------------------------------------------------------- */

static void want(struct http_request *request, uint64_t offset, size_t len)
{
	struct content *content = http_request_context(request);
	reader_want(content->reader, offset, len < READER_RANGE_MAX ? len : READER_RANGE_MAX);
}

static void on_bytes(void *owner, const void *bytes, size_t len, const struct err *why)
{
	struct content *content = owner;
	if (why->code == ERR_OK && len > 0)
		http_content_give(content->request, bytes, len);
	else
		http_stream_abort(content->request);
}

static void on_open(void *owner, const struct vault_info *info, const struct err *why)
{
	struct content *content = owner;
	char etag[SHA256_HEX_SIZE + 2];
	cleanup_strbuf struct strbuf disposition = STRBUF_INIT(8 * FILE_NAME_MAX_BYTES);
	if (why->code != ERR_OK) {
		api_fail_err(content->request, why);
		return;
	}
	(void)snprintf(etag, sizeof etag, "\"%s\"", info->sha256);
	add_disposition(&disposition, content->file.name);
	/* The bytes behind an id never change; who may read them does. */
	const struct http_header headers[] = { { "Content-Disposition", strbuf_str(&disposition) },
					       { "Cache-Control", "private, no-cache" } };
	const struct http_content answer = { .size_bytes = info->plain_bytes,
					     .etag = etag,
					     .content_type = type_of(&content->file),
					     .headers = headers,
					     .header_count = ARRAY_LEN(headers),
					     .want = want };
	http_reply_content(content->request, &answer);
}

static const struct reader_events reader_callbacks = { .on_open = on_open, .on_bytes = on_bytes };

/* -- the handler --------------------------------------------------------------------------------------- */

struct content_call {
	struct api_call call; /* first */
	struct uuid id;
	struct job_file file;
};

static struct content_call *content_of(struct api_call *call)
{
	return (struct content_call *)call;
}

static enum err_code run(struct api_call *call, struct err *err)
{
	struct content_call *c = content_of(call);
	return job_file_find(call->api->files->db, &call->user, &c->id, &c->file, err);
}

static void reply(struct api_call *call)
{
	const struct content_call *c = content_of(call);
	struct err err;
	if (!c->file.is_stored) {
		const struct api_problem problem = { .status = CONFLICT,
						     .message = "the file is still being uploaded",
						     .state = service_state_name(c->file.state) };
		api_fail(call->request, &problem);
		return;
	}
	struct content *content = malloc(sizeof *content);
	if (!content) {
		http_reply_error(call->request, 503, NULL);
		return;
	}
	*content = (struct content){ .request = call->request, .file = c->file };
	http_request_set_context(call->request, content);
	if (reader_new(call->api->files, call->api->transfers, &c->id, &reader_callbacks, content, &content->reader,
		       &err) != ERR_OK)
		api_fail_err(call->request, &err);
}

static const struct api_call_kind kind = { .size = sizeof(struct content_call), .run = run, .reply = reply };

static void on_end(struct http_request *request)
{
	struct api_input in;
	struct content_call *c = api_call_new(request, &kind);
	if (!c)
		return;
	api_input_init(&in, request);
	api_path_id(&in, "file_id", "file", &c->id);
	api_call_start_with(&c->call, &in);
}

static void on_close(struct http_request *request, enum http_outcome outcome)
{
	struct content *content = http_request_context(request);
	(void)outcome;
	if (content)
		reader_close(content->reader);
	free(content);
}

const struct http_handler service_content = { .on_end = on_end, .on_close = on_close };
