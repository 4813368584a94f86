/* POST /audio/transcriptions and /audio/translations: an upload whose answer comes when its job has ended. */
#include <stdlib.h>
#include <string.h>

#include "api/input.h"
#include "api/openai/openai.h"
#include "api/upload/upload.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/response.h"

enum {
	OK = 200,
	BAD_REQUEST = 400,
	NOT_FOUND = 404,
	UNPROCESSABLE = 422,
	TOO_MANY = 429,
	FAILED = 500,
	UNAVAILABLE = 503
};

/* A transcript's text twice, with its times and escapes. */
#define ANSWER_MAX ((size_t)HTTP_OUTPUT_MAX)

/* Somebody waits at the other end: as high as the plan allows (jobs run at -10 to 10). */
enum { PRIORITY = 5, ERROR_EVENT_MAX = 4096 };

struct transcription {
	struct api_upload upload; /* first */
	struct openai_wish wish;
	bool has_granularity; /* words or segments were asked for by name */
	bool is_whole; /* the model is one that OpenAI's API never streams, whatever is asked for */
	struct uuid job, file; /* that are waited for: this upload's, or the same request's of before */
	struct openai_stream *stream; /* NULL: the answer comes as a whole */
	struct follower *follower; /* while the job is under way */
	uv_timer_t *beat; /* tells the database that somebody waits; NULL: nobody does */
};

static struct transcription *transcription_of(struct api_upload *upload)
{
	return (struct transcription *)upload;
}

/* -- the answer ---------------------------------------------------------------------------------------- */

struct result_call {
	struct api_call call; /* first */
	struct uuid id;
	struct openai_wish wish;
	struct openai_stream *stream; /* for while the request is there */
	char *sent; /* owned; what the stream has told */
	struct job_row row;
	struct strbuf body;
};

static struct result_call *result_of(struct api_call *call)
{
	return (struct result_call *)call;
}

static enum err_code run_result(struct api_call *call, struct err *err)
{
	struct result_call *c = result_of(call);
	cleanup_transcript struct asr_transcript t;
	if (job_result(call->api->files, &call->user, &c->id, &c->row, &t, err) != ERR_OK)
		return err->code;
	return openai_render(&c->wish, &t, c->sent ? c->sent : "", &c->body, err);
}

static void reply_result(struct api_call *call)
{
	const struct result_call *c = result_of(call);
	if (c->stream)
		openai_stream_end(c->stream, &c->body);
	else
		http_reply(call->request, &(struct http_reply){ .status = OK,
								.content_type = openai_format_type(c->wish.format),
								.body = c->body.data,
								.body_len = c->body.len });
}

/* The official clients try 409, 429 and 5xx again, with the whole file, unless they are told that it is no use. */
static void fail_for_good(struct http_request *request, const struct api_problem *problem)
{
	http_add_header(request, "x-should-retry", "false");
	api_fail(request, problem);
}

/* The job ended without a transcript. What is wrong with the file is the client's to mend. */
static void fail_job(struct http_request *request, const struct job_row *row)
{
	static const struct {
		const char *code; /* the job's */
		int status;
	} statuses[] = { { "bad_media", BAD_REQUEST },
			 { "invalid", BAD_REQUEST },
			 { "too_big", BAD_REQUEST },
			 { "quota_exceeded", TOO_MANY } };
	struct api_problem problem = { .status = FAILED, .code = row->error_code, .message = row->error_message };
	if (row->state == JOB_CANCELLED) {
		problem.status = BAD_REQUEST;
		problem.code = "cancelled";
		problem.message = "the transcription was cancelled";
	}
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		if (strcmp(statuses[i].code, row->error_code) == 0)
			problem.status = statuses[i].status;
	}
	fail_for_good(request, &problem);
}

/* The clients raise what has a member "error". */
static void end_with_error(struct openai_stream *stream, const struct err *why)
{
	cleanup_strbuf struct strbuf data = STRBUF_INIT(ERROR_EVENT_MAX), event = STRBUF_INIT(ERROR_EVENT_MAX);
	openai_shape(&(struct api_problem){ .status = FAILED, .code = err_name(why->code), .message = why->message },
		     &data);
	http_event_render(&event, &(struct http_event){ .data = strbuf_str(&data), .data_len = data.len });
	openai_stream_end(stream, &event);
}

