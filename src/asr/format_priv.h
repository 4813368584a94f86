/*
 * What the writers of asr/format.h share. Each format is one row of functions; `end` is called once, after the last
 * `segment`.
 */
#ifndef TIRO_ASR_FORMAT_PRIV_H
#define TIRO_ASR_FORMAT_PRIV_H

#include "asr/cues.h"
#include "asr/format.h"
#include "base/json.h"

struct format_ops {
	/* Before the first segment, or before `end` where there is none. NULL: nothing to write. */
	void (*begin)(struct asr_writer *w);
	/* The segment w->t->segments[index] is whole. NULL where `cue` is set. */
	void (*segment)(struct asr_writer *w, size_t index);
	/* NULL: the format has no cues. */
	asr_cue_fn *cue;
	void (*end)(struct asr_writer *w);
};

extern const struct format_ops format_text_ops;
extern const struct format_ops format_tsv_ops;
extern const struct format_ops format_json_ops;
extern const struct format_ops format_srt_ops;
extern const struct format_ops format_vtt_ops;

struct asr_writer {
	const struct format_ops *ops;
	const struct asr_transcript *t;
	struct strbuf *out;
	bool begun;
	size_t segments_done;
	struct asr_cues *cues; /* owned; NULL without cues */
	size_t cue_count;
	bool line_open; /* text: the line that was written last may go on */
	struct json json;
};

/* Appends a segment's words in one line: control characters and separators become spaces. */
void format_segment_text(struct strbuf *out, const struct asr_transcript *t, size_t index);

/* True if a space belongs between a segment and the one before it. */
bool format_space_before(const struct asr_transcript *t, size_t index);

#endif
