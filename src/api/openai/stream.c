/* A stream's text while its job is under way: read in the pool whenever a part was recognised, one reading at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "api/openai/openai.h"
#include "asr/format.h"
#include "base/cleanup.h"
#include "http/response.h"
#include "jobs/job_heard.h"

#define TEXT_MAX (LIMIT_TRANSCRIPT_TEXT + LIMIT_TRANSCRIPT_WORDS)

struct openai_stream {
	struct http_request *request;
	struct uuid job;
	void (*on_idle)(void *owner);
	void *owner;
	int64_t next; /* part */
	struct asr_transcript heard; /* a reading's while it is under way */
	struct strbuf sent;
	bool has_begun;
	bool is_reading;
	bool again; /* something came meanwhile */
	bool is_finishing;
};

struct reading {
	struct api_call call; /* first */
	struct openai_stream *stream; /* for while the request is there */
	struct uuid job;
	int64_t next;
	struct asr_transcript heard;
	struct strbuf text; /* what is new */
};

static void begin_if_needed(struct openai_stream *stream)
{
	if (!stream->has_begun)
		http_events_begin(stream->request);
	stream->has_begun = true;
}

static void go_on(struct openai_stream *stream);

static enum err_code run(struct api_call *call, struct err *err)
{
	struct reading *r = (struct reading *)call;
	size_t before = r->heard.segment_count;
	enum err_code code = job_heard_more(call->api->files, &r->job, &r->next, &r->heard, err);
	if (code != ERR_OK)
		return code;
	for (size_t i = before; i < r->heard.segment_count; i++)
		asr_running_segment(&r->heard, i, &r->text);
	return strbuf_check(&r->text, "a text", err);
}

static void take_back(struct reading *r)
{
	struct openai_stream *stream = r->stream;
	stream->next = r->next;
	stream->heard = r->heard;
	r->heard = (struct asr_transcript){ 0 };
	stream->is_reading = false;
}

static void reply(struct api_call *call)
{
	struct reading *r = (struct reading *)call;
	struct openai_stream *stream = r->stream;
	take_back(r);
	if (r->text.len > 0) {
		cleanup_strbuf struct strbuf event = STRBUF_INIT(2 * TEXT_MAX);
		openai_render_delta(strbuf_str(&r->text), &event);
		begin_if_needed(stream);
		if (event.failed)
			http_stream_abort(stream->request);
		else
			(void)http_stream_write(stream->request, event.data, event.len);
		strbuf_add(&stream->sent, r->text.data, r->text.len);
	}
	go_on(stream);
}

/* The end tells what was not told before. */
static void fail(struct api_call *call)
{
	struct reading *r = (struct reading *)call;
	take_back(r);
	go_on(r->stream);
}

static void release(struct api_call *call)
{
	struct reading *r = (struct reading *)call;
	asr_transcript_done(&r->heard);
	strbuf_done(&r->text);
}

static const struct api_call_kind kind = {
	.size = sizeof(struct reading), .run = run, .reply = reply, .fail = fail, .done = release
};

static void go_on(struct openai_stream *stream)
{
	if (stream->is_reading)
		return;
	if (stream->is_finishing) {
		stream->on_idle(stream->owner);
		return;
	}
	if (!stream->again)
		return;
	stream->again = false;
	struct reading *r = api_call_new(stream->request, &kind);
	if (!r)
		return;
	r->stream = stream;
	r->job = stream->job;
	r->next = stream->next;
	r->heard = stream->heard;
	stream->heard = (struct asr_transcript){ 0 };
	r->text.max = TEXT_MAX;
	stream->is_reading = true;
	api_call_continue(&r->call);
}

enum err_code openai_stream_new(struct http_request *request, const struct uuid *job, void (*on_idle)(void *owner),
				void *owner, struct openai_stream **ret, struct err *err)
{
	struct openai_stream *stream = calloc(1, sizeof *stream);
	if (!stream)
		return err_set(err, ERR_NO_MEMORY, "no memory for a stream");
	stream->request = request;
	stream->job = *job;
	stream->on_idle = on_idle;
	stream->owner = owner;
	stream->sent.max = TEXT_MAX;
	asr_transcript_init(&stream->heard);
	*ret = stream;
	return ERR_OK;
}

void openai_stream_more(struct openai_stream *stream)
{
	stream->again = true;
	go_on(stream);
}

void openai_stream_finish(struct openai_stream *stream)
{
	stream->is_finishing = true;
	go_on(stream);
}

const char *openai_stream_sent(const struct openai_stream *stream)
{
	return strbuf_str(&stream->sent);
}

void openai_stream_end(struct openai_stream *stream, const struct strbuf *events)
{
	begin_if_needed(stream);
	(void)http_stream_write(stream->request, events->data, events->len);
	http_stream_end(stream->request);
}

bool openai_stream_has_begun(const struct openai_stream *stream)
{
	return stream->has_begun;
}

void openai_stream_free(struct openai_stream *stream)
{
	if (!stream)
		return;
	asr_transcript_done(&stream->heard);
	strbuf_done(&stream->sent);
	free(stream);
}
