
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "asr/vad_priv.h"
#include "base/cleanup.h"
#include "process/pack.h"

enum { NAME_MAX_BYTES = 64, MAGIC = 0x67676d6c };

/* -- the file -------------------------------------------------------------------------------------- */

/* Where a tensor of the file goes: `store` gets its floats in the file's order, `dims` of it from the innermost. */
struct tensor {
	const char *name;
	int dims[3];
	void (*store)(struct asr_vad_weights *w, int layer, const float *values);
	int layer;
};

static void store_basis(struct asr_vad_weights *w, int layer, const float *values)
{
	(void)layer;
	memcpy(w->basis, values, sizeof w->basis);
}

static void store_conv(struct asr_vad_weights *w, int layer, const float *values)
{
	const struct layer_shape *shape = &layers[layer];
	for (int out = 0; out < shape->out; out++)
		for (int in = 0; in < shape->in; in++)
			for (int tap = 0; tap < TAPS; tap++)
				w->conv[layer].weights[out][tap * shape->in + in] =
					values[(out * shape->in + in) * TAPS + tap];
}

static void store_conv_bias(struct asr_vad_weights *w, int layer, const float *values)
{
	memcpy(w->conv[layer].bias, values, (size_t)layers[layer].out * sizeof *values);
}

/* `layer` is 0 for the input's half of a gate's row and 1 for the hidden state's. */
static void store_gates(struct asr_vad_weights *w, int layer, const float *values)
{
	for (int gate = 0; gate < GATES; gate++)
		memcpy(&w->gates[gate][layer * UNITS], values + (size_t)gate * UNITS, UNITS * sizeof *values);
}

/* The two biases of a gate are only ever added, so one sum is kept. */
static void store_gate_bias(struct asr_vad_weights *w, int layer, const float *values)
{
	(void)layer;
	for (int gate = 0; gate < GATES; gate++)
		w->gate_bias[gate] += values[gate];
}

static void store_output(struct asr_vad_weights *w, int layer, const float *values)
{
	(void)layer;
	memcpy(w->output, values, sizeof w->output);
}

static void store_output_bias(struct asr_vad_weights *w, int layer, const float *values)
{
	(void)layer;
	w->output_bias = values[0];
}

static const struct tensor tensors[] = {
	{ "_model.stft.forward_basis_buffer", { FRAME, 1, 2 * BINS }, store_basis, 0 },
	{ "_model.encoder.0.reparam_conv.weight", { TAPS, 129, 128 }, store_conv, 0 },
	{ "_model.encoder.0.reparam_conv.bias", { 128, 1, 1 }, store_conv_bias, 0 },
	{ "_model.encoder.1.reparam_conv.weight", { TAPS, 128, 64 }, store_conv, 1 },
	{ "_model.encoder.1.reparam_conv.bias", { 64, 1, 1 }, store_conv_bias, 1 },
	{ "_model.encoder.2.reparam_conv.weight", { TAPS, 64, 64 }, store_conv, 2 },
	{ "_model.encoder.2.reparam_conv.bias", { 64, 1, 1 }, store_conv_bias, 2 },
	{ "_model.encoder.3.reparam_conv.weight", { TAPS, 64, 128 }, store_conv, 3 },
	{ "_model.encoder.3.reparam_conv.bias", { 128, 1, 1 }, store_conv_bias, 3 },
	{ "_model.decoder.rnn.weight_ih", { UNITS, GATES, 1 }, store_gates, 0 },
	{ "_model.decoder.rnn.weight_hh", { UNITS, GATES, 1 }, store_gates, 1 },
	{ "_model.decoder.rnn.bias_ih", { GATES, 1, 1 }, store_gate_bias, 0 },
	{ "_model.decoder.rnn.bias_hh", { GATES, 1, 1 }, store_gate_bias, 1 },
	{ "_model.decoder.decoder.2.weight", { UNITS, 1, 1 }, store_output, 0 },
	{ "_model.decoder.decoder.2.bias", { 1, 1, 1 }, store_output_bias, 0 },
};

static enum err_code corrupt(struct err *err, const char *why)
{
	return err_set(err, ERR_CORRUPT, "the speech detector's model %s; fetch it again", why);
}

/* The head's numbers in their order: window, context, layers, then in, out and width of each layer, LSTM, output. */
static bool head_fits(struct unpacker *u)
{
	static const uint32_t head[] = { ASR_VAD_CHUNK, CONTEXT, LAYERS, 129,  128, TAPS, 128,	 64, TAPS, 64, 64,
					 TAPS,		64,	 128,	 TAPS, 128, 128,  UNITS, 1 };
	char kind[NAME_MAX_BYTES];
	if (unpack_u32(u) != MAGIC)
		return false;
	unpack_str(u, kind, sizeof kind);
	if (strcmp(kind, "silero-16k") != 0)
		return false;
	for (int i = 0; i < 3; i++)
		(void)unpack_u32(u); /* the model's version: what matters are names and shapes */
	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		if (unpack_u32(u) != head[i])
			return false;
	return !u->failed;
}

/* IEEE 754 half precision, exactly. */
static float half_to_float(uint16_t half)
{
	int exponent = half >> 10 & 0x1f;
	int fraction = half & 0x3ff;
	float magnitude =
		exponent == 0 ? ldexpf((float)fraction, -24) : ldexpf((float)(fraction | 0x400), exponent - 25);
	return half & 0x8000 ? -magnitude : magnitude;
}

