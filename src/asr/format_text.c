/*
 * Plain text and tab-separated values. Text is running text with a new line where a segment ends a sentence, where
 * the speaker pauses or changes. TSV is what the whisper command writes: milliseconds, milliseconds, text.
 */
#include <inttypes.h>

#include "asr/format_priv.h"
#include "asr/script.h"
#include "base/clock.h"

/* A pause from this on starts a new line of text. */
#define PARAGRAPH_PAUSE_US (2 * US_PER_S)

static const struct asr_word *last_word(const struct asr_transcript *t, size_t index)
{
	const struct asr_segment *segment = &t->segments[index];
	return &t->words[segment->first_word + segment->word_count - 1];
}

static bool breaks_line(const struct asr_transcript *t, size_t index)
{
	const struct asr_segment *segment = &t->segments[index];
	const struct asr_word *before = last_word(t, index - 1);
	return segment->start_us - t->segments[index - 1].end_us >= PARAGRAPH_PAUSE_US ||
	       before->speaker != t->words[segment->first_word].speaker;
}

static void text_segment(struct asr_writer *w, size_t index)
{
	const struct asr_transcript *t = w->t;
	if (t->segments[index].word_count == 0)
		return;
	if (w->line_open && breaks_line(t, index))
		strbuf_add_char(w->out, '\n');
	else if (w->line_open && format_space_before(t, index))
		strbuf_add_char(w->out, ' ');
	format_segment_text(w->out, t, index);
	const struct asr_word *last = last_word(t, index);
	w->line_open = script_stop(asr_word_text(t, last), last->text_len, 0) != SCRIPT_STOP_SENTENCE;
	if (!w->line_open)
		strbuf_add_char(w->out, '\n');
}

static void text_end(struct asr_writer *w)
{
	if (w->line_open)
		strbuf_add_char(w->out, '\n');
}

const struct format_ops format_text_ops = { .segment = text_segment, .end = text_end };

static void tsv_begin(struct asr_writer *w)
{
	strbuf_add_str(w->out, "start\tend\ttext\n");
}

static int64_t milliseconds(int64_t us)
{
	return (us + US_PER_MS / 2) / US_PER_MS;
}

static void tsv_segment(struct asr_writer *w, size_t index)
{
	const struct asr_segment *segment = &w->t->segments[index];
	strbuf_addf(w->out, "%" PRId64 "\t%" PRId64 "\t", milliseconds(segment->start_us),
		    milliseconds(segment->end_us));
	format_segment_text(w->out, w->t, index);
	strbuf_add_char(w->out, '\n');
}

const struct format_ops format_tsv_ops = { .begin = tsv_begin, .segment = tsv_segment };
