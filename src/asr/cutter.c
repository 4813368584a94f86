#include "asr/cutter.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "asr/vad.h"
#include "base/cleanup.h"
#include "base/limits.h"

/* README.md says where thresholds and times come from. */
#define SPEECH_STARTS 0.5F
#define SPEECH_GOES_ON 0.2F

enum {
	CHUNK = ASR_VAD_CHUNK,
	/* Kept before and after speech: the detector is late at soft onsets and early at breathy ends, and more
	 * so in noise. */
	PAD = 3 * AUDIO_RATE / 10,
	/* Quiet chunks that end a run of speech: the padding behind it (320 ms). A shorter pause is within it. */
	QUIET_CHUNKS = (PAD + CHUNK - 1) / CHUNK,
	/* Speech chunks (of 32 ms) that a run needs; below it are clicks, coughs and slamming doors. */
	SPEECH_CHUNKS_MIN = 6,
	/* The second detector starts anew after so many chunks outside of speech (1 s), and is late by as much. */
	FORGET_CHUNKS = 31,
	LATE_PAD = AUDIO_RATE,
	/* Speech chunks that a run needs which only the second detector heard: without memory, it errs more. */
	DOUBTED_CHUNKS_MIN = 24,
	/* Samples up to this (-72 dB) are no sound: after a second of it the detectors rest until there is one. */
	HUSH_LEVEL = 8,
	HUSH_CHUNKS = 31,
	PACK = LIMIT_PART_PACK_S * AUDIO_RATE,
	/* Below Whisper's window, which must still hold a mark of time at its end. */
	PART_MAX = (LIMIT_PART_MAX_S - 2) * AUDIO_RATE,
	/* A part is not cut before this: short windows cost as much as long ones and lack context. */
	CUT_MIN = 8 * AUDIO_RATE,
	RUN_CHUNKS_MAX = PART_MAX / CHUNK + 1
};

struct asr_cutter {
	struct asr_vad *vad;
	struct asr_vad *second; /* see listen() */
	asr_part_fn *on_part;
	void *ctx;

	int64_t position; /* samples that the detector has seen */
	int64_t cut_end; /* where the last part that came out ended in the recording */
	int16_t chunk[CHUNK]; /* what is not yet a whole chunk */
	size_t chunk_count;
	int16_t recent[LATE_PAD]; /* the last samples seen, for the padding before a run */

	/* The part in the making: `part.spans` over `pcm`. While speaking, the last span is the run. */
	struct asr_part part;
	int16_t pcm[PART_MAX + CHUNK];
	bool speaking;
	bool doubted; /* only the second detector has heard the run */
	int hushed_chunks; /* without any sound, up to now */
	int silent_chunks; /* outside of runs, since the second detector last forgot */
	int quiet_chunks; /* at the run's end */
	int speech_chunks; /* in the run */
	size_t run_chunks; /* chunks in the run, after its padding */
	float loudness[RUN_CHUNKS_MAX]; /* per chunk of the run: how bad a place for a cut it is */
};

enum err_code asr_cutter_new(const struct asr_vad_weights *weights, asr_part_fn *on_part, void *ctx,
			     struct asr_cutter **ret, struct err *err)
{
	cleanup_free struct asr_cutter *cutter = calloc(1, sizeof *cutter);
	if (!cutter)
		return err_set(err, ERR_NO_MEMORY, "no memory to cut a recording");
	enum err_code code = asr_vad_new(weights, &cutter->vad, err);
	if (!code)
		code = asr_vad_new(weights, &cutter->second, err);
	if (code) {
		asr_vad_free(cutter->vad);
		return code;
	}
	cutter->on_part = on_part;
	cutter->ctx = ctx;
	*ret = steal_ptr(&cutter);
	return ERR_OK;
}

void asr_cutter_free(struct asr_cutter *cutter)
{
	if (!cutter)
		return;
	asr_vad_free(cutter->vad);
	asr_vad_free(cutter->second);
	free(cutter);
}

static struct asr_span *last_span(struct asr_cutter *c)
{
	return c->part.span_count > 0 ? &c->part.spans[c->part.span_count - 1] : NULL;
}

static void append(struct asr_cutter *c, const int16_t *samples, size_t count)
{
	assert(c->part.sample_count + count <= ARRAY_LEN(c->pcm));
	memcpy(c->pcm + c->part.sample_count, samples, count * sizeof *samples);
	c->part.sample_count += (uint32_t)count;
	last_span(c)->length += (uint32_t)count;
}

/* Drops samples from the end of the last span. */
static void drop(struct asr_cutter *c, uint32_t count)
{
	c->part.sample_count -= count;
	last_span(c)->length -= count;
}

/*
 * Hands over the first `spans` spans, which hold `samples` samples, as a part; what follows moves to the front.
 * A cut inside a span divides it: then `spans` counts it whole and it is the only one from which samples stay.
 */
