#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "models/convert.h"
#include "models/ct2.h"
#include "models/mel.h"
#include "models/vocabulary.h"

enum { NAME_SIZE = 128, LAYERS_MAX = 256, HEAD_WIDTH = 64 };

/*
 * A block's tensors in the file's order. Attention keeps query, key and value in one matrix: `share` of `shares` says
 * which rows are meant. Keys have no bias in Whisper; CTranslate2 stores zeros there, which are dropped.
 */
static const struct part {
	const char *to;
	const char *from;
	uint8_t share, shares;
} parts[] = {
	{ "mlp_ln.weight", "ffn/layer_norm/gamma", 0, 1 },
	{ "mlp_ln.bias", "ffn/layer_norm/beta", 0, 1 },
	{ "mlp.0.weight", "ffn/linear_0/weight", 0, 1 },
	{ "mlp.0.bias", "ffn/linear_0/bias", 0, 1 },
	{ "mlp.2.weight", "ffn/linear_1/weight", 0, 1 },
	{ "mlp.2.bias", "ffn/linear_1/bias", 0, 1 },
	{ "attn_ln.weight", "self_attention/layer_norm/gamma", 0, 1 },
	{ "attn_ln.bias", "self_attention/layer_norm/beta", 0, 1 },
	{ "attn.query.weight", "self_attention/linear_0/weight", 0, 3 },
	{ "attn.query.bias", "self_attention/linear_0/bias", 0, 3 },
	{ "attn.key.weight", "self_attention/linear_0/weight", 1, 3 },
	{ "attn.value.weight", "self_attention/linear_0/weight", 2, 3 },
	{ "attn.value.bias", "self_attention/linear_0/bias", 2, 3 },
	{ "attn.out.weight", "self_attention/linear_1/weight", 0, 1 },
	{ "attn.out.bias", "self_attention/linear_1/bias", 0, 1 },
};

/* What a decoder's block has after those. */
static const struct part cross_parts[] = {
	{ "cross_attn_ln.weight", "attention/layer_norm/gamma", 0, 1 },
	{ "cross_attn_ln.bias", "attention/layer_norm/beta", 0, 1 },
	{ "cross_attn.query.weight", "attention/linear_0/weight", 0, 1 },
	{ "cross_attn.query.bias", "attention/linear_0/bias", 0, 1 },
	{ "cross_attn.key.weight", "attention/linear_1/weight", 0, 2 },
	{ "cross_attn.value.weight", "attention/linear_1/weight", 1, 2 },
	{ "cross_attn.value.bias", "attention/linear_1/bias", 1, 2 },
	{ "cross_attn.out.weight", "attention/linear_2/weight", 0, 1 },
	{ "cross_attn.out.bias", "attention/linear_2/bias", 0, 1 },
};

struct job {
	struct ct2 model;
	enum weights_type matrices;
	struct sink *sink;
};

/* The tensor of that name; a missing one, or one that is not float, fails the sink. */
static const struct tensor *need(struct job *job, const char *name)
{
	const struct tensor *t = ct2_find(&job->model, name);
	if (t && (t->type == TENSOR_F16 || t->type == TENSOR_F32) && t->dims > 0)
		return t;
	(void)sink_fail(job->sink, ERR_CORRUPT, "the model has no float tensor \"%s\"", name);
	return NULL;
}

/* The `share`-th of `shares` equal groups of rows. */
static bool take_share(const struct tensor *whole, uint8_t share, uint8_t shares, struct tensor *ret)
{
	if (whole->dim[0] % shares != 0)
		return false;
	struct tensor t = *whole;
	t.dim[0] /= shares;
	t.bytes /= shares;
	t.data += t.bytes * share;
	*ret = t;
	return true;
}

/* The type of an ordinary tensor: vectors stay float32. */
static enum weights_type type_for(const struct job *job, const struct tensor *t)
{
	if (t->dims < 2)
		return WEIGHTS_F32;
	return t->dims == 2 ? job->matrices : WEIGHTS_F16;
}

static void put(struct job *job, const char *to, const char *from)
{
	const struct tensor *t = need(job, from);
	if (t)
		weights_put_tensor(job->sink, to, t, type_for(job, t));
}

static void put_positions(struct job *job, const char *to, const char *from)
{
	const struct tensor *t = need(job, from);
	if (t)
		weights_put_tensor(job->sink, to, t, WEIGHTS_F32);
}

/* A convolution's bias is stored as a column. */
static void put_column(struct job *job, const char *to, const char *from)
{
	const struct tensor *t = need(job, from);
	if (!t)
		return;
	struct tensor column = *t;
	column.dims = 2;
	column.dim[1] = 1;
	if (t->dims != 1)
		(void)sink_fail(job->sink, ERR_CORRUPT, "tensor \"%s\" is not a vector", from);
	else
		weights_put_tensor(job->sink, to, &column, WEIGHTS_F32);
}

static void put_parts(struct job *job, const char *side, uint32_t layer, const struct part *list, size_t count)
{
	for (size_t i = 0; i < count && !sink_state(job->sink); i++) {
		char to[NAME_SIZE], from[NAME_SIZE];
		(void)snprintf(to, sizeof to, "%s.blocks.%u.%s", side, layer, list[i].to);
		(void)snprintf(from, sizeof from, "%s/layer_%u/%s", side, layer, list[i].from);
		const struct tensor *whole = need(job, from);
		struct tensor t;
		if (!whole)
			return;
		if (take_share(whole, list[i].share, list[i].shares, &t))
			weights_put_tensor(job->sink, to, &t, type_for(job, &t));
		else
			(void)sink_fail(job->sink, ERR_CORRUPT, "tensor \"%s\" has a wrong number of rows", from);
	}
}

