/* The form of an upload, part by part as it comes. */
#include <stdio.h>
#include <string.h>

#include "api/upload/upload_priv.h"

static void begin_option(struct api_upload *upload, const char *name)
{
	upload->option = api_upload_find_option(upload, name);
	upload->part = upload->option ? API_PART_OPTION : API_PART_IGNORED;
	upload->value_len = 0;
}

/* Some browsers send a whole path; only its last name is a name. */
static const char *last_name(const char *path)
{
	const char *name = path;
	for (const char *c = path; *c; c++) {
		if (*c == '/' || *c == '\\')
			name = c + 1;
	}
	return name;
}

/* RFC 9110, 5.5: what a header's value is made of today. */
static bool is_printable(const char *text)
{
	for (const char *c = text; *c; c++) {
		if (*c < ' ' || *c > '~')
			return false;
	}
	return true;
}

static enum err_code on_part(void *owner, const struct multipart_part *part, struct err *err)
{
	struct api_upload *upload = owner;
	const char *field = upload->kind->file_field;
	if (!part->filename && strcmp(part->name, field) != 0) {
		begin_option(upload, part->name);
		return ERR_OK;
	}
	if (upload->has_file)
		return api_upload_wrong(upload, field, "must come once: one upload is one file", err);
	const char *name = part->filename ? last_name(part->filename) : "";
	if (strlen(name) >= sizeof upload->name)
		return api_upload_wrong(upload, field, "has too long a name", err);
	if (!is_printable(part->content_type))
		return api_upload_wrong(upload, field, "has a Content-Type that is no text", err);
	upload->has_file = true;
	upload->part = API_PART_FILE;
	(void)snprintf(upload->name, sizeof upload->name, "%s", name[0] ? name : "file");
	/* A longer type than any that is registered is none. */
	if (strlen(part->content_type) < sizeof upload->content_type)
		(void)snprintf(upload->content_type, sizeof upload->content_type, "%s", part->content_type);
	return ERR_OK;
}

static void feed(struct api_upload *upload, const char *bytes, size_t len)
{
	upload->fed_bytes += len;
	if (!intake_feed(upload->intake, bytes, len))
		http_request_pause(upload->request);
}

static enum err_code take_file(struct api_upload *upload, const char *bytes, size_t len, struct err *err)
{
	if (!upload->intake) {
		size_t room = sizeof upload->head - upload->head_len;
		size_t part = len < room ? len : room;
		memcpy(upload->head + upload->head_len, bytes, part);
		upload->head_len += part;
		bytes += part;
		len -= part;
		if (upload->head_len < sizeof upload->head)
			return ERR_OK;
		if (api_upload_begin_file(upload, err) != ERR_OK)
			return err->code;
		feed(upload, upload->head, upload->head_len);
	}
	if (len > 0)
		feed(upload, bytes, len);
	return ERR_OK;
}

static enum err_code on_data(void *owner, const char *bytes, size_t len, struct err *err)
{
	struct api_upload *upload = owner;
	if (upload->part == API_PART_FILE)
		return take_file(upload, bytes, len, err);
	if (upload->part == API_PART_IGNORED)
		return ERR_OK;
	if (len > API_OPTION_VALUE_MAX - upload->value_len)
		return api_upload_wrong(upload, upload->option->name, "has too long a value", err);
	memcpy(upload->value + upload->value_len, bytes, len);
	upload->value_len += len;
	return ERR_OK;
}

static enum err_code on_part_end(void *owner, struct err *err)
{
	struct api_upload *upload = owner;
	if (upload->part == API_PART_OPTION) {
		upload->value[upload->value_len] = '\0';
		if (strlen(upload->value) != upload->value_len)
			return api_upload_wrong(upload, upload->option->name, "is no text", err);
		return upload->option->take(upload, upload->value, err);
	}
	/* A file that is shorter than what was held back. */
	if (upload->part == API_PART_FILE && !upload->intake) {
		if (upload->head_len == 0)
			return api_upload_wrong(upload, upload->kind->file_field, "is empty", err);
		if (api_upload_begin_file(upload, err) != ERR_OK)
			return err->code;
		feed(upload, upload->head, upload->head_len);
	}
	return ERR_OK;
}

const struct multipart_ops api_upload_parts = { .on_part = on_part, .on_data = on_data, .on_part_end = on_part_end };
