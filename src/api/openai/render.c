/* A transcript in the formats of the API. */
#include <stdio.h>
#include <string.h>

#include "api/openai/openai.h"
#include "asr/engine.h"
#include "asr/format.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "http/response.h"

enum openai_format openai_format_find(const char *name)
{
	static const char *const names[OPENAI_FORMATS] = {
#define X(symbol, format_name, type) [symbol] = (format_name),
		OPENAI_FORMAT_TABLE(X)
#undef X
	};
	int format = 0;
	while (format < OPENAI_FORMATS && strcmp(names[format], name) != 0)
		format++;
	return (enum openai_format)format;
}

const char *openai_format_type(enum openai_format format)
{
	static const char *const types[OPENAI_FORMATS] = {
#define X(symbol, format_name, type) [symbol] = (type),
		OPENAI_FORMAT_TABLE(X)
#undef X
	};
	return types[format];
}

#define TEXT_MAX (LIMIT_TRANSCRIPT_TEXT + LIMIT_TRANSCRIPT_WORDS)

/* -- members ----------------------------------------------------------------------------------------- */

/* Seconds of audio, begun ones counted, as the API bills them. */
static void key_usage(struct json *j, const struct asr_transcript *t)
{
	json_key(j, "usage");
	json_object(j);
	json_key_str(j, "type", "duration");
	json_key_int(j, "seconds", (t->duration_us + US_PER_S - 1) / US_PER_S);
	json_object_end(j);
}

static void key_text(struct json *j, const struct asr_transcript *t)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(TEXT_MAX);
	asr_running_text(t, &text);
	json_key_str(j, "text", strbuf_str(&text));
	j->out->failed |= text.failed;
}

/* As Whisper writes it, with the blank before it where the language has any. */
static void key_segment_text(struct json *j, const char *key, const struct asr_transcript *t,
			     const struct asr_segment *segment)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(TEXT_MAX);
	if (asr_language_has_spaces(t->language))
		strbuf_add_char(&text, ' ');
	asr_transcript_text(t, segment->first_word, segment->word_count, &text);
	json_key_str(j, key, strbuf_str(&text));
	j->out->failed |= text.failed;
}

static void key_words(struct json *j, const struct asr_transcript *t)
{
	json_key(j, "words");
	json_array(j);
	for (size_t i = 0; i < t->word_count; i++) {
		const struct asr_word *word = &t->words[i];
		json_object(j);
		json_key(j, "word");
		json_strn(j, asr_word_text(t, word), word->text_len);
		json_key_seconds(j, "start", word->start_us);
		json_key_seconds(j, "end", word->end_us);
		json_object_end(j);
	}
	json_array_end(j);
}

/* The API counts `seek` in frames of Whisper's spectrogram. */
#define FRAME_US ((int64_t)10000)

static void key_segments(struct json *j, const struct asr_transcript *t)
{
	json_key(j, "segments");
	json_array(j);
	for (size_t i = 0; i < t->segment_count; i++) {
		const struct asr_segment *segment = &t->segments[i];
		json_object(j);
		json_key_int(j, "id", (int64_t)i);
		json_key_int(j, "seek", segment->start_us / FRAME_US);
		json_key_seconds(j, "start", segment->start_us);
		json_key_seconds(j, "end", segment->end_us);
		key_segment_text(j, "text", t, segment);
		json_key(j, "tokens"); /* they are not kept */
		json_array(j);
		json_array_end(j);
		json_key_real(j, "temperature", (double)segment->temperature, 2);
		json_key_real(j, "avg_logprob", (double)segment->avg_logprob, 4);
		json_key_real(j, "compression_ratio", (double)segment->compression_ratio, 4);
		json_key_real(j, "no_speech_prob", (double)segment->no_speech_prob, 4);
		json_object_end(j);
	}
	json_array_end(j);
}

enum { SPEAKER_SIZE = 12, LETTERS = 26 };

/* "A" to "Z", then "A1". */
static void speaker_name(const struct asr_transcript *t, const struct asr_segment *segment, char ret[SPEAKER_SIZE])
{
	int speaker = segment->word_count > 0 ? t->words[segment->first_word].speaker : 0;
	if (speaker < 0)
		speaker = 0;
	if (speaker < LETTERS)
		(void)snprintf(ret, SPEAKER_SIZE, "%c", 'A' + speaker);
	else
		(void)snprintf(ret, SPEAKER_SIZE, "%c%d", 'A' + speaker % LETTERS, speaker / LETTERS);
}

/* A voice's segment, also an event of its own in a stream. */
static void diarized_segment(struct json *j, const struct asr_transcript *t, size_t i)
{
	char id[24], speaker[SPEAKER_SIZE];
	(void)snprintf(id, sizeof id, "seg_%03zu", i + 1);
	speaker_name(t, &t->segments[i], speaker);
	json_object(j);
	json_key_str(j, "type", "transcript.text.segment");
	json_key_str(j, "id", id);
	json_key_seconds(j, "start", t->segments[i].start_us);
	json_key_seconds(j, "end", t->segments[i].end_us);
	key_segment_text(j, "text", t, &t->segments[i]);
	json_key_str(j, "speaker", speaker);
	json_object_end(j);
}

