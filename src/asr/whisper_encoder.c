#include "asr/whisper_encoder.h"

#include <ggml.h>
#include <whisper.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asr/whisper_encoder_graph.h"
#include "asr/whisper_encoder_weights.h"
#include "base/cleanup.h"
#include "infer/net.h"

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

bool asr_encoder_owns(const struct weights_tensor *tensor)
{
	static const char prefix[] = "encoder.blocks.";
	return tensor->name_len >= sizeof prefix && memcmp(tensor->name, prefix, sizeof prefix - 1) == 0;
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
	static const char key[] = "MemAvailable:";
	const char *line = strstr(strbuf_str(&info), key);
	unsigned long long available_kb = line ? strtoull(line + sizeof key - 1, NULL, 10) : 0;
	if (weights_bytes * 4 > available_kb * 1024)
		return err_set(err, ERR_UNAVAILABLE, "there is not enough memory for a second copy of the encoder");
	return ERR_OK;
}

/*
 * OpenVINO and whisper.cpp take and return blocks of 1 to 20 MB, other sizes for each part. On the heap they leave
 * holes of 40 MB; mapped they leave none.
 */
enum { MAPPED_BYTES_MIN = 256 * 1024 };

static enum err_code compile(struct asr_encoder *encoder, const struct encoder_graph *graph, const struct io_map *file,
			     int streams, struct err *err)
{
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
	struct infer_weights *weights = NULL;
	uint8_t *bytes = NULL;
	enum err_code code = infer_weights_new(encoder->runtime, graph->weights_bytes, &weights, &bytes, err);
	if (code == ERR_OK)
		code = encoder_weights_take(graph, file, bytes, encoder->positions, err);
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

/* A system's whisper.cpp may be built without the hook; it then needs all of the model. */
static bool has_hook(void)
{
	return strstr(whisper_print_system_info(), "OPENVINO = 1") != NULL;
}

enum err_code asr_encoder_new(const struct io_map *file, const char *openvino_dir, int streams,
			      struct asr_encoder **ret, struct err *err)
{
	if (!has_hook())
		return err_set(err, ERR_UNAVAILABLE, "this whisper.cpp takes no other encoder");
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

static bool is_expected(const struct weights_head *head, const struct ggml_tensor *mel, const struct ggml_tensor *out)
{
	int64_t frames = out->ne[1];
	return mel->type == GGML_TYPE_F32 && mel->ne[0] == 2 * frames && mel->ne[1] == head->n_mels &&
	       out->type == GGML_TYPE_F32 && out->ne[0] == head->n_audio_state && frames <= head->n_audio_ctx;
}

/* Copies `values` into the request's input `index`, a matrix of the given dimensions. */
static enum err_code set_input(struct infer_request *request, size_t index, const int64_t dims[3], const float *values,
			       struct err *err)
{
	float *input = NULL;
	enum err_code code = infer_input(request, index, dims, 3, &input, err);
	if (!code)
		memcpy(input, values, (size_t)(dims[0] * dims[1] * dims[2]) * sizeof *input);
	return code;
}

static enum err_code encode(struct whisper_openvino_context *ctx, const struct ggml_tensor *mel,
			    struct ggml_tensor *out, struct err *err)
{
	if (!is_expected(&ctx->encoder->head, mel, out))
		return err_set(err, ERR_INTERNAL, "whisper.cpp asks for another encoder than the model's");
	const int64_t mel_dims[3] = { 1, mel->ne[1], mel->ne[0] };
	const int64_t out_dims[3] = { 1, out->ne[1], out->ne[0] };
	struct infer_output output;
	enum err_code code = set_input(ctx->request, 0, mel_dims, mel->data, err);
	if (!code)
		code = set_input(ctx->request, 1, out_dims, ctx->encoder->positions, err);
	if (!code)
		code = infer_run(ctx->request, &output, err);
	if (code)
		return code;
	for (size_t i = 0; i < ARRAY_LEN(out_dims); i++)
		if (output.rank != ARRAY_LEN(out_dims) || output.dims[i] != (size_t)out_dims[i])
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