static const uint8_t *take(struct unpacker *u, size_t len)
{
	if (u->failed || (size_t)(u->end - u->next) < len) {
		u->failed = true;
		return NULL;
	}
	const uint8_t *p = u->next;
	u->next += len;
	return p;
}

/* Reads `count` values of the file's type; false where one is not finite or the bytes end. */
static bool read_values(struct unpacker *u, bool half, size_t count, float *values)
{
	for (size_t i = 0; i < count; i++) {
		if (half) {
			const uint8_t *p = take(u, 2);
			values[i] = p ? half_to_float((uint16_t)(p[0] | p[1] << 8)) : 0.0F;
			if (p && (p[1] & 0x7c) == 0x7c)
				return false;
		} else {
			values[i] = unpack_f32(u);
		}
	}
	return !u->failed;
}

static const struct tensor *tensor_by_name(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(tensors); i++)
		if (strlen(tensors[i].name) == len && memcmp(tensors[i].name, name, len) == 0)
			return &tensors[i];
	return NULL;
}

/* Reads one tensor's head; the entry of the table that it fills, or NULL where it is none or of another shape. */
static const struct tensor *read_tensor_head(struct unpacker *u, bool *ret_half)
{
	uint32_t dim_count = unpack_u32(u);
	uint32_t name_len = unpack_u32(u);
	uint32_t type = unpack_u32(u);
	if (u->failed || dim_count > 3 || name_len >= NAME_MAX_BYTES || type > 1)
		return NULL;
	uint32_t dims[3] = { 1, 1, 1 };
	for (uint32_t i = 0; i < dim_count; i++)
		dims[i] = unpack_u32(u);
	const uint8_t *name = take(u, name_len);
	const struct tensor *tensor = name ? tensor_by_name((const char *)name, name_len) : NULL;
	for (int i = 0; tensor && i < 3; i++)
		if (dims[i] != (uint32_t)tensor->dims[i])
			return NULL;
	*ret_half = type == 1;
	return tensor;
}

/* `values` has room for the largest tensor. */
static enum err_code read_tensors(struct unpacker *u, struct asr_vad_weights *w, float *values, struct err *err)
{
	bool seen[ARRAY_LEN(tensors)] = { false };
	size_t found = 0;
	while (u->next != u->end) {
		bool half;
		const struct tensor *tensor = read_tensor_head(u, &half);
		if (!tensor || seen[tensor - tensors])
			return corrupt(err, "has a tensor that does not belong to it");
		size_t count = (size_t)tensor->dims[0] * (size_t)tensor->dims[1] * (size_t)tensor->dims[2];
		if (!read_values(u, half, count, values))
			return corrupt(err, "ends too early or holds values that are no numbers");
		tensor->store(w, tensor->layer, values);
		seen[tensor - tensors] = true;
		found++;
	}
	return found == ARRAY_LEN(tensors) ? ERR_OK : corrupt(err, "is incomplete");
}

enum err_code asr_vad_weights_load(const void *bytes, size_t len, struct asr_vad_weights **ret, struct err *err)
{
	struct unpacker u = unpack_start(bytes, len);
	if (!head_fits(&u))
		return corrupt(err, "is not Silero's for 16 kHz in ggml form");
	cleanup_free struct asr_vad_weights *w = calloc(1, sizeof *w);
	/* The basis is the largest tensor. */
	cleanup_free float *values = malloc(sizeof w->basis);
	if (!w || !values)
		return err_set(err, ERR_NO_MEMORY, "no memory for the speech detector's model");
	enum err_code code = read_tensors(&u, w, values, err);
	if (code)
		return code;
	*ret = steal_ptr(&w);
	return ERR_OK;
}

void asr_vad_weights_free(struct asr_vad_weights *weights)
{
	free(weights);
}

/* -- a stream -------------------------------------------------------------------------------------- */

static asr_vad_net_fn *fastest_net(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return asr_vad_net_avx2;
#endif
	return asr_vad_net;
}

enum err_code asr_vad_new(const struct asr_vad_weights *weights, struct asr_vad **ret, struct err *err)
{
	struct asr_vad *vad = calloc(1, sizeof *vad);
	if (!vad)
		return err_set(err, ERR_NO_MEMORY, "no memory for a speech detector");
	vad->weights = weights;
	vad->net = fastest_net();
	*ret = vad;
	return ERR_OK;
}

void asr_vad_free(struct asr_vad *vad)
{
	free(vad);
}

void asr_vad_reset(struct asr_vad *vad)
{
	memset(vad->hidden, 0, sizeof vad->hidden);
	memset(vad->cell, 0, sizeof vad->cell);
}

float asr_vad_next(struct asr_vad *vad, const int16_t samples[ASR_VAD_CHUNK])
{
	float x[INPUT];
	memcpy(x, vad->context, sizeof vad->context);
	for (int i = 0; i < ASR_VAD_CHUNK; i++)
		x[CONTEXT + i] = (float)samples[i] / 32768.0F;
	memcpy(vad->context, x + ASR_VAD_CHUNK, sizeof vad->context);
	for (int i = 0; i < CONTEXT; i++)
		x[CONTEXT + ASR_VAD_CHUNK + i] = x[CONTEXT + ASR_VAD_CHUNK - 2 - i];
	return vad->net(vad, x);
}
