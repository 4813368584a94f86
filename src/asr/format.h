/*
 * A transcript as text, JSON, SRT, WebVTT or TSV, written as it grows.
 *
 * The caller appends segments to the transcript and calls asr_writer_update; the writer appends to `out` what is
 * final by then, so that long recordings print as they come. asr_writer_end writes the rest; for a transcript that
 * is whole it alone is enough.
 * Cues of SRT and VTT are shaped for reading: at most two lines of 42 columns, reading speed and gaps as in
 * asr/cues.h.
 */
#ifndef TIRO_ASR_FORMAT_H
#define TIRO_ASR_FORMAT_H

#include "asr/transcript.h"

enum asr_format { ASR_FORMAT_TEXT, ASR_FORMAT_JSON, ASR_FORMAT_SRT, ASR_FORMAT_VTT, ASR_FORMAT_TSV };

/* Finds a format by its name ("text", "txt", "json", "srt", "vtt", "tsv"); false where there is none. */
bool asr_format_by_name(const char *name, enum asr_format *ret);

struct asr_writer;

/* `t` and `out` are borrowed for the writer's life. Errors: ERR_NO_MEMORY. */
enum err_code asr_writer_new(enum asr_format format, const struct asr_transcript *t, struct strbuf *out,
			     struct asr_writer **ret, struct err *err) MUST_CHECK;
void asr_writer_free(struct asr_writer *w);

/* Segments were appended. Writes what can no longer change. */
void asr_writer_update(struct asr_writer *w);

/* The transcript is whole: writes the rest. Check `out` with strbuf_check afterwards. */
void asr_writer_end(struct asr_writer *w);

/* Appends one segment's part of the running text, with the blank before it where there is one. */
void asr_running_segment(const struct asr_transcript *t, size_t segment, struct strbuf *out);

/* Appends all that was said as one running text. `out` must be allowed LIMIT_TRANSCRIPT_TEXT and a blank a word. */
void asr_running_text(const struct asr_transcript *t, struct strbuf *out);

#endif
