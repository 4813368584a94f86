/*
 * Small model files made in memory: a CTranslate2 Whisper with one layer a side, an ONNX file with Silero's tensors.
 */
#ifndef TIRO_TESTS_SUPPORT_MADE_MODELS_H
#define TIRO_TESTS_SUPPORT_MADE_MODELS_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"

/* -- CTranslate2 --------------------------------------------------------------------------------- */

static inline void made_uint(struct strbuf *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		strbuf_add_char(out, (char)(value >> (8 * i)));
}

static inline void made_ct2_name(struct strbuf *out, const char *name)
{
	made_uint(out, strlen(name) + 1, 2);
	strbuf_add(out, name, strlen(name) + 1);
}

/* A float16 variable of up to three dimensions (0 ends them), filled with halves that count up. */
static inline void made_ct2_f16(struct strbuf *out, const char *name, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t dims = c ? 3 : b ? 2 : 1;
	uint32_t n = a * (b ? b : 1) * (c ? c : 1);
	made_ct2_name(out, name);
	made_uint(out, dims, 1);
	made_uint(out, a, 4);
	if (b)
		made_uint(out, b, 4);
	if (c)
		made_uint(out, c, 4);
	made_uint(out, 4, 1);
	made_uint(out, (uint64_t)n * 2, 4);
	for (uint32_t i = 0; i < n; i++)
		made_uint(out, 0x3000 + i % 2048, 2);
}

static inline void made_ct2_i16(struct strbuf *out, const char *name, uint16_t value)
{
	made_ct2_name(out, name);
	made_uint(out, 0, 1);
	made_uint(out, 2, 1);
	made_uint(out, 2, 4);
	made_uint(out, value, 2);
}

enum { MADE_STATE = 32, MADE_FFN = 64, MADE_VOCAB = 1000, MADE_MELS = 8 };

struct made_variable {
	const char *name;
	uint32_t rows, columns;
};

static inline uint32_t made_ct2_layer(struct strbuf *out, const char *side, bool cross)
{
	static const struct made_variable own[] = {
		{ "ffn/layer_norm/gamma", MADE_STATE, 0 },
		{ "ffn/layer_norm/beta", MADE_STATE, 0 },
		{ "ffn/linear_0/weight", MADE_FFN, MADE_STATE },
		{ "ffn/linear_0/bias", MADE_FFN, 0 },
		{ "ffn/linear_1/weight", MADE_STATE, MADE_FFN },
		{ "ffn/linear_1/bias", MADE_STATE, 0 },
		{ "self_attention/layer_norm/gamma", MADE_STATE, 0 },
		{ "self_attention/layer_norm/beta", MADE_STATE, 0 },
		{ "self_attention/linear_0/weight", 3 * MADE_STATE, MADE_STATE },
		{ "self_attention/linear_0/bias", 3 * MADE_STATE, 0 },
		{ "self_attention/linear_1/weight", MADE_STATE, MADE_STATE },
		{ "self_attention/linear_1/bias", MADE_STATE, 0 },
		{ "attention/layer_norm/gamma", MADE_STATE, 0 },
		{ "attention/layer_norm/beta", MADE_STATE, 0 },
		{ "attention/linear_0/weight", MADE_STATE, MADE_STATE },
		{ "attention/linear_0/bias", MADE_STATE, 0 },
		{ "attention/linear_1/weight", 2 * MADE_STATE, MADE_STATE },
		{ "attention/linear_1/bias", 2 * MADE_STATE, 0 },
		{ "attention/linear_2/weight", MADE_STATE, MADE_STATE },
		{ "attention/linear_2/bias", MADE_STATE, 0 },
	};
	uint32_t count = cross ? 20 : 12;
	for (uint32_t i = 0; i < count; i++) {
		char name[128];
		(void)snprintf(name, sizeof name, "%s/layer_0/%s", side, own[i].name);
		made_ct2_f16(out, name, own[i].rows, own[i].columns, 0);
	}
	return count;
}

