#include "api/access_log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/strbuf.h"

enum {
	/* More than a turn of the loop has; a turn with more is written in pieces. */
	LINES_BYTES = 64 * 1024,
	LINE_BYTES = 1024
};

struct access_log {
	uv_prepare_t turn; /* its end */
	uv_idle_t pending; /* active while lines wait, so that the loop does not */
	int handles; /* that are not closed */
	struct strbuf lines;
};

static void write_lines(struct access_log *log)
{
	struct err err;
	enum err_code code = io_write_all(STDERR_FILENO, log->lines.data, log->lines.len, &err);
	(void)code; /* nobody can be told */
	strbuf_clear(&log->lines);
	(void)uv_idle_stop(&log->pending);
}

static void on_turn(uv_prepare_t *turn)
{
	write_lines(turn->data);
}

static void on_pending(uv_idle_t *pending)
{
	(void)pending;
}

enum err_code access_log_new(struct uv_loop_s *loop, struct access_log **ret, struct err *err)
{
	struct access_log *log = calloc(1, sizeof *log);
	if (!log)
		return err_set(err, ERR_NO_MEMORY, "no memory for the access log");
	log->lines.max = LINES_BYTES;
	log->handles = 2;
	/* None of these can fail. */
	(void)uv_prepare_init(loop, &log->turn);
	(void)uv_idle_init(loop, &log->pending);
	(void)uv_prepare_start(&log->turn, on_turn);
	log->turn.data = log->pending.data = log;
	/* A loop without other work may end. */
	uv_unref((uv_handle_t *)&log->turn);
	*ret = log;
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	struct access_log *log = handle->data;
	if (--log->handles > 0)
		return;
	strbuf_done(&log->lines);
	free(log);
}

void access_log_free(struct access_log *log)
{
	if (!log)
		return;
	write_lines(log);
	uv_close((uv_handle_t *)&log->turn, on_closed);
	uv_close((uv_handle_t *)&log->pending, on_closed);
}

void access_log_add(struct access_log *log, const struct http_access *access, const char *from)
{
	if (!log_has(LOG_INFO))
		return;
	if (log->lines.len > LINES_BYTES - LINE_BYTES)
		write_lines(log);
	char *line = strbuf_reserve(&log->lines, LINE_BYTES);
	if (!line)
		return;
	int len = snprintf(line, LINE_BYTES,
			   "info: access method=%s route=%s status=%d in=%" PRIu64 " out=%" PRIu64 " ms=%" PRId64
			   ".%03" PRId64 " from=%s%s id=%s\n",
			   http_method_name(access->method), access->pattern, access->status, access->received_bytes,
			   access->sent_bytes, access->duration_us / US_PER_MS, access->duration_us % US_PER_MS, from,
			   access->hung_up ? " hung_up=1" : "", access->request_id);
	assert(len > 0 && len < LINE_BYTES); /* a route, an address and an id have their maxima */
	strbuf_commit(&log->lines, (size_t)len);
	(void)uv_idle_start(&log->pending, on_pending);
}