static void fail_result(struct api_call *call)
{
	const struct result_call *c = result_of(call);
	if (c->stream && openai_stream_has_begun(c->stream))
		end_with_error(c->stream, &call->err);
	else if (call->err.code == ERR_BUSY && c->row.state > JOB_RUNNING)
		fail_job(call->request, &c->row);
	else
		api_fail_err(call->request, &call->err);
}

static void release_result(struct api_call *call)
{
	strbuf_done(&result_of(call)->body);
	free(result_of(call)->sent);
}

static const struct api_call_kind result_kind = { .size = sizeof(struct result_call),
						  .run = run_result,
						  .reply = reply_result,
						  .fail = fail_result,
						  .done = release_result };

static void answer(void *owner)
{
	struct transcription *t = owner;
	struct result_call *c = api_call_new(t->upload.request, &result_kind);
	if (!c)
		return;
	c->id = t->job;
	c->wish = t->wish;
	c->stream = t->stream;
	c->sent = t->stream ? strdup(openai_stream_sent(t->stream)) : NULL;
	c->body.max = ANSWER_MAX;
	api_call_continue(&c->call);
}

/* -- waiting for the job --------------------------------------------------------------------------------- */

static bool ends_job(const struct event *event)
{
	static const char *const ends[] = { "completed", "failed", "cancelled" };
	for (size_t i = 0; event->name && i < ARRAY_LEN(ends); i++) {
		if (strcmp(ends[i], event->name) == 0)
			return true;
	}
	return !event->name; /* the file was deleted, and the job with it */
}

/* One notice that somebody waits, or has gone. */
struct want {
	struct http_work work; /* first */
	const struct files *files;
	struct uuid job;
	int64_t until_us;
};

static void run_want(struct http_work *work)
{
	const struct want *want = (const struct want *)work;
	struct err err;
	if (job_request_want(want->files->db, &want->job, want->until_us, &err) != ERR_OK)
		log_line(LOG_WARNING, "it was not noted that a client waits for a job: %s", err.message);
}

static void done_want(struct http_work *work)
{
	free(work);
}

/* The job is wanted for the time of grace from now on. */
static void tell_wanted(const struct transcription *t)
{
	struct api *api = t->upload.api;
	struct err err;
	struct want *want = malloc(sizeof *want);
	if (!want)
		return;
	*want = (struct want){ .work = { .run = run_want, .done = done_want },
			       .files = api->files,
			       .job = t->job,
			       .until_us = clock_wall_us() + api->hang_up_grace_us };
	if (http_pool_submit(api->pool, &want->work, &err) != ERR_OK)
		free(want);
}

static void on_beat(uv_timer_t *timer)
{
	tell_wanted(timer->data);
}

static void on_beat_closed(uv_handle_t *handle)
{
	free(handle);
}

static void stop_waiting(struct transcription *t)
{
	event_unfollow(steal_ptr(&t->follower));
	if (t->beat)
		uv_close((uv_handle_t *)steal_ptr(&t->beat), on_beat_closed);
}

static void on_event(void *owner, const struct event *event)
{
	struct transcription *t = owner;
	if (!ends_job(event)) {
		/* Who speaks is known at the end only. */
		if (t->stream && t->wish.format != OPENAI_DIARIZED_JSON && strcmp(event->name, "job_progress") == 0)
			openai_stream_more(t->stream);
		return;
	}
	stop_waiting(t);
	if (t->stream)
		openai_stream_finish(t->stream);
	else
		answer(t);
}

/* Three beats in the time of grace: one may be late. */
enum { BEATS = 3 };

static void wait_for_job(struct transcription *t)
{
	struct api *api = t->upload.api;
	struct http_request *request = t->upload.request;
	uint64_t beat_ms = (uint64_t)(api->hang_up_grace_us / BEATS / US_PER_MS);
	struct err err;
	t->beat = malloc(sizeof *t->beat);
	if (!t->beat) {
		http_reply_error(t->upload.request, UNAVAILABLE, NULL);
		return;
	}
	(void)uv_timer_init(api->loop, t->beat);
	t->beat->data = t;
	(void)uv_timer_start(t->beat, on_beat, beat_ms, beat_ms);
	if ((t->wish.is_stream && openai_stream_new(request, &t->job, answer, t, &t->stream, &err) != ERR_OK) ||
	    event_follow(api->hub, &t->file, 0, on_event, t, &t->follower, &err) != ERR_OK)
		api_fail_err(request, &err);
}