static enum err_code emit(struct asr_cutter *c, uint32_t spans, uint32_t samples, struct err *err)
{
	struct asr_part *part = &c->part;
	struct asr_span cut = part->spans[spans - 1];
	uint32_t taken = samples - cut.part;
	uint32_t all_samples = part->sample_count;
	uint32_t all_spans = part->span_count;
	part->spans[spans - 1].length = taken;
	c->cut_end = cut.source + taken;
	part->samples = c->pcm;
	part->sample_count = samples;
	part->span_count = spans;
	enum err_code code = c->on_part(c->ctx, part, err);

	uint32_t kept = 0;
	if (cut.part + cut.length > samples) {
		part->spans[kept++] = (struct asr_span){ .source = cut.source + taken, .length = cut.length - taken };
	}
	for (uint32_t i = spans; i < all_spans; i++) {
		part->spans[kept] = part->spans[i];
		part->spans[kept++].part -= samples;
	}
	memmove(c->pcm, c->pcm + samples, (all_samples - samples) * sizeof *c->pcm);
	part->span_count = kept;
	part->sample_count = all_samples - samples;
	part->index++;
	return code;
}

/* -- runs of speech -------------------------------------------------------------------------------- */

/*
 * Starts a run at `position`, with the padding before it as far as no span has it already. Spans whose paddings
 * touch stay two: the short pause between them is a good place for a cut.
 */
static enum err_code start_run(struct asr_cutter *c, struct err *err)
{
	const struct asr_span *last = last_span(c);
	int64_t free_from = last ? last->source + last->length : c->cut_end;
	int64_t available = c->position - free_from;
	int64_t wanted = c->doubted ? LATE_PAD : PAD;
	size_t pad = (size_t)(available < wanted ? available : wanted);
	if (c->part.sample_count + pad + CHUNK > PACK && last) {
		enum err_code code = emit(c, c->part.span_count, c->part.sample_count, err);
		if (code)
			return code;
	}
	assert(c->part.span_count < ASR_SPANS_MAX);
	c->part.spans[c->part.span_count++] = (struct asr_span){
		.source = c->position - (int64_t)pad,
		.part = c->part.sample_count,
	};
	append(c, c->recent + LATE_PAD - pad, pad);
	c->speaking = true;
	c->quiet_chunks = c->speech_chunks = 0;
	c->run_chunks = 0;
	return ERR_OK;
}

/* Ends the run after its padding; one that is too short to be speech is taken back. */
static void end_run(struct asr_cutter *c)
{
	uint32_t quiet = (uint32_t)c->quiet_chunks * CHUNK;
	c->speaking = false;
	if (c->speech_chunks < (c->doubted ? DOUBTED_CHUNKS_MIN : SPEECH_CHUNKS_MIN)) {
		c->part.span_count--;
		c->part.sample_count = c->part.spans[c->part.span_count].part;
	} else if (quiet > PAD) {
		drop(c, quiet - PAD);
	}
}

/* The part is full and somebody speaks: where between two spans the cut hurts least, or 0 where nowhere. */
static uint32_t best_joint(const struct asr_cutter *c)
{
	uint32_t best = 0;
	for (uint32_t i = 1; i < c->part.span_count; i++)
		if (c->part.spans[i].part >= CUT_MIN)
			best = i;
	return best;
}

/* The quietest place in the second half of a run that fills a part alone; in samples of the part. */
static uint32_t quietest_cut(const struct asr_cutter *c)
{
	size_t best = c->run_chunks / 2;
	float best_loudness = INFINITY;
	for (size_t i = c->run_chunks / 2; i + 1 < c->run_chunks; i++) {
		float loudness = c->loudness[i - 1] + 2 * c->loudness[i] + c->loudness[i + 1];
		if (loudness < best_loudness) {
			best = i;
			best_loudness = loudness;
		}
	}
	size_t after = c->run_chunks - best;
	return c->part.sample_count - (uint32_t)(after * CHUNK) + CHUNK / 2;
}

/* Makes room for one chunk more of the run. */
static enum err_code make_room(struct asr_cutter *c, struct err *err)
{
	uint32_t need = c->part.sample_count + CHUNK;
	if (need > PACK) {
		uint32_t joint = best_joint(c);
		if (joint > 0)
			return emit(c, joint, c->part.spans[joint].part, err);
	}
	if (need <= PART_MAX)
		return ERR_OK;
	/* No joint after CUT_MIN: the run is longer than the rest of the part. */
	assert(c->run_chunks > 2);
	uint32_t cut = quietest_cut(c);
	/* The rest begins half a chunk before whole ones. */
	size_t chunks_left = (c->part.sample_count - cut) / CHUNK;
	memmove(c->loudness, c->loudness + c->run_chunks - chunks_left, chunks_left * sizeof *c->loudness);
	c->run_chunks = chunks_left;
	return emit(c, c->part.span_count, cut, err);
}

