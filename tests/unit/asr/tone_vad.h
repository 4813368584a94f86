/* A speech detector for tests without the model's file: the real network with weights that hear a tone of 1 kHz. */
#ifndef TIRO_TEST_TONE_VAD_H
#define TIRO_TEST_TONE_VAD_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "asr/vad_priv.h"

static inline struct asr_vad_weights *tone_vad_new(void)
{
	enum { BIN = 16 };
	const float two_pi = 6.2831853F;
	struct asr_vad_weights *w = calloc(1, sizeof *w);
	for (int i = 0; i < FRAME; i++) {
		w->basis[BIN][i] = cosf(two_pi * BIN * (float)i / FRAME) / FRAME;
		w->basis[BINS + BIN][i] = sinf(two_pi * BIN * (float)i / FRAME) / FRAME;
	}
	/* The middle tap of each layer hands one feature on. */
	w->conv[0].weights[0][BINS + BIN] = 100.0F;
	for (int layer = 1; layer < LAYERS; layer++)
		w->conv[layer].weights[0][layers[layer].in] = 1.0F;
	/* A cell that forgets, and shows whether the feature is above 1. */
	w->gate_bias[0] = 20.0F;
	w->gate_bias[UNITS] = -20.0F;
	w->gates[(ptrdiff_t)2 * UNITS][0] = 10.0F;
	w->gate_bias[2 * UNITS] = -10.0F;
	w->gate_bias[3 * UNITS] = 20.0F;
	w->output[0] = 20.0F;
	w->output_bias = -7.0F;
	return w;
}

/* Writes a tone that this detector takes for speech. */
static inline void tone(int16_t *samples, size_t count)
{
	for (size_t i = 0; i < count; i++)
		samples[i] = (int16_t)(8000.0F * sinf(6.2831853F * (float)(i % 16) / 16.0F));
}

#endif