static void reply(struct api_upload *upload)
{
	struct transcription *t = transcription_of(upload);
	t->job = upload->job.id;
	t->file = upload->job.file;
	wait_for_job(t);
}

static void attach(struct api_upload *upload)
{
	struct transcription *t = transcription_of(upload);
	t->job = upload->job_request.same_job;
	t->file = upload->job_request.same_file;
	tell_wanted(t);
	wait_for_job(t);
}

/* -- what is asked for ----------------------------------------------------------------------------------- */

static enum err_code take_model(struct api_upload *upload, const char *value, struct err *err)
{
	if (openai_is_alias(value)) {
		transcription_of(upload)->is_whole = strcmp(value, "whisper-1") == 0;
		if (strstr(value, "diarize"))
			upload->job.diarize = true;
		return ERR_OK;
	}
	if (api_upload_model(upload, value, err) == ERR_OK)
		return ERR_OK;
	upload->problem.status = NOT_FOUND;
	upload->problem.code = "model_not_found";
	return err->code;
}

static enum err_code take_format(struct api_upload *upload, const char *value, struct err *err)
{
	enum openai_format format = openai_format_find(value);
	if (format == OPENAI_FORMATS)
		return api_upload_wrong(upload, "response_format",
					"must be json, text, srt, verbose_json, vtt or diarized_json", err);
	transcription_of(upload)->wish.format = format;
	upload->job.diarize |= format == OPENAI_DIARIZED_JSON;
	return ERR_OK;
}

/* Of several the recogniser takes one prompt: names and words that are to be expected come before what was said before.
 */
static enum err_code add_to_prompt(struct api_upload *upload, const char *field, const char *text, const char *after,
				   struct err *err)
{
	char *prompt = upload->job.prompt;
	size_t used = strlen(prompt);
	size_t len = strlen(text), after_len = strlen(after);
	if (used + len + after_len >= sizeof upload->job.prompt)
		return api_upload_wrong(upload, field, "is too long: keywords and prompt have room for 1023 bytes",
					err);
	memcpy(prompt + used, text, len);
	memcpy(prompt + used + len, after, after_len + 1);
	return ERR_OK;
}

static enum err_code take_prompt(struct api_upload *upload, const char *value, struct err *err)
{
	return add_to_prompt(upload, "prompt", value, "", err);
}

static enum err_code take_keyword(struct api_upload *upload, const char *value, struct err *err)
{
	return value[0] ? add_to_prompt(upload, "keywords", value, ", ", err) : ERR_OK;
}

static enum err_code take_temperature(struct api_upload *upload, const char *value, struct err *err)
{
	char *end;
	double temperature = strtod(value, &end);
	if (value[0] == '\0' || *end != '\0' || !(temperature >= 0 && temperature <= 1))
		return api_upload_wrong(upload, "temperature", "must be a number from 0 to 1", err);
	upload->job.temperature = temperature;
	return ERR_OK;
}

static enum err_code take_granularity(struct api_upload *upload, const char *value, struct err *err)
{
	struct transcription *t = transcription_of(upload);
	bool is_word = strcmp(value, "word") == 0;
	if (!is_word && strcmp(value, "segment") != 0)
		return api_upload_wrong(upload, "timestamp_granularities", "must be word or segment", err);
	t->has_granularity = true;
	t->wish.words |= is_word;
	t->wish.segments |= !is_word;
	return ERR_OK;
}

static enum err_code take_stream(struct api_upload *upload, const char *value, struct err *err)
{
	bool is_on = strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0;
	if (!is_on && strcasecmp(value, "false") != 0 && strcmp(value, "0") != 0)
		return api_upload_wrong(upload, "stream", "must be true or false", err);
	transcription_of(upload)->wish.is_stream = is_on;
	return ERR_OK;
}

/* What can only be judged when all fields are there. */
static enum err_code check(struct api_upload *upload, struct err *err)
{
	struct transcription *t = transcription_of(upload);
	t->wish.is_stream &= !t->is_whole;
	if (t->has_granularity && t->wish.format != OPENAI_VERBOSE_JSON)
		return api_upload_wrong(upload, "timestamp_granularities", "need the response_format \"verbose_json\"",
					err);
	if (t->wish.is_stream && t->wish.format != OPENAI_JSON && t->wish.format != OPENAI_TEXT &&
	    t->wish.format != OPENAI_DIARIZED_JSON)
		return api_upload_wrong(upload, "stream",
					"goes with the response_format json, text or diarized_json only", err);
	if (!t->has_granularity)
		t->wish.segments = true;
	return ERR_OK;
}

