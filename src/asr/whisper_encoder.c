#include "asr/whisper_encoder.h"

#include <ggml.h>
#include <whisper.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asr/whisper_encoder_graph.h"
#include "base/cleanup.h"
#include "infer/net.h"

/* Values converted at once. */
enum { PIECE = 4096 };

struct asr_encoder {
	struct infer_runtime *runtime;
	struct infer_net *net;
	float *positions; /* n_audio_ctx rows of n_audio_state */
	struct weights_head head;
};

/* What hangs on a state of whisper.cpp, which knows it by this name. */
struct whisper_openvino_context {
	const struct asr_encoder *encoder;
	struct infer_request *request;
	struct err why; /* of the last encoding */
};

/* -- weights ------------------------------------------------------------------------------------------- */

/* Where the file's tensors go. */
struct filling {
	const struct encoder_graph *graph;
	struct asr_encoder *encoder;
	uint8_t *weights;
	size_t filled; /* constants that were found */
	bool has_positions;
};

static bool is_named(const struct weights_tensor *tensor, const char *name)
{
	return strlen(name) == tensor->name_len && memcmp(name, tensor->name, tensor->name_len) == 0;
}

/* Takes blocks of q8_0 (a float16 and 32 int8 each) apart. */
static enum err_code split_q8(const struct weights_tensor *tensor, enum encoder_content content, uint8_t *out,
			      struct err *err)
{
	enum { SCALE_BYTES = 2, BLOCK_BYTES = SCALE_BYTES + ENCODER_Q8_BLOCK };
	if (tensor->type != GGML_TYPE_Q8_0)
		return err_set(err, ERR_UNAVAILABLE, "the speech model mixes types of weights");
	bool scales = content == ENCODER_Q8_SCALES;
	size_t size = scales ? SCALE_BYTES : ENCODER_Q8_BLOCK;
	for (uint64_t i = 0; i < tensor->elements / ENCODER_Q8_BLOCK; i++)
		memcpy(out + i * size, tensor->data + i * BLOCK_BYTES + (scales ? 0 : SCALE_BYTES), size);
	return ERR_OK;
}

/* Writes all values, of whatever type the file has them in, as float32 or float16. */
static enum err_code convert(const struct weights_tensor *tensor, bool half, void *out, struct err *err)
{
	const struct ggml_type_traits *traits = ggml_get_type_traits((enum ggml_type)tensor->type);
	float values[PIECE];
	for (uint64_t done = 0; done < tensor->elements;) {
		int64_t n = (int64_t)(tensor->elements - done < PIECE ? tensor->elements - done : PIECE);
		const uint8_t *from = tensor->data + done / (uint64_t)traits->blck_size * (uint64_t)traits->type_size;
		float *to = half ? values : (float *)out + done;
		if (tensor->type == GGML_TYPE_F32)
			memcpy(to, from, (size_t)n * sizeof *to);
		else if (traits->to_float)
			traits->to_float(from, to, n);
		else
			return err_set(err, ERR_UNAVAILABLE, "weights of the type %s are not known", traits->type_name);
		if (half)
			ggml_fp32_to_fp16_row(values, (ggml_fp16_t *)out + done, n);
		done += (uint64_t)n;
	}
	return ERR_OK;
}

bool asr_encoder_owns(const struct weights_tensor *tensor)
{
	static const char prefix[] = "encoder.blocks.";
	return tensor->name_len >= sizeof prefix && memcmp(tensor->name, prefix, sizeof prefix - 1) == 0;
}

static enum err_code take_positions(struct filling *f, const struct weights_tensor *tensor, struct err *err)
{
	const struct weights_head *head = &f->encoder->head;
	if (f->has_positions || tensor->elements != (uint64_t)head->n_audio_ctx * head->n_audio_state)
		return err_set(err, ERR_CORRUPT, "the speech model's positions do not fit its head");
	f->has_positions = true;
	return convert(tensor, false, f->encoder->positions, err);
}

static enum err_code take_constant(struct filling *f, const struct encoder_constant *c,
				   const struct weights_tensor *tensor, struct err *err)
{
	uint64_t per_element = c->content == ENCODER_Q8_SCALES ? ENCODER_Q8_BLOCK : 1;
	uint8_t *out = f->weights + c->offset;
	if (c->elements * per_element != tensor->elements)
		return err_set(err, ERR_CORRUPT, "the speech model's %s does not fit its head", c->tensor);
	f->filled++;
	if (c->content == ENCODER_Q8_VALUES || c->content == ENCODER_Q8_SCALES)
		return split_q8(tensor, c->content, out, err);
	return convert(tensor, c->content == ENCODER_HALVES, out, err);
}

