#include "asr/whisper_encoder_weights.h"

#include <ggml.h>

#include <stddef.h>
#include <string.h>

/* Values converted at once. */
enum { PIECE = 4096 };

/* Where the file's tensors go. */
struct filling {
	const struct encoder_graph *graph;
	const struct weights_head *head;
	float *positions;
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
	/* In the file numbers lie at any address; ggml wants them at theirs. */
	_Alignas(max_align_t) uint8_t bytes[PIECE * sizeof(float)];
	float values[PIECE];
	for (uint64_t done = 0; done < tensor->elements;) {
		int64_t n = (int64_t)(tensor->elements - done < PIECE ? tensor->elements - done : PIECE);
		uint64_t blocks = (uint64_t)n / (uint64_t)traits->blck_size;
		float *to = half ? values : (float *)out + done;
		memcpy(bytes, tensor->data + done / (uint64_t)traits->blck_size * traits->type_size,
		       blocks * traits->type_size);
		if (tensor->type == GGML_TYPE_F32)
			memcpy(to, bytes, (size_t)n * sizeof *to);
		else if (traits->to_float)
			traits->to_float(bytes, to, n);
		else
			return err_set(err, ERR_UNAVAILABLE, "weights of the type %s are not known", traits->type_name);
		if (half)
			ggml_fp32_to_fp16_row(values, (ggml_fp16_t *)out + done, n);
		done += (uint64_t)n;
	}
	return ERR_OK;
}

static enum err_code take_positions(struct filling *f, const struct weights_tensor *tensor, struct err *err)
{
	if (f->has_positions || tensor->elements != (uint64_t)f->head->n_audio_ctx * f->head->n_audio_state)
		return err_set(err, ERR_CORRUPT, "the speech model's positions do not fit its head");
	f->has_positions = true;
	return convert(tensor, false, f->positions, err);
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

enum err_code encoder_weights_take(const struct encoder_graph *graph, const struct io_map *file, uint8_t *weights,
				   float *positions, struct err *err)
{
	struct weights_summary summary;
	struct weights_head head;
	enum err_code code = weights_head_read(file->data, file->size, &head, err);
	if (code)
		return code;
	struct filling f = { .graph = graph, .head = &head, .positions = positions, .weights = weights };
	fill_numbers(&f);
	code = weights_read(file->data, file->size, take_tensor, &f, &summary, err);
	if (code == ERR_OK && (f.filled != graph->count || !f.has_positions))
		code = err_set(err, ERR_CORRUPT, "the speech model lacks tensors of its encoder");
	return code;
}
