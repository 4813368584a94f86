/*
 * Puts the transcripts of parts together into the transcript of the recording: maps times back through the
 * parts' spans, adds the recording's start offset, keeps times in order, and never lets a word or a segment
 * reach over the silence that was cut out between two spans.
 */
#ifndef TIRO_ASR_STITCH_H
#define TIRO_ASR_STITCH_H

#include "asr/cutter.h"
#include "asr/transcript.h"

/*
 * Appends a part's transcript to the recording's. Parts come in the order of their index. `offset_us` is the
 * recording's start offset. Segments are split where the part jumps over more than a second of silence.
 * Errors: ERR_TOO_BIG, ERR_NO_MEMORY.
 */
enum err_code asr_stitch(struct asr_transcript *recording, const struct asr_transcript *part,
			 const struct asr_span *spans, size_t span_count, int64_t offset_us, struct err *err)
	MUST_CHECK;

#endif
