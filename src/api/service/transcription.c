/* /transcriptions: what was said. Rendered in the pool: hours of speech are a megabyte. */
#include <stdio.h>

#include "api/service/service.h"
#include "asr/format.h"
#include "http/response.h"

enum { OK = 200, CONFLICT = 409, SPEAKER_NAME_SIZE = 24 };

/* A transcript's text twice, with its times and escapes. */
#define TRANSCRIPTION_MAX ((size_t)HTTP_OUTPUT_MAX)

struct transcription_call {
	struct api_call call; /* first */
	struct uuid id;
	struct job_row row;
	struct strbuf body;
};

static struct transcription_call *transcription_of(struct api_call *call)
{
	return (struct transcription_call *)call;
}

static void release(struct api_call *call)
{
	strbuf_done(&transcription_of(call)->body);
}

/* -- rendering --------------------------------------------------------------------------------------- */

/* The voice of a segment, from 0: that of its first word. Where voices are not told apart there is one. */
static int speaker_of(const struct asr_transcript *t, const struct asr_segment *segment)
{
	int speaker = segment->word_count > 0 ? t->words[segment->first_word].speaker : ASR_NO_SPEAKER;
	return speaker == ASR_NO_SPEAKER ? 0 : speaker;
}

static void key_speaker(struct json *j, const char *key, int speaker)
{
	char name[SPEAKER_NAME_SIZE];
	(void)snprintf(name, sizeof name, "speaker_%d", speaker + 1);
	json_key_str(j, key, name);
}

static double confidence_of(const struct asr_transcript *t, size_t first, size_t count)
{
	double sum = 0;
	for (size_t i = first; i < first + count; i++)
		sum += (double)t->words[i].confidence;
	return count > 0 ? sum / (double)count : 0;
}

static void add_segments(struct json *j, const struct asr_transcript *t)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(LIMIT_TRANSCRIPT_TEXT + LIMIT_TRANSCRIPT_WORDS);
	json_key(j, "segments");
	json_array(j);
	for (size_t i = 0; i < t->segment_count; i++) {
		const struct asr_segment *segment = &t->segments[i];
		strbuf_clear(&text);
		asr_transcript_text(t, segment->first_word, segment->word_count, &text);
		json_object(j);
		json_key_seconds(j, "start", segment->start_us);
		json_key_seconds(j, "end", segment->end_us);
		json_key_str(j, "text", strbuf_str(&text));
		key_speaker(j, "speaker", speaker_of(t, segment));
		json_key_real(j, "confidence", confidence_of(t, segment->first_word, segment->word_count), 3);
		json_object_end(j);
	}
	json_array_end(j);
	j->out->failed |= text.failed;
}

static int last_speaker(const struct asr_transcript *t)
{
	int last = -1;
	for (size_t i = 0; i < t->segment_count; i++) {
		int speaker = speaker_of(t, &t->segments[i]);
		last = speaker > last ? speaker : last;
	}
	return last;
}

static void add_speakers(struct json *j, const struct asr_transcript *t)
{
	int last = last_speaker(t);
	json_key(j, "speakers");
	json_array(j);
	for (int speaker = 0; speaker <= last; speaker++) {
		json_object(j);
		key_speaker(j, "id", speaker);
		json_key(j, "segments");
		json_array(j);
		for (size_t i = 0; i < t->segment_count; i++) {
			if (speaker_of(t, &t->segments[i]) == speaker)
				json_int(j, (int64_t)i);
		}
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
}

static void render(struct transcription_call *c, const struct asr_transcript *t)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(LIMIT_TRANSCRIPT_TEXT + LIMIT_TRANSCRIPT_WORDS);
	struct json j = JSON_INIT(&c->body);
	asr_running_text(t, &text);
	json_object(&j);
	api_key_id(&j, "job_id", &c->id);
	json_key_str(&j, "text", strbuf_str(&text));
	add_segments(&j, t);
	add_speakers(&j, t);
	json_key_str(&j, "language", t->language);
	json_key_seconds(&j, "duration", t->duration_us);
	json_key_int(&j, "word_count", (int64_t)t->word_count);
	json_key_real(&j, "confidence", confidence_of(t, 0, t->word_count), 3);
	json_object_end(&j);
	c->body.failed |= text.failed;
}

/* -- the handler ------------------------------------------------------------------------------------- */

static enum err_code run(struct api_call *call, struct err *err)
{
	struct transcription_call *c = transcription_of(call);
	cleanup_transcript struct asr_transcript t;
	if (job_result(call->api->files, &call->user, &c->id, &c->row, &t, err) != ERR_OK)
		return err->code;
	render(c, &t);
	return strbuf_check(&c->body, "a transcription", err);
}

static void reply(struct api_call *call)
{
	http_reply_json(call->request, OK, &transcription_of(call)->body);
}

static void fail(struct api_call *call)
{
	const struct transcription_call *c = transcription_of(call);
	if (call->err.code != ERR_BUSY || c->row.state == JOB_SUCCEEDED) {
		api_fail_err(call->request, &call->err);
		return;
	}
	bool is_under_way = c->row.state == JOB_QUEUED || c->row.state == JOB_RUNNING;
	const struct api_problem problem = { .status = CONFLICT,
					     .message = is_under_way
								? "the transcription is not ready yet"
								: "there is no transcription: the job did not succeed",
					     .state = service_state_name(c->row.state) };
	api_fail(call->request, &problem);
}

static const struct api_call_kind kind = {
	.size = sizeof(struct transcription_call), .run = run, .reply = reply, .fail = fail, .done = release
};

static void on_end(struct http_request *request)
{
	struct api_input in;
	struct transcription_call *c = api_call_new(request, &kind);
	if (!c)
		return;
	c->body.max = TRANSCRIPTION_MAX;
	api_input_init(&in, request);
	api_path_id(&in, "job_id", "job", &c->id);
	api_call_start_with(&c->call, &in);
}

const struct http_handler service_transcription = { .on_end = on_end };