static enum err_code take_tensor(void *ctx, const struct weights_tensor *tensor, struct err *err)
{
	struct filling *f = ctx;
	if (is_named(tensor, "encoder.positional_embedding"))
		return take_positions(f, tensor, err);
	enum err_code code = ERR_OK; /* for the decoder's, too */
	for (size_t i = 0; i < f->graph->count && code == ERR_OK; i++) {
		const struct encoder_constant *c = &f->graph->constants[i];
		if (is_named(tensor, c->tensor))
			code = take_constant(f, c, tensor, err);
	}
	return code;
}

static void fill_numbers(struct filling *f)
{
	for (size_t i = 0; i < f->graph->count; i++) {
		const struct encoder_constant *c = &f->graph->constants[i];
		if (c->content != ENCODER_NUMBERS)
			continue;
		memcpy(f->weights + c->offset, c->numbers, c->elements * sizeof c->numbers[0]);
		f->filled++;
	}
}

static enum err_code fill_weights(struct filling *f, const struct io_map *file, struct err *err)
{
	struct weights_summary summary;
	fill_numbers(f);
	enum err_code code = weights_read(file->data, file->size, take_tensor, f, &summary, err);
	if (code == ERR_OK && (f->filled != f->graph->count || !f->has_positions))
		code = err_set(err, ERR_CORRUPT, "the speech model lacks tensors of its encoder");
	return code;
}

/* -- the network --------------------------------------------------------------------------------------- */

/*
 * The weights come a second time into memory, twice as float16 while they are compiled, and stay as float32 where the
 * processor knows nothing shorter. A machine that has not four times that to spare keeps whisper.cpp's own encoder.
 */
static enum err_code check_memory(uint64_t weights_bytes, struct err *err)
{
	cleanup_strbuf struct strbuf info = STRBUF_INIT(64 * 1024);
	enum err_code code = io_read_file("/proc/meminfo", &info, err);
	if (code)
		return code;
	unsigned long long available_kb = 0;
	const char *line = strstr(strbuf_str(&info), "MemAvailable:");
	if (!line || sscanf(line, "MemAvailable: %llu kB", &available_kb) != 1 ||
	    weights_bytes * 4 > available_kb * 1024)
		return err_set(err, ERR_UNAVAILABLE, "there is not enough memory for a second copy of the encoder");
	return ERR_OK;
}

/*
 * OpenVINO and whisper.cpp take and return blocks of 1 to 20 MB, other sizes for each part. On the heap they leave holes
 * of 40 MB; mapped they leave none.
 */
enum { MAPPED_BYTES_MIN = 256 * 1024 };

static enum err_code compile(struct asr_encoder *encoder, const struct encoder_graph *graph, const struct io_map *file,
			     int streams, struct err *err)
{
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
	struct infer_weights *weights = NULL;
	struct filling filling = { .graph = graph, .encoder = encoder };
	enum err_code code = infer_weights_new(encoder->runtime, graph->weights_bytes, &weights, &filling.weights, err);
	if (code == ERR_OK)
		code = fill_weights(&filling, file, err);
	if (code == ERR_OK) {
		struct infer_source source = { .name = "speech encoder",
					       .xml = strbuf_str(&graph->xml),
					       .xml_len = graph->xml.len,
					       .weights = weights };
		code = infer_net_new(encoder->runtime, &source, streams, &encoder->net, err);
	}
	infer_weights_free(weights);
	/* Compiling leaves holes, too. */
	(void)malloc_trim(0);
	return code;
}

static enum err_code load(struct asr_encoder *encoder, const struct io_map *file, int streams, struct err *err)
{
	struct weights_head *head = &encoder->head;
	enum err_code code = weights_head_read(file->data, file->size, head, err);
	if (code)
		return code;
	encoder->positions = calloc((size_t)head->n_audio_ctx * head->n_audio_state, sizeof *encoder->positions);
	if (!encoder->positions)
		return err_set(err, ERR_NO_MEMORY, "no memory for the speech encoder");
	cleanup_encoder_graph struct encoder_graph graph = { 0 };
	code = encoder_graph_write(head, &graph, err);
	if (!code)
		code = check_memory(graph.weights_bytes, err);
	return code ? code : compile(encoder, &graph, file, streams, err);
}

