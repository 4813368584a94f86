/* The form of an upload, part by part as it comes. */
#include <stdio.h>
#include <string.h>

#include "api/service/upload.h"

static enum err_code begin_option(struct upload_form *form, const char *name)
{
	form->part = PART_IGNORED;
	if (!upload_form_has_option(name))
		return ERR_OK;
	form->part = PART_OPTION;
	(void)snprintf(form->option, sizeof form->option, "%s", name);
	form->value_len = 0;
	return ERR_OK;
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
	struct upload_form *form = owner;
	bool is_file = part->filename || strcmp(part->name, "file") == 0;
	if (!is_file)
		return begin_option(form, part->name);
	if (form->has_file)
		return upload_form_wrong(form, "file", "must come once: one upload is one file", err);
	const char *name = part->filename ? last_name(part->filename) : "";
	if (strlen(name) >= sizeof form->name)
		return upload_form_wrong(form, "file", "has too long a name", err);
	if (!is_printable(part->content_type))
		return upload_form_wrong(form, "file", "has a Content-Type that is no text", err);
	form->has_file = true;
	form->part = PART_FILE;
	(void)snprintf(form->name, sizeof form->name, "%s", name[0] ? name : "file");
	/* A longer type than any that is registered is none. */
	if (strlen(part->content_type) < sizeof form->content_type)
		(void)snprintf(form->content_type, sizeof form->content_type, "%s", part->content_type);
	return ERR_OK;
}

static void feed(struct upload_form *form, const char *bytes, size_t len)
{
	form->fed_bytes += len;
	if (!intake_feed(form->intake, bytes, len))
		http_request_pause(form->request);
}

static enum err_code take_file(struct upload_form *form, const char *bytes, size_t len, struct err *err)
{
	if (!form->intake) {
		size_t room = sizeof form->head - form->head_len;
		size_t part = len < room ? len : room;
		memcpy(form->head + form->head_len, bytes, part);
		form->head_len += part;
		bytes += part;
		len -= part;
		if (form->head_len < sizeof form->head)
			return ERR_OK;
		if (upload_form_begin_file(form, err) != ERR_OK)
			return err->code;
		feed(form, form->head, form->head_len);
	}
	if (len > 0)
		feed(form, bytes, len);
	return ERR_OK;
}

static enum err_code on_data(void *owner, const char *bytes, size_t len, struct err *err)
{
	struct upload_form *form = owner;
	if (form->part == PART_FILE)
		return take_file(form, bytes, len, err);
	if (form->part == PART_IGNORED)
		return ERR_OK;
	if (len > OPTION_VALUE_MAX - form->value_len)
		return upload_form_wrong(form, form->option, "has too long a value", err);
	memcpy(form->value + form->value_len, bytes, len);
	form->value_len += len;
	return ERR_OK;
}

static enum err_code on_part_end(void *owner, struct err *err)
{
	struct upload_form *form = owner;
	if (form->part == PART_OPTION) {
		form->value[form->value_len] = '\0';
		if (strlen(form->value) != form->value_len)
			return upload_form_wrong(form, form->option, "is no text", err);
		return upload_form_option(form, form->option, form->value, err);
	}
	/* A file that is shorter than what was held back. */
	if (form->part == PART_FILE && !form->intake) {
		if (form->head_len == 0)
			return upload_form_wrong(form, "file", "is empty", err);
		if (upload_form_begin_file(form, err) != ERR_OK)
			return err->code;
		feed(form, form->head, form->head_len);
	}
	return ERR_OK;
}

const struct multipart_ops upload_parts = { .on_part = on_part, .on_data = on_data, .on_part_end = on_part_end };
