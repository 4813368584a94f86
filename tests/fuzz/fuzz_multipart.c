/* A multipart body of any bytes: cut in two ways it says the same, parts begin and end in turn, and nothing is told
 * that was not sent. The first byte chooses the cut. The boundary is "b". */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/utf8.h"
#include "http/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOG_MAX = 1 << 24 };

struct reader {
	struct strbuf log;
	bool in_part;
	size_t bytes;
};

static enum err_code on_part(void *owner, const struct multipart_part *part, struct err *err)
{
	(void)err;
	struct reader *r = owner;
	assert(!r->in_part && utf8_is_valid(part->name, strlen(part->name)));
	assert(!part->filename || utf8_is_valid(part->filename, strlen(part->filename)));
	strbuf_addf(&r->log, "[%s|%s|%s]", part->name, part->filename ? part->filename : "-", part->content_type);
	r->in_part = true;
	return ERR_OK;
}

static enum err_code on_data(void *owner, const char *bytes, size_t len, struct err *err)
{
	(void)err;
	struct reader *r = owner;
	assert(r->in_part && len > 0);
	strbuf_add(&r->log, bytes, len);
	r->bytes += len;
	return ERR_OK;
}

static enum err_code on_part_end(void *owner, struct err *err)
{
	(void)err;
	struct reader *r = owner;
	assert(r->in_part);
	strbuf_add_str(&r->log, "$");
	r->in_part = false;
	return ERR_OK;
}

static enum err_code run(struct reader *r, const char *body, size_t len, size_t piece)
{
	static const struct multipart_ops ops = { on_part, on_data, on_part_end };
	struct multipart *m;
	struct err err;
	enum err_code code = multipart_new("multipart/form-data; boundary=b", &ops, r, &m, &err);
	if (code)
		abort();
	for (size_t at = 0; at < len && !code; at += piece) {
		piece = piece < len - at ? piece : len - at;
		code = multipart_feed(m, body + at, piece, &err);
	}
	if (!code)
		code = multipart_finish(m, &err);
	assert(code || !r->in_part);
	multipart_free(m);
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct reader whole = { .log = STRBUF_INIT(LOG_MAX) }, cut = { .log = STRBUF_INIT(LOG_MAX) };
	enum err_code code = run(&whole, (const char *)data + 1, size - 1, size);
	enum err_code other = run(&cut, (const char *)data + 1, size - 1, (size_t)data[0] + 1);
	assert(code == other && whole.bytes <= size && whole.log.len == cut.log.len);
	assert(whole.log.len == 0 || memcmp(whole.log.data, cut.log.data, cut.log.len) == 0);
	strbuf_done(&whole.log);
	strbuf_done(&cut.log);
	return 0;
}