enum err_code asr_encoder_new(const struct io_map *file, const char *openvino_dir, int streams,
			      struct asr_encoder **ret, struct err *err)
{
	struct asr_encoder *encoder = calloc(1, sizeof *encoder);
	if (!encoder)
		return err_set(err, ERR_NO_MEMORY, "no memory for the speech encoder");
	enum err_code code = infer_runtime_new(openvino_dir, &encoder->runtime, err);
	if (!code)
		code = load(encoder, file, streams, err);
	if (code) {
		asr_encoder_free(encoder);
		return code;
	}
	*ret = encoder;
	return ERR_OK;
}

void asr_encoder_free(struct asr_encoder *encoder)
{
	if (!encoder)
		return;
	infer_net_free(encoder->net);
	infer_runtime_free(encoder->runtime);
	free(encoder->positions);
	free(encoder);
}

/* -- whisper.cpp's hook -------------------------------------------------------------------------------- */

/* The hook takes a path; what it is to use comes past it, from the call of the same thread that leads to it. */
static _Thread_local const struct asr_encoder *attaching;
static _Thread_local struct whisper_openvino_context *attached;

struct whisper_openvino_context *whisper_openvino_init(const char *path, const char *device, const char *cache_dir);
void whisper_openvino_free(struct whisper_openvino_context *ctx);
int whisper_openvino_encode(struct whisper_openvino_context *ctx, struct ggml_tensor *mel, struct ggml_tensor *out);

struct whisper_openvino_context *whisper_openvino_init(const char *path, const char *device, const char *cache_dir)
{
	(void)path;
	(void)device;
	(void)cache_dir;
	struct whisper_openvino_context *ctx = attaching ? calloc(1, sizeof *ctx) : NULL;
	if (!ctx)
		return NULL;
	ctx->encoder = attaching;
	if (infer_request_new(attaching->net, &ctx->request, &ctx->why) != ERR_OK) {
		free(ctx);
		return NULL;
	}
	attached = ctx;
	return ctx;
}

void whisper_openvino_free(struct whisper_openvino_context *ctx)
{
	if (!ctx)
		return;
	infer_request_free(ctx->request);
	free(ctx);
}

static enum err_code encode(struct whisper_openvino_context *ctx, const struct ggml_tensor *mel,
			    struct ggml_tensor *out, struct err *err)
{
	const struct weights_head *head = &ctx->encoder->head;
	int64_t state = head->n_audio_state;
	int64_t frames = out->ne[1];
	if (mel->type != GGML_TYPE_F32 || out->type != GGML_TYPE_F32 || mel->ne[1] != head->n_mels ||
	    mel->ne[0] != 2 * frames || out->ne[0] != state || frames > head->n_audio_ctx)
		return err_set(err, ERR_INTERNAL, "whisper.cpp asks for another encoder than the model's");
	const int64_t mel_dims[3] = { 1, mel->ne[1], mel->ne[0] };
	const int64_t position_dims[3] = { 1, frames, state };
	float *input = NULL;
	struct infer_output output;
	enum err_code code = infer_input(ctx->request, 0, mel_dims, ARRAY_LEN(mel_dims), &input, err);
	if (!code)
		memcpy(input, mel->data, ggml_nbytes(mel));
	if (!code)
		code = infer_input(ctx->request, 1, position_dims, ARRAY_LEN(position_dims), &input, err);
	if (!code)
		memcpy(input, ctx->encoder->positions, (size_t)(frames * state) * sizeof *input);
	if (!code)
		code = infer_run(ctx->request, &output, err);
	if (code)
		return code;
	if (output.rank != 3 || output.dims[0] != 1 || output.dims[1] != (size_t)frames ||
	    output.dims[2] != (size_t)state)
		return err_set(err, ERR_INTERNAL, "the speech encoder returned data of another shape");
	memcpy(out->data, output.data, ggml_nbytes(out));
	return ERR_OK;
}

int whisper_openvino_encode(struct whisper_openvino_context *ctx, struct ggml_tensor *mel, struct ggml_tensor *out)
{
	ctx->why.code = ERR_OK;
	return encode(ctx, mel, out, &ctx->why) == ERR_OK;
}

enum err_code asr_encoder_attach(struct asr_encoder *encoder, struct whisper_context *context,
				 struct whisper_state *state, struct whisper_openvino_context **ret, struct err *err)
{
	attaching = encoder;
	attached = NULL;
	int status = whisper_ctx_init_openvino_encoder_with_state(context, state, "", "", "");
	attaching = NULL;
	if (status != 0 || !attached)
		return err_set(err, ERR_UNAVAILABLE, "this whisper.cpp takes no other encoder");
	*ret = attached;
	return ERR_OK;
}

const struct err *asr_encoder_why(const struct whisper_openvino_context *ctx)
{
	return &ctx->why;
}