static uint32_t count_layers(const struct ct2 *model, const char *side)
{
	uint32_t n = 0;
	for (; n < LAYERS_MAX; n++) {
		char name[NAME_SIZE];
		(void)snprintf(name, sizeof name, "%s/layer_%u/ffn/linear_0/weight", side, n);
		if (!ct2_find(model, name))
			break;
	}
	return n;
}

static uint32_t heads(const struct ct2 *model, const char *name, uint32_t state)
{
	const struct tensor *t = ct2_find(model, name);
	return t && t->type == TENSOR_I16 && t->dims == 0 ? (uint32_t)(t->data[0] | t->data[1] << 8)
							  : state / HEAD_WIDTH;
}

static bool read_head(struct job *job, struct weights_head *ret)
{
	const struct tensor *embedding = need(job, "decoder/embeddings/weight");
	const struct tensor *conv1 = need(job, "encoder/conv1/weight");
	const struct tensor *audio = need(job, "encoder/position_encodings/encodings");
	const struct tensor *text = need(job, "decoder/position_encodings/encodings");
	if (!embedding || !conv1 || !audio || !text)
		return false;
	if (embedding->dims != 2 || conv1->dims != 3 || audio->dims != 2 || text->dims != 2 || conv1->dim[1] == 0 ||
	    conv1->dim[1] > MEL_BANDS_MAX) {
		(void)sink_fail(job->sink, ERR_CORRUPT, "the model's tensors are not a Whisper's");
		return false;
	}
	*ret = (struct weights_head){
		.n_vocab = embedding->dim[0],
		.n_audio_ctx = audio->dim[0],
		.n_audio_state = conv1->dim[0],
		.n_audio_head = heads(&job->model, "encoder/num_heads", conv1->dim[0]),
		.n_audio_layer = count_layers(&job->model, "encoder"),
		.n_text_ctx = text->dim[0],
		.n_text_state = embedding->dim[1],
		.n_text_head = heads(&job->model, "decoder/num_heads", embedding->dim[1]),
		.n_text_layer = count_layers(&job->model, "decoder"),
		.n_mels = conv1->dim[1],
		.file_type = job->matrices == WEIGHTS_Q8_0 ? WEIGHTS_FILE_Q8_0 : WEIGHTS_FILE_F16,
	};
	return true;
}

static void put_head(struct sink *sink, const struct weights_head *head)
{
	uint32_t fields[sizeof *head / sizeof(uint32_t)];
	memcpy(fields, head, sizeof fields);
	sink_u32(sink, WEIGHTS_MAGIC);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		sink_u32(sink, fields[i]);
}

static void put_filters(struct sink *sink, uint32_t bands)
{
	cleanup_free float *filters = calloc((size_t)bands * MEL_COLUMNS, sizeof *filters);
	if (!filters) {
		(void)sink_fail(sink, ERR_NO_MEMORY, "no memory for the mel filter bank");
		return;
	}
	mel_filters(bands, filters);
	sink_u32(sink, bands);
	sink_u32(sink, MEL_COLUMNS);
	for (size_t i = 0; i < (size_t)bands * MEL_COLUMNS; i++) {
		uint32_t bits;
		memcpy(&bits, &filters[i], sizeof bits);
		sink_u32(sink, bits);
	}
}

static void put_tensors(struct job *job, const struct weights_head *head)
{
	put_positions(job, "decoder.positional_embedding", "decoder/position_encodings/encodings");
	put_positions(job, "encoder.positional_embedding", "encoder/position_encodings/encodings");
	put(job, "decoder.token_embedding.weight", "decoder/embeddings/weight");
	for (uint32_t i = 0; i < head->n_text_layer; i++) {
		put_parts(job, "decoder", i, parts, ARRAY_LEN(parts));
		put_parts(job, "decoder", i, cross_parts, ARRAY_LEN(cross_parts));
	}
	put(job, "decoder.ln.weight", "decoder/layer_norm/gamma");
	put(job, "decoder.ln.bias", "decoder/layer_norm/beta");
	put(job, "encoder.conv1.weight", "encoder/conv1/weight");
	put_column(job, "encoder.conv1.bias", "encoder/conv1/bias");
	put(job, "encoder.conv2.weight", "encoder/conv2/weight");
	put_column(job, "encoder.conv2.bias", "encoder/conv2/bias");
	for (uint32_t i = 0; i < head->n_audio_layer; i++)
		put_parts(job, "encoder", i, parts, ARRAY_LEN(parts));
	put(job, "encoder.ln_post.weight", "encoder/layer_norm/gamma");
	put(job, "encoder.ln_post.bias", "encoder/layer_norm/beta");
}

enum err_code convert_whisper(const struct io_map *model, const struct io_map *vocabulary, enum weights_type type,
			      struct sink *sink, struct err *err)
{
	struct job job = { .matrices = type, .sink = sink };
	struct weights_head head;
	enum err_code code = ct2_read(model->data, model->size, &job.model, err);
	if (code)
		return code;
	if (strcmp(job.model.spec, "WhisperSpec") != 0) {
		code = err_set(err, ERR_CORRUPT, "the model is a \"%.50s\", not a Whisper", job.model.spec);
	} else if (read_head(&job, &head)) {
		put_head(sink, &head);
		put_filters(sink, head.n_mels);
		vocabulary_put(sink, vocabulary->data, vocabulary->size);
		put_tensors(&job, &head);
	}
	ct2_done(&job.model);
	return code;
}
