#include <math.h>
#include <string.h>

#include "asr/vad_priv.h"

/* Built twice (meson.build): a vector type is spread over a processor's registers when this file is compiled. */
#ifndef ASR_VAD_NET
#define ASR_VAD_NET asr_vad_net
#endif

/* Sizes that are constants at the call unroll the loops inside. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* The compilers turn this into the widest vectors of the target; without one, into scalar code. */
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

static inline float sum_lanes(const lanes *v)
{
	return (((*v)[0] + (*v)[4]) + ((*v)[1] + (*v)[5])) + (((*v)[2] + (*v)[6]) + ((*v)[3] + (*v)[7]));
}

/*
 * Dot products of one row of weights with `columns` (<= FRAMES, a constant at each call) inputs that lie `stride`
 * floats apart: the row is read from the cache once for all of them. `n` is a multiple of LANES.
 */
static ALWAYS_INLINE void dot_columns(const float *row, const float *x, size_t stride, int columns, size_t n,
				      float *ret)
{
	lanes sums[FRAMES] = { { 0 } };
	for (size_t i = 0; i < n; i += LANES) {
		lanes w;
		memcpy(&w, row + i, sizeof w);
		for (int c = 0; c < columns; c++) {
			lanes v;
			memcpy(&v, x + (size_t)c * stride + i, sizeof v);
			sums[c] += w * v;
		}
	}
	for (int c = 0; c < columns; c++)
		ret[c] = sum_lanes(&sums[c]);
}

/* Columns of a layer's output, with a zero column before and after for the taps that reach over the ends, and room
 * for the zeros behind the last row. */
struct columns {
	float values[(FRAMES + 2) * WIDEST + LANES];
};

static ALWAYS_INLINE void conv(const struct conv *weights, const struct layer_shape *shape, const struct columns *in,
			       struct columns *out)
{
	size_t n = (size_t)PADDED(TAPS * shape->in);
	memset(out, 0, sizeof *out);
	for (int o = 0; o < shape->out; o++) {
		float sums[FRAMES];
		dot_columns(weights->weights[o], in->values, (size_t)shape->stride * (size_t)shape->in,
			    shape->frames_out, n, sums);
		for (int t = 0; t < shape->frames_out; t++)
			out->values[(t + 1) * shape->out + o] = fmaxf(sums[t] + weights->bias[o], 0.0F);
	}
}

static ALWAYS_INLINE void spectrum(const struct asr_vad_weights *w, const float *x, struct columns *out)
{
	memset(out, 0, sizeof *out);
	for (int bin = 0; bin < BINS; bin++) {
		float real[FRAMES];
		float imaginary[FRAMES];
		dot_columns(w->basis[bin], x, HOP, FRAMES, FRAME, real);
		dot_columns(w->basis[BINS + bin], x, HOP, FRAMES, FRAME, imaginary);
		for (int t = 0; t < FRAMES; t++)
			out->values[(t + 1) * BINS + bin] = sqrtf(real[t] * real[t] + imaginary[t] * imaginary[t]);
	}
}

static inline float sigmoid(float x)
{
	return 1.0F / (1.0F + expf(-x));
}

static ALWAYS_INLINE float lstm(struct asr_vad *vad, const float *features)
{
	const struct asr_vad_weights *w = vad->weights;
	float input[2 * UNITS];
	float gates[GATES];
	memcpy(input, features, UNITS * sizeof *input);
	memcpy(input + UNITS, vad->hidden, sizeof vad->hidden);
	/* Roles are swapped here: one input with several rows, so that several sums are in flight. */
	for (int gate = 0; gate < GATES; gate += FRAMES)
		dot_columns(input, w->gates[gate], (size_t)2 * UNITS, FRAMES, (size_t)2 * UNITS, &gates[gate]);
	for (int gate = 0; gate < GATES; gate++)
		gates[gate] += w->gate_bias[gate];
	float out = w->output_bias;
	for (int i = 0; i < UNITS; i++) {
		float in = sigmoid(gates[i]) * tanhf(gates[2 * UNITS + i]);
		vad->cell[i] = sigmoid(gates[UNITS + i]) * vad->cell[i] + in;
		vad->hidden[i] = sigmoid(gates[3 * UNITS + i]) * tanhf(vad->cell[i]);
		out += w->output[i] * fmaxf(vad->hidden[i], 0.0F);
	}
	return sigmoid(out);
}

float ASR_VAD_NET(struct asr_vad *vad, const float x[INPUT])
{
	const struct asr_vad_weights *w = vad->weights;
	struct columns a;
	struct columns b;
	spectrum(w, x, &a);
	conv(&w->conv[0], &layers[0], &a, &b);
	conv(&w->conv[1], &layers[1], &b, &a);
	conv(&w->conv[2], &layers[2], &a, &b);
	conv(&w->conv[3], &layers[3], &b, &a);
	return lstm(vad, a.values + layers[3].out);
}
