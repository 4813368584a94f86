/*
 * whisper.cpp's model file ("ggml", legacy layout), written and checked.
 *
 * Little-endian: u32 magic; eleven u32 of head; the mel filter bank (u32 rows, u32 columns, float32 each); the
 * vocabulary (u32 count, then u32 length and bytes each); then tensors up to the end of the file: u32 rank, u32
 * length of the name, u32 type, u32 dimensions innermost first, the name, the data.
 * Source: models/convert-pt-to-ggml.py and whisper_model_load() of whisper.cpp 1.9.1, read for the layout.
 */
#ifndef TIRO_MODELS_WEIGHTS_H
#define TIRO_MODELS_WEIGHTS_H

#include <stdbool.h>

#include "base/err.h"
#include "models/sink.h"
#include "models/tensor.h"

#define WEIGHTS_MAGIC 0x67676D6Cu

/* The head, in the file's order. */
struct weights_head {
	uint32_t n_vocab;
	uint32_t n_audio_ctx;
	uint32_t n_audio_state;
	uint32_t n_audio_head;
	uint32_t n_audio_layer;
	uint32_t n_text_ctx;
	uint32_t n_text_state;
	uint32_t n_text_head;
	uint32_t n_text_layer;
	uint32_t n_mels;
	uint32_t file_type;
};

/* Values of a tensor's type field that we write. */
enum weights_type { WEIGHTS_F32 = 0, WEIGHTS_F16 = 1, WEIGHTS_Q8_0 = 8 };

/* Values of weights_head.file_type that we write: 2 * 1000 is the quantisation version. */
enum { WEIGHTS_FILE_F16 = 1, WEIGHTS_FILE_Q8_0 = 2007 };

/*
 * Writes one tensor (float16 or float32 as read), converted to `type`. The data is streamed in pieces of a few
 * hundred KiB. Failures (a name too long, a row that is no multiple of the quantisation's block) show in the sink.
 */
void weights_put_tensor(struct sink *sink, const char *name, const struct tensor *t, enum weights_type type);

/* True where the matrices are in blocks of 32 int8 with a float16 scale before each. */
bool weights_is_q8_0(const struct weights_head *head);

/* What a checked file holds, for the user. */
struct weights_summary {
	struct weights_head head;
	uint32_t vocabulary; /* words stored */
	uint32_t tensors;
};

/*
 * Walks a whole Whisper file: head within the bounds of the family, vocabulary, every tensor's type and size, the
 * number of tensors that the layers ask for, and no byte left over. `name` is used in messages.
 * Errors: ERR_CORRUPT with what is wrong. Thread-safe.
 */
enum err_code weights_check(const void *bytes, size_t size, struct weights_summary *ret, struct err *err) MUST_CHECK;

/* A tensor as it lies in the file. */
struct weights_tensor {
	const char *name; /* not terminated */
	size_t name_len;
	uint32_t type; /* ggml's number; the data is whole blocks of it */
	uint64_t elements;
	const uint8_t *data;
	const uint8_t *start; /* of the tensor's entry, whose end is the data's */
	const uint8_t *end;
};

typedef enum err_code weights_tensor_fn(void *ctx, const struct weights_tensor *tensor, struct err *err);

/* weights_check, and each tensor handed out on the way, borrowed from `bytes`; an error of on_tensor ends it. */
enum err_code weights_read(const void *bytes, size_t size, weights_tensor_fn *on_tensor, void *ctx,
			   struct weights_summary *ret, struct err *err) MUST_CHECK;

/* The head alone, checked as by weights_check. */
enum err_code weights_head_read(const void *bytes, size_t size, struct weights_head *ret, struct err *err) MUST_CHECK;

/* "f16", "q8_0", ... for a file type; "unknown" else. */
const char *weights_file_type_name(uint32_t file_type);

/*
 * Quantises `rows` rows of `columns` float32 values each to q8_0, with ggml. `columns` is a multiple of 32; `out`
 * has room for 34 bytes per 32 values. Errors: ERR_UNAVAILABLE in a build without ggml.
 */
enum err_code weights_quantise_q8_0(const float *values, size_t rows, size_t columns, void *out, struct err *err)
	MUST_CHECK;

#endif
