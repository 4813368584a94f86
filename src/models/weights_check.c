#include <string.h>

#include "base/cleanup.h"
#include "models/cursor.h"
#include "models/weights.h"

enum {
	HEAD_FIELDS = 11,
	MEL_COLUMNS = 201, /* of a 400-point FFT */
	WORD_MAX_BYTES = 1024,
	NAME_MAX_BYTES = 256,
	/* Tensors outside the layers, in an encoder layer, in a decoder layer. */
	TENSORS_BASE = 11,
	TENSORS_PER_AUDIO_LAYER = 15,
	TENSORS_PER_TEXT_LAYER = 24
};

/* Upper bounds for the head: above OpenAI's largest by a factor of two or more, below any multiplication's overflow. */
static const struct bound {
	const char *name;
	uint32_t min, max;
} bounds[HEAD_FIELDS] = {
	{ "vocabulary size", 1000, 1000000 },
	{ "audio context", 1, 100000 },
	{ "audio state", 32, 16384 },
	{ "audio heads", 1, 256 },
	{ "audio layers", 1, 256 },
	{ "text context", 1, 100000 },
	{ "text state", 32, 16384 },
	{ "text heads", 1, 256 },
	{ "text layers", 1, 256 },
	{ "mel bands", 1, 1024 },
	{ "file type", 0, 9999 },
};

/* ggml's tensor types that whisper.cpp's files use: values per block and bytes per block (ggml.h, ggml-common.h). */
static const struct block {
	uint32_t type, values, bytes;
} blocks[] = {
	{ 0, 1, 4 },	  { 1, 1, 2 },	    { 2, 32, 18 },   { 3, 32, 20 },    { 6, 32, 22 },
	{ 7, 32, 24 },	  { 8, 32, 34 },    { 10, 256, 84 }, { 11, 256, 110 }, { 12, 256, 144 },
	{ 13, 256, 176 }, { 14, 256, 210 }, { 30, 1, 2 },
};

/* ggml's file types by their number without the quantisation version. */
static const struct {
	uint32_t type;
	const char *name;
} file_types[] = {
	{ 0, "f32" },	{ 1, "f16" },	{ 2, "q4_0" },	{ 3, "q4_1" },	{ 7, "q8_0" },	{ 8, "q5_0" },	{ 9, "q5_1" },
	{ 10, "q2_K" }, { 11, "q3_K" }, { 12, "q4_K" }, { 13, "q5_K" }, { 14, "q6_K" }, { 24, "bf16" },
};

const char *weights_file_type_name(uint32_t file_type)
{
	for (size_t i = 0; i < ARRAY_LEN(file_types); i++) {
		if (file_types[i].type == file_type % 1000)
			return file_types[i].name;
	}
	return "unknown";
}

bool weights_is_q8_0(const struct weights_head *head)
{
	return head->file_type % 1000 == WEIGHTS_FILE_Q8_0 % 1000;
}

static const struct block *block_of(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		if (blocks[i].type == type)
			return &blocks[i];
	}
	return NULL;
}

static enum err_code read_head(struct cursor *c, struct weights_head *ret, struct err *err)
{
	uint32_t magic = cursor_u32(c);
	uint32_t fields[HEAD_FIELDS];
	for (size_t i = 0; i < HEAD_FIELDS; i++)
		fields[i] = cursor_u32(c);
	if (c->failed || magic != WEIGHTS_MAGIC)
		return err_set(err, ERR_CORRUPT, "it is not a ggml Whisper model");
	for (size_t i = 0; i < HEAD_FIELDS; i++) {
		if (fields[i] < bounds[i].min || fields[i] > bounds[i].max)
			return err_set(err, ERR_CORRUPT, "it is no Whisper model: its %s is %u", bounds[i].name,
				       fields[i]);
	}
	_Static_assert(sizeof *ret == sizeof fields, "the head is eleven fields");
	memcpy(ret, fields, sizeof fields);
	if (ret->n_audio_state % ret->n_audio_head != 0 || ret->n_text_state % ret->n_text_head != 0)
		return err_set(err, ERR_CORRUPT, "it is no Whisper model: its heads do not divide its state");
	return ERR_OK;
}

enum err_code weights_head_read(const void *bytes, size_t size, struct weights_head *ret, struct err *err)
{
	struct cursor c = { .next = bytes, .left = size };
	return read_head(&c, ret, err);
}

