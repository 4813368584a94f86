#include "asr/whisper_encoder_graph.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* 256 layers, the most that a file may claim, take 2.5 MB. */
#define XML_BYTES_MAX ((size_t)8 * 1024 * 1024)
/* OpenVINO reads vectors from constants. */
enum { ALIGNMENT = 64, INPUTS_MAX = 3 };

/* An output of a layer. */
struct value {
	int layer;
	int port;
};

struct writer {
	struct encoder_graph *graph;
	struct strbuf edges;
	const struct weights_head *head;
	int layers;
	bool no_memory;
	char block[32]; /* "encoder.blocks.N." */
};

/* -- layers and constants ------------------------------------------------------------------------------ */

/* An operation of OpenVINO: its type, the version of the set that it is in, its attributes. */
struct op {
	const char *type;
	const char *version;
	const char *data;
};

/* Ports count inputs, then the output. */
static struct value layer(struct writer *w, struct op op, const struct value *inputs, int count)
{
	struct strbuf *xml = &w->graph->xml;
	int id = w->layers++;
	strbuf_addf(xml, "<layer id=\"%d\" name=\"%d\" type=\"%s\" version=\"%s\"><data %s/><input>", id, id, op.type,
		    op.version, op.data);
	for (int i = 0; i < count; i++) {
		strbuf_addf(xml, "<port id=\"%d\"/>", i);
		strbuf_addf(&w->edges, "<edge from-layer=\"%d\" from-port=\"%d\" to-layer=\"%d\" to-port=\"%d\"/>",
			    inputs[i].layer, inputs[i].port, id, i);
	}
	strbuf_addf(xml, "</input><output><port id=\"%d\" precision=\"FP32\"/></output></layer>", count);
	return (struct value){ id, count };
}

static struct value one(struct writer *w, struct op op, struct value x)
{
	return layer(w, op, &x, 1);
}

static struct value two(struct writer *w, struct op op, struct value a, struct value b)
{
	const struct value inputs[] = { a, b };
	return layer(w, op, inputs, 2);
}

static struct value parameter(struct writer *w, const char *shape)
{
	int id = w->layers++;
	strbuf_addf(&w->graph->xml,
		    "<layer id=\"%d\" name=\"%d\" type=\"Parameter\" version=\"opset1\"><data shape=\"%s\" "
		    "element_type=\"f32\"/><output><port id=\"0\" precision=\"FP32\"/></output></layer>",
		    id, id, shape);
	return (struct value){ id, 0 };
}

static struct encoder_constant *new_constant(struct writer *w)
{
	struct encoder_graph *g = w->graph;
	if (g->count == g->capacity) {
		size_t capacity = g->capacity ? 2 * g->capacity : 128;
		struct encoder_constant *grown = realloc(g->constants, capacity * sizeof *grown);
		if (!grown) {
			w->no_memory = true;
			return NULL;
		}
		g->constants = grown;
		g->capacity = capacity;
	}
	struct encoder_constant *c = &g->constants[g->count++];
	*c = (struct encoder_constant){ .offset = g->weights_bytes };
	return c;
}

/* How OpenVINO names the types of constants, in attributes and at ports. */
static const struct {
	const char *type;
	const char *precision;
	uint64_t size;
} element_types[] = {
	[ENCODER_NUMBERS] = { "i64", "I64", sizeof(int64_t) },
	[ENCODER_FLOATS] = { "f32", "FP32", sizeof(float) },
	[ENCODER_HALVES] = { "f16", "FP16", 2 },
	[ENCODER_Q8_VALUES] = { "i8", "I8", 1 },
	[ENCODER_Q8_SCALES] = { "f16", "FP16", 2 },
};

static struct value constant(struct writer *w, enum encoder_content content, const char *shape, uint64_t elements)
{
	uint64_t bytes = elements * element_types[content].size;
	struct encoder_graph *g = w->graph;
	int id = w->layers++;
	strbuf_addf(&g->xml,
		    "<layer id=\"%d\" name=\"%d\" type=\"Const\" version=\"opset1\"><data element_type=\"%s\" "
		    "shape=\"%s\" offset=\"%" PRIu64 "\" size=\"%" PRIu64
		    "\"/><output><port id=\"0\" precision=\"%s\"/></output></layer>",
		    id, id, element_types[content].type, shape, g->weights_bytes, bytes,
		    element_types[content].precision);
	g->weights_bytes += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	return (struct value){ id, 0 };
}

/* Whole numbers: the axes or the shape that an operation takes as an input. */
static struct value numbers(struct writer *w, int count, const int64_t *values)
{
	struct encoder_constant *c = new_constant(w);
	char shape[16];
	if (c) {
		memcpy(c->numbers, values, (size_t)count * sizeof *values);
		c->elements = (uint64_t)count;
	}
	(void)snprintf(shape, sizeof shape, "%d", count);
	return constant(w, ENCODER_NUMBERS, shape, (uint64_t)count);
}

struct shape {
	int rank;
	uint32_t dims[3]; /* outermost first */
};

