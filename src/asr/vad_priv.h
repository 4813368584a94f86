/*
 * The speech detector's network, for vad.c (file and stream) and vad_net.c (the sums).
 */
#ifndef TIRO_ASR_VAD_PRIV_H
#define TIRO_ASR_VAD_PRIV_H

#include "asr/vad.h"

/*
 * The network: a short-time Fourier transform as a convolution (4 frames of 256 samples, 129 bins), four
 * convolutions of width 3 with ReLU over time, one LSTM cell of 128 units, one linear unit. Every sum is a dot
 * product of a row of weights with contiguous input: rows are laid out for that when the file is loaded.
 */
enum {
	CONTEXT = 64, /* samples of the chunk before, and mirrored samples after */
	INPUT = CONTEXT + ASR_VAD_CHUNK + CONTEXT,
	FRAME = 256,
	HOP = 128,
	FRAMES = 4,
	BINS = 129,
	TAPS = 3,
	UNITS = 128,
	GATES = 4 * UNITS,
	LAYERS = 4,
	WIDEST = BINS,
	LANES = 8 /* floats in a vector: rows are padded with zeros to whole vectors */
};

#define PADDED(n) (((n) + LANES - 1) / LANES * LANES)

struct layer_shape {
	int in;
	int out;
	int stride;
	int frames_in;
	int frames_out;
};

static const struct layer_shape layers[LAYERS] = {
	{ BINS, 128, 1, 4, 4 },
	{ 128, 64, 2, 4, 2 },
	{ 64, 64, 2, 2, 1 },
	{ 64, 128, 1, 1, 1 },
};

struct conv {
	float weights[128][PADDED(TAPS * WIDEST)]; /* per output: the taps in order of time, each over all inputs */
	float bias[128];
};

struct asr_vad_weights {
	float basis[2 * BINS][FRAME];
	struct conv conv[LAYERS];
	float gates[GATES][2 * UNITS]; /* per gate: weights of the input, then of the hidden state */
	float gate_bias[GATES];
	float output[UNITS];
	float output_bias;
};

struct asr_vad;

/* The probability of speech in one window; moves the stream's state on. */
typedef float asr_vad_net_fn(struct asr_vad *vad, const float x[INPUT]);

struct asr_vad {
	const struct asr_vad_weights *weights;
	asr_vad_net_fn *net; /* for this processor */
	float context[CONTEXT];
	float hidden[UNITS];
	float cell[UNITS];
};

/* The same code, built for every processor and for those with AVX2 and FMA. */
asr_vad_net_fn asr_vad_net;
asr_vad_net_fn asr_vad_net_avx2;

#endif
