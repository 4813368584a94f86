/* What a request says before its body: its URL and headers, collected piece by piece. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "http/server_priv.h"

enum {
	/* Enough for nearly every request without growing. */
	FIRST_TEXT = 1000,
	FIRST_FIELDS = 24,
	BAD_REQUEST = 400,
	URI_TOO_LONG = 414,
	HEAD_TOO_LARGE = 431,
	NO_MEMORY = 503
};

struct request_head *head_new(const struct http_limits *limits)
{
	struct request_head *head = calloc(1, sizeof *head);
	if (!head)
		return NULL;
	head->text.max = limits->head_bytes;
	if (limits->head_bytes >= FIRST_TEXT)
		(void)strbuf_reserve(&head->text, FIRST_TEXT);
	head->path = "";
	return head;
}

void head_free(struct request_head *head)
{
	if (!head)
		return;
	strbuf_done(&head->text);
	form_done(&head->query);
	free(head->fields);
	free(head);
}

/* Ends the text that was being received, without the blanks behind it, and starts another. */
static void next_text(struct request_head *head)
{
	struct strbuf *text = &head->text;
	while (text->len > head->start && (text->data[text->len - 1] == ' ' || text->data[text->len - 1] == '\t'))
		text->len--;
	strbuf_add_char(text, '\0');
	head->start = (uint32_t)text->len;
}

int head_add_url(struct request_head *head, const char *bytes, size_t len, const struct http_limits *limits)
{
	head->url_len += (uint32_t)len;
	if (head->url_len > limits->url_bytes)
		return URI_TOO_LONG;
	strbuf_add(&head->text, bytes, len);
	return head->text.failed ? HEAD_TOO_LARGE : 0;
}

static int new_field(struct request_head *head, const struct http_limits *limits)
{
	next_text(head);
	if (head->field_count == limits->headers || head->text.failed)
		return HEAD_TOO_LARGE;
	if (head->field_count == head->field_capacity) {
		uint32_t capacity = head->field_capacity ? head->field_capacity * 2 : FIRST_FIELDS;
		struct head_field *fields = realloc(head->fields, capacity * sizeof *fields);
		if (!fields)
			return NO_MEMORY;
		head->fields = fields;
		head->field_capacity = capacity;
	}
	head->fields[head->field_count++] = (struct head_field){ .name = head->start, .value = head->start };
	return 0;
}

int head_add_name(struct request_head *head, const char *bytes, size_t len, const struct http_limits *limits)
{
	if (head->field_count == 0 || head->in_value) {
		int status = new_field(head, limits);
		if (status)
			return status;
		head->in_value = false;
	}
	strbuf_add(&head->text, bytes, len);
	return head->text.failed ? HEAD_TOO_LARGE : 0;
}

int head_add_value(struct request_head *head, const char *bytes, size_t len)
{
	if (!head->in_value) {
		next_text(head);
		head->fields[head->field_count - 1].value = head->start;
		head->in_value = true;
	}
	strbuf_add(&head->text, bytes, len);
	return head->text.failed ? HEAD_TOO_LARGE : 0;
}

/* The path in a request's target: behind scheme and authority where a client sends an absolute one. */
static char *find_path(char *url)
{
	static const char *const schemes[] = { "http://", "https://" };
	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(schemes[i]);
		if (strncasecmp(url, schemes[i], len) == 0)
			return url + len + strcspn(url + len, "/?");
	}
	return url;
}

/* An encoded slash would be another segment after decoding, "." and ".." are for the client to resolve. */
static bool path_is_sound(const char *path, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)path[i] < ' ' || path[i] == 0x7f)
			return false;
		if (path[i] != '/')
			continue;
		const char *slash = memchr(path + i + 1, '/', len - i - 1);
		size_t segment = slash ? (size_t)(slash - path) - i - 1 : len - i - 1;
		if ((segment == 1 && path[i + 1] == '.') || (segment == 2 && memcmp(path + i + 1, "..", 2) == 0))
			return false;
	}
	return utf8_is_valid(path, len);
}

int head_finish(struct request_head *head, const char **ret_reason)
{
	next_text(head);
	if (head->text.failed)
		return HEAD_TOO_LARGE;
	char *path = find_path(head->text.data);
	char *query = strchr(path, '?');
	struct err err;
	if (query)
		*query++ = '\0';
	size_t len = strlen(path);
	/* As far as it goes: whoever owns the path gives an error its shape. */
	head->path = path;
	if (len == 0) { /* "http://host" */
		head->path = "/";
		len = 1;
	} else if (strcasestr(path, "%2f") || !percent_decode(path, &len, false) || !path_is_sound(path, len)) {
		*ret_reason = "the path of the address is not sound";
		return BAD_REQUEST;
	} else {
		path[len] = '\0';
	}
	head->path_len = len;
	if (query && *query && form_parse(query, strlen(query), &head->query, &err)) {
		*ret_reason = "the query of the address is not sound";
		return BAD_REQUEST;
	}
	return 0;
}

const char *head_get(const struct request_head *head, const char *name)
{
	for (uint32_t i = 0; i < head->field_count; i++) {
		if (strcasecmp(head->text.data + head->fields[i].name, name) == 0)
			return head->text.data + head->fields[i].value;
	}
	return NULL;
}

const char *head_get_before(const struct request_head *head, const char *name, uint32_t *at)
{
	while (*at > 0) {
		const struct head_field *field = &head->fields[--*at];
		if (strcasecmp(head->text.data + field->name, name) == 0)
			return head->text.data + field->value;
	}
	return NULL;
}

const char *head_twice(const struct request_head *head)
{
	static const char *const singles[] = { "authorization", "content-type", "range",
					       "x-api-key",	"x-upload-id",	"idempotency-key" };
	unsigned seen = 0;
	for (uint32_t i = 0; i < head->field_count; i++) {
		const char *name = head->text.data + head->fields[i].name;
		for (size_t k = 0; k < ARRAY_LEN(singles); k++) {
			if (strcasecmp(name, singles[k]) != 0)
				continue;
			if (seen & 1U << k)
				return singles[k];
			seen |= 1U << k;
		}
	}
	return NULL;
}

void head_rescue_path(struct request_head *head)
{
	if (head->text.failed)
		return;
	/* Without a header the address is the last text, as far as it came. */
	if (head->field_count == 0)
		next_text(head);
	if (head->text.failed)
		return;
	char *path = find_path(head->text.data);
	path[strcspn(path, "?")] = '\0';
	head->path = path;
	head->path_len = strlen(path);
}

int head_count(const struct request_head *head, const char *name)
{
	int count = 0;
	for (uint32_t i = 0; i < head->field_count; i++)
		count += strcasecmp(head->text.data + head->fields[i].name, name) == 0;
	return count;
}