static enum err_code begin(struct api_upload *upload, struct err *err)
{
	const char *key = http_request_header(upload->request, "idempotency-key");
	upload->job.priority = PRIORITY;
	upload->job_request.has_key = key != NULL;
	if (key && sha256_of_bytes(key, strlen(key), upload->job_request.key_hash, err) != ERR_OK)
		return err->code;
	return uuid_new(clock_wall_us(), &upload->job.id, err);
}

/* A quota that is used up does not come back by trying again at once. */
static void fail(struct api_upload *upload, const struct err *why)
{
	if (upload->job_request.match == JOB_REQUEST_OTHER)
		fail_for_good(upload->request, &(struct api_problem){ .status = UNPROCESSABLE,
								      .code = "idempotency_key_reused",
								      .message = why->message });
	else if (why->code == ERR_QUOTA)
		fail_for_good(upload->request, &(struct api_problem){ .status = TOO_MANY,
								      .code = "insufficient_quota",
								      .message = why->message });
	else
		api_upload_reply_error(upload, why);
}

static const struct api_upload_option options[] = {
	{ "model", take_model },
	{ "language", api_upload_language },
	{ "response_format", take_format },
	{ "timestamp_granularities[]", take_granularity },
	{ "timestamp_granularities", take_granularity },
	{ "stream", take_stream },
	{ "prompt", take_prompt },
	{ "keywords[]", take_keyword },
	{ "keywords", take_keyword },
	{ "temperature", take_temperature },
};

static const struct api_upload_kind kind = { .size = sizeof(struct transcription),
					     .file_field = "file",
					     .options = options,
					     .option_count = ARRAY_LEN(options),
					     .is_probed = true,
					     .begin = begin,
					     .check = check,
					     .reply = reply,
					     .attach = attach,
					     .fail = fail };

/* -- translations: fewer fields and formats ---------------------------------------------------------------- */

static enum err_code begin_translation(struct api_upload *upload, struct err *err)
{
	upload->job.translate = transcription_of(upload)->wish.is_translation = true;
	return begin(upload, err);
}

static enum err_code take_translation_format(struct api_upload *upload, const char *value, struct err *err)
{
	if (openai_format_find(value) == OPENAI_DIARIZED_JSON)
		return api_upload_wrong(upload, "response_format", "must be json, text, srt, verbose_json or vtt", err);
	return take_format(upload, value, err);
}

static const struct api_upload_option translation_options[] = {
	{ "model", take_model },
	{ "response_format", take_translation_format },
	{ "prompt", take_prompt },
	{ "temperature", take_temperature },
};

static const struct api_upload_kind translation_kind = { .size = sizeof(struct transcription),
							 .file_field = "file",
							 .options = translation_options,
							 .option_count = ARRAY_LEN(translation_options),
							 .is_probed = true,
							 .begin = begin_translation,
							 .check = check,
							 .reply = reply,
							 .attach = attach,
							 .fail = fail };

/* -- handlers ---------------------------------------------------------------------------------------------- */

static void on_start(struct http_request *request)
{
	(void)api_upload_start(request, &kind);
}

static void on_start_translation(struct http_request *request)
{
	(void)api_upload_start(request, &translation_kind);
}

/* A drain lets what is under way come to its end. */
static void on_stopping(struct http_request *request)
{
	(void)request;
}

static void on_close(struct http_request *request, enum http_outcome outcome)
{
	struct api_upload *upload = http_request_context(request);
	if (!upload)
		return;
	struct transcription *t = transcription_of(upload);
	/* A client that has gone may come back within the time of grace, which begins now. */
	if (t->follower)
		tell_wanted(t);
	stop_waiting(t);
	openai_stream_free(steal_ptr(&t->stream));
	api_upload_on_close(request, outcome);
}

const struct http_handler openai_transcribe = { .on_start = on_start,
						.on_body = api_upload_on_body,
						.on_end = api_upload_on_end,
						.on_stopping = on_stopping,
						.on_close = on_close };
const struct http_handler openai_translate = { .on_start = on_start_translation,
					       .on_body = api_upload_on_body,
					       .on_end = api_upload_on_end,
					       .on_stopping = on_stopping,
					       .on_close = on_close };
