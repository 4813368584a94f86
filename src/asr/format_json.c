/*
 * JSON with the names of OpenAI's verbose_json, and the words of each segment. Segments come first and each starts
 * a line, so that the object can be written while the recording is read; what is known at the end follows.
 */
#include "asr/format_priv.h"

static void add_text(struct json *j, const struct strbuf *text)
{
	if (text->failed)
		j->out->failed = true;
	json_key(j, "text");
	json_strn(j, strbuf_str(text), text->len);
}

static void add_words(struct json *j, const struct asr_transcript *t, const struct asr_segment *segment)
{
	json_key(j, "words");
	json_array(j);
	for (size_t i = 0; i < segment->word_count; i++) {
		const struct asr_word *word = &t->words[segment->first_word + i];
		json_object(j);
		json_key(j, "word");
		json_strn(j, asr_word_text(t, word), word->text_len);
		json_key_seconds(j, "start", word->start_us);
		json_key_seconds(j, "end", word->end_us);
		json_key_real(j, "confidence", (double)word->confidence, 3);
		if (word->speaker != ASR_NO_SPEAKER)
			json_key_int(j, "speaker", word->speaker);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_begin(struct asr_writer *w)
{
	json_object(&w->json);
	json_key(&w->json, "segments");
	json_array(&w->json);
}

static void json_segment(struct asr_writer *w, size_t index)
{
	struct strbuf text cleanup_strbuf = STRBUF_INIT(LIMIT_TRANSCRIPT_TEXT + LIMIT_TRANSCRIPT_WORDS);
	const struct asr_segment *segment = &w->t->segments[index];
	struct json *j = &w->json;
	strbuf_add_char(w->out, '\n');
	json_object(j);
	json_key_int(j, "id", (int64_t)index);
	json_key_seconds(j, "start", segment->start_us);
	json_key_seconds(j, "end", segment->end_us);
	asr_transcript_text(w->t, segment->first_word, segment->word_count, &text);
	add_text(j, &text);
	json_key_str(j, "language", segment->language);
	json_key_real(j, "avg_logprob", (double)segment->avg_logprob, 4);
	json_key_real(j, "compression_ratio", (double)segment->compression_ratio, 3);
	json_key_real(j, "no_speech_prob", (double)segment->no_speech_prob, 4);
	json_key_real(j, "temperature", (double)segment->temperature, 2);
	add_words(j, w->t, segment);
	json_object_end(j);
}

static void json_end(struct asr_writer *w)
{
	struct strbuf text cleanup_strbuf = STRBUF_INIT(LIMIT_TRANSCRIPT_TEXT + LIMIT_TRANSCRIPT_WORDS);
	const struct asr_transcript *t = w->t;
	struct json *j = &w->json;
	json_array_end(j);
	asr_running_text(t, &text);
	strbuf_add_char(w->out, '\n');
	add_text(j, &text);
	json_key_str(j, "language", t->language);
	json_key_real(j, "language_confidence", (double)t->language_confidence, 3);
	json_key_seconds(j, "duration", t->duration_us);
	json_object_end(j);
	strbuf_add_char(w->out, '\n');
}

const struct format_ops format_json_ops = { .begin = json_begin, .segment = json_segment, .end = json_end };