/* -- bodies ------------------------------------------------------------------------------------------ */

static void render_json(const struct openai_wish *wish, const struct asr_transcript *t, struct strbuf *body)
{
	struct json j = JSON_INIT(body);
	json_object(&j);
	key_text(&j, t);
	if (t->language[0] && !wish->is_translation) {
		json_key(&j, "languages");
		json_array(&j);
		json_object(&j);
		json_key_str(&j, "code", t->language);
		json_object_end(&j);
		json_array_end(&j);
	}
	key_usage(&j, t);
	json_object_end(&j);
}

static void render_verbose(const struct openai_wish *wish, const struct asr_transcript *t, struct strbuf *body)
{
	struct json j = JSON_INIT(body);
	json_object(&j);
	json_key_str(&j, "task", wish->is_translation ? "translate" : "transcribe");
	const char *language = wish->is_translation ? "en" : t->language;
	const char *name = asr_language_name(language);
	json_key_str(&j, "language", name ? name : language);
	json_key_seconds(&j, "duration", t->duration_us);
	key_text(&j, t);
	if (wish->words)
		key_words(&j, t);
	if (wish->segments)
		key_segments(&j, t);
	key_usage(&j, t);
	json_object_end(&j);
}

static void render_diarized(const struct asr_transcript *t, struct strbuf *body)
{
	struct json j = JSON_INIT(body);
	json_object(&j);
	json_key_str(&j, "task", "transcribe");
	json_key_seconds(&j, "duration", t->duration_us);
	key_text(&j, t);
	json_key(&j, "segments");
	json_array(&j);
	for (size_t i = 0; i < t->segment_count; i++)
		diarized_segment(&j, t, i);
	json_array_end(&j);
	key_usage(&j, t);
	json_object_end(&j);
}

static enum err_code render_text(enum asr_format format, const struct asr_transcript *t, struct strbuf *body,
				 struct err *err)
{
	struct asr_writer *writer;
	if (asr_writer_new(format, t, body, &writer, err) != ERR_OK)
		return err->code;
	asr_writer_end(writer);
	asr_writer_free(writer);
	return ERR_OK;
}

/* -- events ------------------------------------------------------------------------------------------ */

static void add_event(struct strbuf *body, struct strbuf *data)
{
	body->failed |= data->failed;
	http_event_render(body, &(struct http_event){ .data = strbuf_str(data), .data_len = data->len });
	strbuf_clear(data);
}

void openai_render_delta(const char *text, struct strbuf *out)
{
	cleanup_strbuf struct strbuf data = STRBUF_INIT(2 * TEXT_MAX);
	struct json j = JSON_INIT(&data);
	json_object(&j);
	json_key_str(&j, "type", "transcript.text.delta");
	json_key_str(&j, "delta", text);
	json_object_end(&j);
	add_event(out, &data);
}

/* A part that was heard once more in another language may have changed what was told: then only the end tells it. */
static void render_rest(const struct asr_transcript *t, const char *sent, struct strbuf *body)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(TEXT_MAX);
	size_t sent_len = strlen(sent);
	asr_running_text(t, &text);
	body->failed |= text.failed;
	if (strncmp(strbuf_str(&text), sent, sent_len) == 0 && text.len > sent_len)
		openai_render_delta(strbuf_str(&text) + sent_len, body);
}

static void render_events(const struct openai_wish *wish, const struct asr_transcript *t, const char *sent,
			  struct strbuf *body)
{
	cleanup_strbuf struct strbuf data = STRBUF_INIT(2 * TEXT_MAX);
	if (wish->format != OPENAI_DIARIZED_JSON)
		render_rest(t, sent, body);
	for (size_t i = 0; wish->format == OPENAI_DIARIZED_JSON && i < t->segment_count; i++) {
		struct json j = JSON_INIT(&data);
		diarized_segment(&j, t, i);
		add_event(body, &data);
	}
	struct json j = JSON_INIT(&data);
	json_object(&j);
	json_key_str(&j, "type", "transcript.text.done");
	key_text(&j, t);
	key_usage(&j, t);
	json_object_end(&j);
	add_event(body, &data);
}

enum err_code openai_render(const struct openai_wish *wish, const struct asr_transcript *t, const char *sent,
			    struct strbuf *body, struct err *err)
{
	enum err_code code = ERR_OK;
	if (wish->is_stream)
		render_events(wish, t, sent, body);
	else if (wish->format == OPENAI_JSON)
		render_json(wish, t, body);
	else if (wish->format == OPENAI_VERBOSE_JSON)
		render_verbose(wish, t, body);
	else if (wish->format == OPENAI_DIARIZED_JSON)
		render_diarized(t, body);
	else if (wish->format == OPENAI_SRT)
		code = render_text(ASR_FORMAT_SRT, t, body, err);
	else if (wish->format == OPENAI_VTT)
		code = render_text(ASR_FORMAT_VTT, t, body, err);
	else
		code = render_text(ASR_FORMAT_TEXT, t, body, err);
	return code == ERR_OK ? strbuf_check(body, "a transcription", err) : code;
}