/* A whole model with one layer a side; `skip` leaves out the variable of that name. */
static inline void made_ct2_whisper(struct strbuf *out)
{
	struct strbuf body = STRBUF_INIT(4u << 20);
	uint32_t count = 13;
	made_ct2_f16(&body, "decoder/embeddings/weight", MADE_VOCAB, MADE_STATE, 0);
	made_ct2_f16(&body, "decoder/position_encodings/encodings", 4, MADE_STATE, 0);
	made_ct2_f16(&body, "encoder/position_encodings/encodings", 6, MADE_STATE, 0);
	made_ct2_i16(&body, "decoder/num_heads", 2);
	made_ct2_i16(&body, "encoder/num_heads", 2);
	made_ct2_f16(&body, "encoder/conv1/weight", MADE_STATE, MADE_MELS, 3);
	made_ct2_f16(&body, "encoder/conv1/bias", MADE_STATE, 0, 0);
	made_ct2_f16(&body, "encoder/conv2/weight", MADE_STATE, MADE_STATE, 3);
	made_ct2_f16(&body, "encoder/conv2/bias", MADE_STATE, 0, 0);
	made_ct2_f16(&body, "encoder/layer_norm/gamma", MADE_STATE, 0, 0);
	made_ct2_f16(&body, "encoder/layer_norm/beta", MADE_STATE, 0, 0);
	made_ct2_f16(&body, "decoder/layer_norm/gamma", MADE_STATE, 0, 0);
	made_ct2_f16(&body, "decoder/layer_norm/beta", MADE_STATE, 0, 0);
	count += made_ct2_layer(&body, "encoder", false);
	count += made_ct2_layer(&body, "decoder", true);
	made_uint(out, 6, 4);
	made_ct2_name(out, "WhisperSpec");
	made_uint(out, 3, 4);
	made_uint(out, count, 4);
	strbuf_add(out, body.data, body.len);
	made_uint(out, 1, 4);
	made_ct2_name(out, "decoder/projection/weight");
	made_ct2_name(out, "decoder/embeddings/weight");
	strbuf_done(&body);
}

/* -- ONNX ---------------------------------------------------------------------------------------- */

static inline void made_varint(struct strbuf *out, uint64_t value)
{
	for (; value > 127; value >>= 7)
		strbuf_add_char(out, (char)(value | 128));
	strbuf_add_char(out, (char)value);
}

static inline void made_bytes(struct strbuf *out, uint32_t field, const void *bytes, size_t len)
{
	made_varint(out, (uint64_t)field << 3 | 2);
	made_varint(out, len);
	strbuf_add(out, bytes, len);
}

static inline void made_number(struct strbuf *out, uint32_t field, uint64_t value)
{
	made_varint(out, (uint64_t)field << 3);
	made_varint(out, value);
}

/* One float32 initialiser into a graph; 0 ends the dimensions. */
static inline void made_onnx_tensor(struct strbuf *graph, const char *name, const uint32_t dim[3])
{
	struct strbuf tensor = STRBUF_INIT(4u << 20);
	struct strbuf data = STRBUF_INIT(4u << 20);
	uint32_t n = 1;
	for (int i = 0; i < 3 && dim[i]; i++) {
		made_number(&tensor, 1, dim[i]);
		n *= dim[i];
	}
	made_number(&tensor, 2, 1);
	made_bytes(&tensor, 8, name, strlen(name));
	for (uint32_t i = 0; i < n; i++) {
		float value = (float)(i % 100) / 8;
		uint32_t bits;
		memcpy(&bits, &value, sizeof bits);
		made_uint(&data, bits, 4);
	}
	made_bytes(&tensor, 9, data.data, data.len);
	made_bytes(graph, 5, tensor.data, tensor.len);
	strbuf_done(&tensor);
	strbuf_done(&data);
}

static inline void made_onnx_file(struct strbuf *out, const struct strbuf *graph)
{
	made_number(out, 1, 8);
	made_bytes(out, 2, "pytorch", 7);
	made_bytes(out, 7, graph->data, graph->len);
}

#endif