/* A tensor of the file. */
static struct value tensor(struct writer *w, enum encoder_content content, const struct shape *shape,
			   const char *format, ...) PRINTF_LIKE(4, 5);
static struct value tensor(struct writer *w, enum encoder_content content, const struct shape *shape,
			   const char *format, ...)
{
	uint64_t elements = 1;
	cleanup_strbuf struct strbuf dims = STRBUF_INIT(64);
	for (int i = 0; i < shape->rank; i++) {
		elements *= shape->dims[i];
		strbuf_addf(&dims, "%s%u", i > 0 ? "," : "", shape->dims[i]);
	}
	struct encoder_constant *c = new_constant(w);
	if (c) {
		va_list args;
		va_start(args, format);
		(void)vsnprintf(c->tensor, sizeof c->tensor, format, args);
		va_end(args);
		c->content = content;
		c->elements = elements;
	}
	return constant(w, content, strbuf_str(&dims), elements);
}

/* -- the network --------------------------------------------------------------------------------------- */

static const struct op add_op = { "Add", "opset1", "auto_broadcast=\"numpy\"" };
static const struct op multiply_op = { "Multiply", "opset1", "auto_broadcast=\"numpy\"" };
static const struct op to_float_op = { "Convert", "opset1", "destination_type=\"f32\"" };
static const struct op to_half_op = { "Convert", "opset1", "destination_type=\"f16\"" };
static const struct op matmul_op = { "MatMul", "opset1", "transpose_a=\"false\" transpose_b=\"true\"" };
static const struct op mvn_op = { "MVN", "opset6",
				  "eps=\"1e-05\" normalize_variance=\"true\" eps_mode=\"INSIDE_SQRT\"" };
static const struct op gelu_op = { "Gelu", "opset7", "approximation_mode=\"ERF\"" };
static const struct op transpose_op = { "Transpose", "opset1", "" };
static const struct op reshape_plain_op = { "Reshape", "opset1", "special_zero=\"false\"" };
static const struct op reshape_op = { "Reshape", "opset1", "special_zero=\"true\"" };
static const struct op attention_op = { "ScaledDotProductAttention", "opset13", "causal=\"false\"" };

/* A row that is added to, or multiplied with, every frame. */
static struct value row(struct writer *w, const char *name, uint32_t width)
{
	const struct shape shape = { 3, { 1, 1, width } };
	return tensor(w, ENCODER_FLOATS, &shape, "%s%s", w->block, name);
}

static struct value add(struct writer *w, struct value a, struct value b)
{
	return two(w, add_op, a, b);
}

/* Weights of 8 bits stay so, in blocks with a scale each: OpenVINO multiplies while it computes. */
static struct value matrix_q8(struct writer *w, const char *name, uint32_t in, uint32_t out)
{
	const struct shape values_shape = { 3, { out, in / ENCODER_Q8_BLOCK, ENCODER_Q8_BLOCK } };
	const struct shape scales_shape = { 3, { out, in / ENCODER_Q8_BLOCK, 1 } };
	const int64_t shape[2] = { out, in };
	struct value values = tensor(w, ENCODER_Q8_VALUES, &values_shape, "%s%s", w->block, name);
	struct value halves = one(w, to_half_op, values);
	struct value scales = tensor(w, ENCODER_Q8_SCALES, &scales_shape, "%s%s", w->block, name);
	struct value scaled = two(w, multiply_op, halves, scales);
	return one(w, to_float_op, two(w, reshape_plain_op, scaled, numbers(w, 2, shape)));
}

/* Others are float16 in the graph: OpenVINO makes of them what suits the processor. */
static struct value matrix(struct writer *w, const char *name, uint32_t in, uint32_t out)
{
	if (weights_is_q8_0(w->head))
		return matrix_q8(w, name, in, out);
	const struct shape shape = { 2, { out, in } };
	return one(w, to_float_op, tensor(w, ENCODER_HALVES, &shape, "%s%s", w->block, name));
}

static struct value linear(struct writer *w, struct value x, const char *weight, const char *bias, uint32_t in,
			   uint32_t out)
{
	struct value y = two(w, matmul_op, x, matrix(w, weight, in, out));
	return bias ? add(w, y, row(w, bias, out)) : y;
}

static struct value normalise(struct writer *w, struct value x, const char *gain, const char *bias)
{
	const int64_t last = -1;
	uint32_t width = w->head->n_audio_state;
	struct value y = two(w, mvn_op, x, numbers(w, 1, &last));
	y = two(w, multiply_op, y, row(w, gain, width));
	return add(w, y, row(w, bias, width));
}

static struct value gelu(struct writer *w, struct value x)
{
	return one(w, gelu_op, x);
}

static struct value convolve(struct writer *w, struct value x, int number, uint32_t in, int stride)
{
	const uint32_t out = w->head->n_audio_state;
	const struct shape shape = { 3, { out, in, 3 } };
	const struct shape bias_shape = { 3, { 1, out, 1 } };
	char data[128];
	(void)snprintf(data, sizeof data,
		       "strides=\"%d\" dilations=\"1\" pads_begin=\"1\" pads_end=\"1\" auto_pad=\"explicit\"", stride);
	struct value weight = tensor(w, ENCODER_FLOATS, &shape, "encoder.conv%d.weight", number);
	x = two(w, (struct op){ "Convolution", "opset1", data }, x, weight);
	return gelu(w, add(w, x, tensor(w, ENCODER_FLOATS, &bias_shape, "encoder.conv%d.bias", number)));
}

