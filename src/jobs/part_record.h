/*
 * What is kept of a part: before it is recognised its layout and samples, as an object in the vault; afterwards its
 * layout and words, as a note in the database. Both say by themselves all that a node needs, whichever it is.
 *
 * Bytes that are read are untrusted here as everywhere: the vault says that they are ours, not that they are sound.
 * Thread-safe.
 */
#ifndef TIRO_JOBS_PART_RECORD_H
#define TIRO_JOBS_PART_RECORD_H

#include "asr/cutter.h"
#include "asr/transcript.h"

struct part_layout {
	int64_t start_us; /* offset of the recording's first sample */
	bool alone; /* the part is a whole short recording */
	uint32_t sample_count;
	uint32_t span_count;
	struct asr_span spans[ASR_SPANS_MAX];
};

/* The head of a part's object; sample_count 16-bit samples follow. */
void part_head_pack(const struct part_layout *layout, struct strbuf *out);

/* Bytes before the samples of an object of `size` bytes whose first ones these are. Errors: ERR_PROTOCOL. */
enum err_code part_head_unpack(const void *bytes, size_t len, struct part_layout *ret, size_t *ret_head_bytes,
			       struct err *err) MUST_CHECK;

enum {
	/* The most that a head takes. */
	PART_HEAD_MAX = 64 + ASR_SPANS_MAX * 16
};

void part_result_pack(const struct part_layout *layout, const struct asr_transcript *words, struct strbuf *out);
/* `ret_words` as asr_transcript_unpack. Errors: ERR_PROTOCOL, ERR_NO_MEMORY. */
enum err_code part_result_unpack(const void *bytes, size_t len, struct part_layout *ret,
				 struct asr_transcript *ret_words, struct err *err) MUST_CHECK;

#endif