/* The level of a chunk, 0..1 for speech at usual levels: its root mean square by that of a loud voice. */
static float level(const int16_t *samples)
{
	float sum = 0.0F;
	for (int i = 0; i < CHUNK; i++)
		sum += (float)samples[i] * (float)samples[i];
	return sqrtf(sum / CHUNK) / 4096.0F;
}

/* True in long digital silence, such as fills hours of some recordings; the detectors start anew behind it. */
static bool is_hushed(struct asr_cutter *c, const int16_t *samples)
{
	int loud = 0;
	for (int i = 0; i < CHUNK; i++)
		loud |= samples[i] > HUSH_LEVEL || samples[i] < -HUSH_LEVEL;
	if (loud) {
		c->hushed_chunks = 0;
		return false;
	}
	if (c->speaking || ++c->hushed_chunks < HUSH_CHUNKS)
		return false;
	if (c->hushed_chunks == HUSH_CHUNKS) {
		asr_vad_reset(c->vad);
		asr_vad_reset(c->second);
	}
	c->hushed_chunks = HUSH_CHUNKS + 1; /* stays in the range of an int however long it lasts */
	return true;
}

/*
 * The detector gets used to a voice: after a loud speaker it may take a quiet one for noise for as long as he speaks.
 * A second one, which forgets every second what it heard, listens while the first hears nothing.
 */
static float listen(struct asr_cutter *c, const int16_t *samples)
{
	if (is_hushed(c, samples))
		return 0;
	float probability = asr_vad_next(c->vad, samples);
	if (c->speaking && !c->doubted)
		return probability;
	if (!c->speaking && ++c->silent_chunks >= FORGET_CHUNKS) {
		asr_vad_reset(c->second);
		c->silent_chunks = 0;
	}
	float second = asr_vad_next(c->second, samples);
	c->doubted = probability < SPEECH_STARTS;
	return probability > second ? probability : second;
}

static enum err_code push_chunk(struct asr_cutter *c, const int16_t *samples, struct err *err)
{
	float probability = listen(c, samples);
	enum err_code code = ERR_OK;
	if (!c->speaking && probability >= SPEECH_STARTS)
		code = start_run(c, err);
	if (!code && c->speaking)
		code = make_room(c, err);
	if (code)
		return code;
	if (c->speaking) {
		append(c, samples, CHUNK);
		c->loudness[c->run_chunks++] = probability + level(samples);
		c->speech_chunks += probability >= SPEECH_STARTS;
		c->quiet_chunks = probability >= SPEECH_GOES_ON ? 0 : c->quiet_chunks + 1;
		if (c->quiet_chunks >= QUIET_CHUNKS)
			end_run(c);
	}
	memmove(c->recent, c->recent + CHUNK, sizeof c->recent - CHUNK * sizeof *c->recent);
	memcpy(c->recent + LATE_PAD - CHUNK, samples, CHUNK * sizeof *samples);
	c->position += CHUNK;
	return ERR_OK;
}

enum err_code asr_cutter_push(struct asr_cutter *cutter, const int16_t *samples, size_t count, struct err *err)
{
	while (count > 0) {
		size_t room = CHUNK - cutter->chunk_count;
		size_t taken = count < room ? count : room;
		memcpy(cutter->chunk + cutter->chunk_count, samples, taken * sizeof *samples);
		cutter->chunk_count += taken;
		samples += taken;
		count -= taken;
		if (cutter->chunk_count < CHUNK)
			break;
		cutter->chunk_count = 0;
		enum err_code code = push_chunk(cutter, cutter->chunk, err);
		if (code)
			return code;
	}
	return ERR_OK;
}

enum err_code asr_cutter_finish(struct asr_cutter *cutter, struct err *err)
{
	uint32_t missing = 0;
	if (cutter->chunk_count > 0) {
		/* The last chunk is filled with silence, which leaves the part again below. */
		missing = (uint32_t)(CHUNK - cutter->chunk_count);
		memset(cutter->chunk + cutter->chunk_count, 0, missing * sizeof *cutter->chunk);
		cutter->chunk_count = 0;
		enum err_code code = push_chunk(cutter, cutter->chunk, err);
		if (code)
			return code;
	}
	int64_t end = cutter->position - missing;
	if (cutter->speaking)
		end_run(cutter);
	struct asr_span *last = last_span(cutter);
	if (!last)
		return ERR_OK;
	if (last->source + last->length > end)
		drop(cutter, (uint32_t)(last->source + last->length - end));
	return emit(cutter, cutter->part.span_count, cutter->part.sample_count, err);
}