static struct value transpose(struct writer *w, struct value x, int rank, const int64_t *order)
{
	return two(w, transpose_op, x, numbers(w, rank, order));
}

static const int64_t swap_middle[4] = { 0, 2, 1, 3 };

/* 1 x n x state becomes 1 x heads x n x width. */
static struct value split_heads(struct writer *w, struct value x)
{
	const struct weights_head *head = w->head;
	const int64_t shape[4] = { 0, 0, head->n_audio_head, head->n_audio_state / head->n_audio_head };
	x = two(w, reshape_op, x, numbers(w, 4, shape));
	return transpose(w, x, 4, swap_middle);
}

static struct value attend(struct writer *w, struct value x)
{
	uint32_t state = w->head->n_audio_state;
	const int64_t shape[3] = { 0, 0, state };
	const struct value inputs[INPUTS_MAX] = {
		split_heads(w, linear(w, x, "attn.query.weight", "attn.query.bias", state, state)),
		split_heads(w, linear(w, x, "attn.key.weight", NULL, state, state)),
		split_heads(w, linear(w, x, "attn.value.weight", "attn.value.bias", state, state)),
	};
	struct value y = layer(w, attention_op, inputs, 3);
	y = transpose(w, y, 4, swap_middle);
	y = two(w, reshape_op, y, numbers(w, 3, shape));
	return linear(w, y, "attn.out.weight", "attn.out.bias", state, state);
}

static struct value encoder_layer(struct writer *w, struct value x, uint32_t index)
{
	uint32_t state = w->head->n_audio_state;
	(void)snprintf(w->block, sizeof w->block, "encoder.blocks.%u.", index);
	x = add(w, x, attend(w, normalise(w, x, "attn_ln.weight", "attn_ln.bias")));
	struct value y = normalise(w, x, "mlp_ln.weight", "mlp_ln.bias");
	y = gelu(w, linear(w, y, "mlp.0.weight", "mlp.0.bias", state, 4 * state));
	return add(w, x, linear(w, y, "mlp.2.weight", "mlp.2.bias", 4 * state, state));
}

static void write_network(struct writer *w)
{
	static const int64_t frames_first[3] = { 0, 2, 1 };
	const struct weights_head *head = w->head;
	char shape[48];
	(void)snprintf(shape, sizeof shape, "1,%u,?", head->n_mels);
	struct value mel = parameter(w, shape);
	(void)snprintf(shape, sizeof shape, "1,?,%u", head->n_audio_state);
	struct value positions = parameter(w, shape);
	struct value x = convolve(w, mel, 1, head->n_mels, 1);
	x = convolve(w, x, 2, head->n_audio_state, 2);
	x = add(w, transpose(w, x, 3, frames_first), positions);
	for (uint32_t i = 0; i < head->n_audio_layer; i++)
		x = encoder_layer(w, x, i);
	w->block[0] = '\0';
	x = normalise(w, x, "encoder.ln_post.weight", "encoder.ln_post.bias");
	int id = w->layers++;
	strbuf_addf(&w->graph->xml,
		    "<layer id=\"%d\" name=\"%d\" type=\"Result\" version=\"opset1\"><input><port id=\"0\"/></input>"
		    "</layer>",
		    id, id);
	strbuf_addf(&w->edges, "<edge from-layer=\"%d\" from-port=\"%d\" to-layer=\"%d\" to-port=\"0\"/>", x.layer,
		    x.port, id);
}

enum err_code encoder_graph_write(const struct weights_head *head, struct encoder_graph *ret, struct err *err)
{
	*ret = (struct encoder_graph){ .xml = STRBUF_INIT(XML_BYTES_MAX) };
	struct writer w = { .graph = ret, .edges = STRBUF_INIT(XML_BYTES_MAX), .head = head };
	strbuf_add_str(&ret->xml, "<?xml version=\"1.0\"?><net name=\"encoder\" version=\"11\"><layers>");
	write_network(&w);
	strbuf_add_str(&ret->xml, "</layers><edges>");
	strbuf_add(&ret->xml, strbuf_str(&w.edges), w.edges.len);
	strbuf_add_str(&ret->xml, "</edges></net>");
	bool too_big = w.edges.failed;
	strbuf_done(&w.edges);
	if (w.no_memory)
		return err_set(err, ERR_NO_MEMORY, "no memory for the speech encoder's graph");
	if (too_big)
		return err_set(err, ERR_TOO_BIG, "the speech encoder's graph is too big");
	return strbuf_check(&ret->xml, "the speech encoder's graph", err);
}

void encoder_graph_done(struct encoder_graph *graph)
{
	strbuf_done(&graph->xml);
	free(graph->constants);
	*graph = (struct encoder_graph){ 0 };
}
