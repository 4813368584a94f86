/*
 * Speech detection: Silero VAD v6, 16 kHz, in plain C (model by the Silero team, MIT; the file is whisper.cpp's
 * ggml form of it). One probability of speech per 512 samples (32 ms), with the LSTM's state carried along.
 */
#ifndef TIRO_ASR_VAD_H
#define TIRO_ASR_VAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { ASR_VAD_CHUNK = 512 /* samples per probability */ };

struct asr_vad_weights; /* immutable, shared by threads */

/* Reads the model file's bytes (untrusted: sizes and names are checked). Errors: ERR_CORRUPT, ERR_NO_MEMORY. */
enum err_code asr_vad_weights_load(const void *bytes, size_t len, struct asr_vad_weights **ret, struct err *err)
	MUST_CHECK;
void asr_vad_weights_free(struct asr_vad_weights *weights);

struct asr_vad; /* a stream's state; one thread at a time */

enum err_code asr_vad_new(const struct asr_vad_weights *weights, struct asr_vad **ret, struct err *err) MUST_CHECK;
void asr_vad_free(struct asr_vad *vad);

/* Forgets what was heard: the next chunk begins a recording. */
void asr_vad_reset(struct asr_vad *vad);

/* The probability (0..1) that the next ASR_VAD_CHUNK samples hold speech. */
float asr_vad_next(struct asr_vad *vad, const int16_t samples[ASR_VAD_CHUNK]);

#endif
