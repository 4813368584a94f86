#include "http/multipart.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/limits.h"
#include "http/params.h"

enum {
	DELIMITER_MAX = 4 + HTTP_BOUNDARY_MAX, /* CR LF - - boundary */
	TYPE_MAX = 256,
	DISPOSITION_MAX = HTTP_PART_HEAD_MAX
};

enum state {
	STATE_DATA, /* before the first boundary, or in a part */
	STATE_BOUNDARY, /* behind a boundary: blanks, then a line end or "--" */
	STATE_HEAD,
	STATE_END /* what follows the last boundary is ignored */
};

struct multipart {
	const struct multipart_ops *ops; /* borrowed */
	void *owner;
	enum state state;
	bool in_part;
	int parts;
	char delimiter[DELIMITER_MAX];
	size_t delimiter_len;
	/* Bytes of the data that may be the beginning of a delimiter; fewer than it has. */
	char carry[DELIMITER_MAX];
	size_t carry_len;
	char after[2]; /* the two bytes behind a boundary */
	size_t after_len;
	char head[HTTP_PART_HEAD_MAX + 1];
	size_t head_len;
};

enum err_code multipart_new(const char *content_type, const struct multipart_ops *ops, void *owner,
			    struct multipart **ret, struct err *err)
{
	char boundary[HTTP_BOUNDARY_MAX + 1];
	if (header_param(content_type, "boundary", boundary, sizeof boundary) != PARAM_FOUND || !boundary[0])
		return err_set(err, ERR_INVALID, "the multipart body has no boundary of 1 to %d characters",
			       HTTP_BOUNDARY_MAX);
	struct multipart *m = calloc(1, sizeof *m);
	if (!m)
		return err_set(err, ERR_NO_MEMORY, "no memory for a multipart body");
	m->ops = ops;
	m->owner = owner;
	m->delimiter_len = 4 + strlen(boundary);
	memcpy(m->delimiter, "\r\n--", 4);
	memcpy(m->delimiter + 4, boundary, m->delimiter_len - 4);
	/* The first boundary may open the body, without the line end that the others have. */
	memcpy(m->carry, "\r\n", 2);
	m->carry_len = 2;
	*ret = m;
	return ERR_OK;
}

void multipart_free(struct multipart *m)
{
	free(m);
}

/* -- a part's head ------------------------------------------------------------------------------- */

/* The value of a header line in the head, copied and ended by 0; false: not there, too long, or with a 0 byte. */
static bool head_value(const struct multipart *m, const char *name, char *buffer, size_t size)
{
	size_t name_len = strlen(name);
	const char *line = m->head, *end = m->head + m->head_len;
	while (line < end) {
		const char *stop = memmem(line, (size_t)(end - line), "\r\n", 2);
		stop = stop ? stop : end;
		if ((size_t)(stop - line) > name_len && strncasecmp(line, name, name_len) == 0 &&
		    line[name_len] == ':') {
			const char *value = line + name_len + 1;
			while (value < stop && (*value == ' ' || *value == '\t'))
				value++;
			size_t len = (size_t)(stop - value);
			if (len >= size || memchr(value, '\0', len))
				return false;
			memcpy(buffer, value, len);
			buffer[len] = '\0';
			return true;
		}
		line = stop + 2;
	}
	return false;
}

static enum err_code tell_part(struct multipart *m, struct err *err)
{
	char disposition[DISPOSITION_MAX], type[TYPE_MAX];
	char name[HTTP_PART_NAME_MAX], filename[HTTP_PART_FILENAME_MAX];
	if (++m->parts > HTTP_PARTS_MAX)
		return err_set(err, ERR_TOO_BIG, "the body has more than %d parts", HTTP_PARTS_MAX);
	if (!head_value(m, "content-disposition", disposition, sizeof disposition) ||
	    !header_is(disposition, "form-data") || header_param(disposition, "name", name, sizeof name) != PARAM_FOUND)
		return err_set(err, ERR_INVALID, "part %d of the body has no sound name", m->parts);
	enum param_result has_file = header_param(disposition, "filename*", filename, sizeof filename);
	if (has_file == PARAM_ABSENT)
		has_file = header_param(disposition, "filename", filename, sizeof filename);
	if (has_file == PARAM_BAD)
		return err_set(err, ERR_INVALID, "the file name of part \"%s\" is not sound", name);
	if (!head_value(m, "content-type", type, sizeof type))
		type[0] = '\0';
	const struct multipart_part part = { .name = name,
					     .filename = has_file == PARAM_FOUND ? filename : NULL,
					     .content_type = type };
	enum err_code code = m->ops->on_part(m->owner, &part, err);
	m->in_part = !code;
	return code;
}

/* -- the body ------------------------------------------------------------------------------------ */

