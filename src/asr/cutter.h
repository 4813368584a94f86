/*
 * Cuts a stream of audio into parts: finds speech (asr/vad.h), joins it to about LIMIT_PART_PACK_S seconds a
 * part, and cuts at silences, never over LIMIT_PART_MAX_S. Silence is left out; each part says where its
 * pieces lay in the recording. The memory used does not depend on the length of the recording.
 *
 * One thread at a time.
 */
#ifndef TIRO_ASR_CUTTER_H
#define TIRO_ASR_CUTTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Pieces in one part: 30 s at the shortest piece of speech that is kept, with room. */
enum { ASR_SPANS_MAX = 256 };

/* A piece of the recording inside a part; all in samples at AUDIO_RATE. */
struct asr_span {
	int64_t source; /* where it starts in the recording */
	uint32_t part; /* where it starts in the part */
	uint32_t length;
};

struct asr_part {
	uint32_t index; /* from 0, in the order of the recording */
	const int16_t *samples; /* borrowed during the callback */
	uint32_t sample_count;
	uint32_t span_count;
	struct asr_span
		spans[ASR_SPANS_MAX]; /* ascending, without overlap; between two spans a part may have silence */
};

struct asr_cutter;
struct asr_vad_weights;

/* Called for each finished part; an error ends the stream and is returned to whoever pushed. */
typedef enum err_code asr_part_fn(void *ctx, const struct asr_part *part, struct err *err);

/* `weights` are shared and outlive the cutter. */
enum err_code asr_cutter_new(const struct asr_vad_weights *weights, asr_part_fn *on_part, void *ctx,
			     struct asr_cutter **ret, struct err *err) MUST_CHECK;
void asr_cutter_free(struct asr_cutter *cutter);

/* Takes the next `count` samples (mono, AUDIO_RATE Hz); calls on_part for what became whole. */
enum err_code asr_cutter_push(struct asr_cutter *cutter, const int16_t *samples, size_t count, struct err *err)
	MUST_CHECK;

/* Ends the stream: the last part comes out. */
enum err_code asr_cutter_finish(struct asr_cutter *cutter, struct err *err) MUST_CHECK;

#endif