static enum err_code check_filters(struct cursor *c, const struct weights_head *head, struct err *err)
{
	uint32_t rows = cursor_u32(c);
	uint32_t columns = cursor_u32(c);
	if (!c->failed && (rows != head->n_mels || columns != MEL_COLUMNS))
		return err_set(err, ERR_CORRUPT, "its mel filter bank has %u by %u values, not %u by %d", rows, columns,
			       head->n_mels, MEL_COLUMNS);
	(void)cursor_take(c, (uint64_t)rows * columns * 4);
	return c->failed ? err_set(err, ERR_CORRUPT, "it ends inside its mel filter bank") : ERR_OK;
}

static enum err_code check_vocabulary(struct cursor *c, const struct weights_head *head, uint32_t *ret, struct err *err)
{
	uint32_t count = cursor_u32(c);
	if (!c->failed && (count == 0 || count > head->n_vocab))
		return err_set(err, ERR_CORRUPT, "its vocabulary has %u words, at most %u are possible", count,
			       head->n_vocab);
	for (uint32_t i = 0; i < count && !c->failed; i++) {
		uint32_t len = cursor_u32(c);
		if (len > WORD_MAX_BYTES)
			return err_set(err, ERR_CORRUPT, "word %u of its vocabulary has %u bytes", i, len);
		(void)cursor_take(c, len);
	}
	if (c->failed)
		return err_set(err, ERR_CORRUPT, "it ends inside its vocabulary");
	*ret = count;
	return ERR_OK;
}

static enum err_code read_tensor(struct cursor *c, uint32_t index, struct weights_tensor *ret, struct err *err)
{
	const uint8_t *start = c->next;
	uint32_t dims = cursor_u32(c);
	uint32_t name_len = cursor_u32(c);
	const struct block *block = block_of(cursor_u32(c));
	if (c->failed || dims < 1 || dims > TENSOR_DIMS_MAX || name_len == 0 || name_len > NAME_MAX_BYTES || !block)
		return err_set(err, ERR_CORRUPT, "tensor %u is malformed", index);
	struct tensor t = { .dims = dims };
	for (uint32_t i = 0; i < dims; i++)
		t.dim[i] = cursor_u32(c);
	const uint8_t *name = cursor_take(c, name_len);
	uint64_t elements = tensor_elements(&t);
	if (elements == UINT64_MAX || t.dim[0] % block->values != 0)
		return err_set(err, ERR_CORRUPT, "tensor %u has impossible dimensions", index);
	const uint8_t *data = cursor_take(c, elements / block->values * block->bytes);
	if (c->failed)
		return err_set(err, ERR_CORRUPT, "it ends inside tensor %u: the file is cut short", index);
	*ret = (struct weights_tensor){ .name = (const char *)name,
					.name_len = name_len,
					.type = block->type,
					.elements = elements,
					.data = data,
					.start = start,
					.end = c->next };
	return ERR_OK;
}

enum err_code weights_read(const void *bytes, size_t size, weights_tensor_fn *on_tensor, void *ctx,
			   struct weights_summary *ret, struct err *err)
{
	struct cursor c = { .next = bytes, .left = size };
	struct weights_summary found = { 0 };
	enum err_code code = read_head(&c, &found.head, err);
	if (!code)
		code = check_filters(&c, &found.head, err);
	if (!code)
		code = check_vocabulary(&c, &found.head, &found.vocabulary, err);
	uint32_t expected = TENSORS_BASE + TENSORS_PER_AUDIO_LAYER * found.head.n_audio_layer +
			    TENSORS_PER_TEXT_LAYER * found.head.n_text_layer;
	while (!code && c.left > 0 && found.tensors <= expected) {
		struct weights_tensor tensor;
		code = read_tensor(&c, found.tensors++, &tensor, err);
		if (!code && on_tensor)
			code = on_tensor(ctx, &tensor, err);
	}
	if (code)
		return code;
	if (found.tensors != expected)
		return err_set(err, ERR_CORRUPT, "it has %s%u tensors, its layers need %u",
			       found.tensors > expected ? "more than " : "",
			       found.tensors > expected ? expected : found.tensors, expected);
	*ret = found;
	return ERR_OK;
}

enum err_code weights_check(const void *bytes, size_t size, struct weights_summary *ret, struct err *err)
{
	return weights_read(bytes, size, NULL, NULL, ret, err);
}
