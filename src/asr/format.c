#include "asr/format.h"

#include <string.h>

#include "asr/format_priv.h"
#include "asr/script.h"
#include "base/utf8.h"

static const struct {
	const char *name;
	enum asr_format format;
} names[] = {
	{ "text", ASR_FORMAT_TEXT }, { "txt", ASR_FORMAT_TEXT }, { "json", ASR_FORMAT_JSON },
	{ "srt", ASR_FORMAT_SRT },   { "vtt", ASR_FORMAT_VTT },	 { "tsv", ASR_FORMAT_TSV },
};

static const struct format_ops *const formats[] = {
	[ASR_FORMAT_TEXT] = &format_text_ops, [ASR_FORMAT_JSON] = &format_json_ops, [ASR_FORMAT_SRT] = &format_srt_ops,
	[ASR_FORMAT_VTT] = &format_vtt_ops,   [ASR_FORMAT_TSV] = &format_tsv_ops,
};

bool asr_format_by_name(const char *name, enum asr_format *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i].name, name) == 0) {
			*ret = names[i].format;
			return true;
		}
	}
	return false;
}

enum err_code asr_writer_new(enum asr_format format, const struct asr_transcript *t, struct strbuf *out,
			     struct asr_writer **ret, struct err *err)
{
	struct asr_writer *w = calloc(1, sizeof *w);
	if (!w)
		return err_set(err, ERR_NO_MEMORY, "no memory for writing a transcript");
	w->ops = formats[format];
	w->t = t;
	w->out = out;
	w->json = (struct json)JSON_INIT(out);
	if (w->ops->cue) {
		enum err_code code = asr_cues_new(t, w->ops->cue, w, &w->cues, err);
		if (code) {
			asr_writer_free(w);
			return code;
		}
	}
	*ret = w;
	return ERR_OK;
}

void asr_writer_free(struct asr_writer *w)
{
	if (!w)
		return;
	asr_cues_free(w->cues);
	free(w);
}

/* Not before there is something to say: a recording that fails at once leaves no half document. */
static void begin(struct asr_writer *w)
{
	if (!w->begun && w->ops->begin)
		w->ops->begin(w);
	w->begun = true;
}

void asr_writer_update(struct asr_writer *w)
{
	if (w->segments_done == w->t->segment_count)
		return;
	begin(w);
	if (w->cues)
		asr_cues_update(w->cues);
	for (; w->segments_done < w->t->segment_count; w->segments_done++)
		if (w->ops->segment)
			w->ops->segment(w, w->segments_done);
}

void asr_writer_end(struct asr_writer *w)
{
	begin(w);
	asr_writer_update(w);
	if (w->cues) {
		asr_cues_end(w->cues);
		/* The caller looks for failed memory in one place. */
		if (!asr_cues_ok(w->cues))
			w->out->failed = true;
	}
	if (w->ops->end)
		w->ops->end(w);
}

static void add_clean(struct strbuf *out, const char *s, size_t len)
{
	size_t n;
	for (size_t i = 0; i < len; i += n) {
		if (script_is_control(utf8_decode(s + i, len - i, &n)))
			strbuf_add_char(out, ' ');
		else
			strbuf_add(out, s + i, n);
	}
}

void format_segment_text(struct strbuf *out, const struct asr_transcript *t, size_t index)
{
	const struct asr_segment *segment = &t->segments[index];
	for (size_t i = 0; i < segment->word_count; i++) {
		const struct asr_word *word = &t->words[segment->first_word + i];
		if (i > 0 && word->space_before)
			strbuf_add_char(out, ' ');
		add_clean(out, asr_word_text(t, word), word->text_len);
	}
}

bool format_space_before(const struct asr_transcript *t, size_t index)
{
	const struct asr_segment *segment = &t->segments[index];
	if (segment->word_count == 0 || segment->first_word == 0)
		return false;
	const struct asr_word *word = &t->words[segment->first_word];
	const struct asr_word *before = word - 1;
	if (word->text_len == 0 || before->text_len == 0)
		return word->space_before;
	return word->space_before || script_needs_space(script_last(asr_word_text(t, before), before->text_len),
							script_first(asr_word_text(t, word), word->text_len));
}

void asr_running_segment(const struct asr_transcript *t, size_t segment, struct strbuf *out)
{
	if (format_space_before(t, segment))
		strbuf_add_char(out, ' ');
	asr_transcript_text(t, t->segments[segment].first_word, t->segments[segment].word_count, out);
}

void asr_running_text(const struct asr_transcript *t, struct strbuf *out)
{
	for (size_t i = 0; i < t->segment_count; i++)
		asr_running_segment(t, i, out);
}