static enum err_code tell_data(const struct multipart *m, const char *bytes, size_t len, struct err *err)
{
	/* What stands before the first boundary is nobody's. */
	return len > 0 && m->in_part ? m->ops->on_data(m->owner, bytes, len, err) : ERR_OK;
}

static enum err_code boundary_found(struct multipart *m, struct err *err)
{
	bool was_in_part = m->in_part;
	m->in_part = false;
	m->state = STATE_BOUNDARY;
	m->after_len = m->carry_len = 0;
	return was_in_part ? m->ops->on_part_end(m->owner, err) : ERR_OK;
}

/* How many bytes at the end of `bytes` may be the beginning of a delimiter. */
static size_t partial_delimiter(const struct multipart *m, const char *bytes, size_t len)
{
	size_t most = len < m->delimiter_len - 1 ? len : m->delimiter_len - 1;
	const char *end = bytes + len;
	for (const char *at = end - most; (at = memchr(at, '\r', (size_t)(end - at))); at++) {
		if (memcmp(at, m->delimiter, (size_t)(end - at)) == 0)
			return (size_t)(end - at);
	}
	return 0;
}

/* Takes one byte behind what is kept back. Ends when nothing is kept back any more, or the boundary is complete. */
static enum err_code feed_carry(struct multipart *m, char byte, struct err *err)
{
	char kept[DELIMITER_MAX];
	m->carry[m->carry_len++] = byte;
	if (m->carry_len == m->delimiter_len && memcmp(m->carry, m->delimiter, m->delimiter_len) == 0)
		return boundary_found(m, err);
	size_t keep = partial_delimiter(m, m->carry, m->carry_len);
	size_t give = m->carry_len - keep;
	memcpy(kept, m->carry, give);
	memmove(m->carry, m->carry + give, keep);
	m->carry_len = keep;
	return tell_data(m, kept, give, err);
}

/* Each feed_* takes bytes from the front and returns through *used how many. */
static enum err_code feed_data(struct multipart *m, const char *bytes, size_t len, size_t *used, struct err *err)
{
	if (m->carry_len > 0) {
		*used = 1;
		return feed_carry(m, bytes[0], err);
	}
	const char *found = memmem(bytes, len, m->delimiter, m->delimiter_len);
	size_t keep = found ? 0 : partial_delimiter(m, bytes, len);
	size_t give = found ? (size_t)(found - bytes) : len - keep;
	memcpy(m->carry, bytes + give, keep);
	m->carry_len = keep;
	*used = give + (found ? m->delimiter_len : keep);
	enum err_code code = tell_data(m, bytes, give, err);
	return found && !code ? boundary_found(m, err) : code;
}

static enum err_code feed_boundary(struct multipart *m, char byte, struct err *err)
{
	/* RFC 2046 allows blanks behind a boundary. */
	if (m->after_len == 0 && (byte == ' ' || byte == '\t'))
		return ERR_OK;
	m->after[m->after_len++] = byte;
	if (m->after_len < 2)
		return ERR_OK;
	if (memcmp(m->after, "--", 2) == 0) {
		m->state = STATE_END;
		return ERR_OK;
	}
	if (memcmp(m->after, "\r\n", 2) != 0)
		return err_set(err, ERR_INVALID, "a boundary of the multipart body is followed by other bytes");
	m->state = STATE_HEAD;
	m->head_len = 0;
	return ERR_OK;
}

static enum err_code feed_head(struct multipart *m, char byte, struct err *err)
{
	if (m->head_len == HTTP_PART_HEAD_MAX)
		return err_set(err, ERR_TOO_BIG, "the head of part %d is longer than %d bytes", m->parts + 1,
			       HTTP_PART_HEAD_MAX);
	m->head[m->head_len++] = byte;
	bool ends = byte == '\n' && m->head_len >= 4 && memcmp(m->head + m->head_len - 4, "\r\n\r\n", 4) == 0;
	if (!ends)
		return ERR_OK;
	m->state = STATE_DATA;
	m->head_len -= 4;
	return tell_part(m, err);
}

enum err_code multipart_feed(struct multipart *m, const char *bytes, size_t len, struct err *err)
{
	enum err_code code = ERR_OK;
	while (len > 0 && !code && m->state != STATE_END) {
		size_t used = 1;
		if (m->state == STATE_DATA)
			code = feed_data(m, bytes, len, &used, err);
		else if (m->state == STATE_BOUNDARY)
			code = feed_boundary(m, bytes[0], err);
		else
			code = feed_head(m, bytes[0], err);
		bytes += used;
		len -= used;
	}
	return code;
}

enum err_code multipart_finish(const struct multipart *m, struct err *err)
{
	if (m->state != STATE_END)
		return err_set(err, ERR_INVALID, "the multipart body broke off before its last boundary");
	return ERR_OK;
}
