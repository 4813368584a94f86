/*
 * Whisper's encoder as OpenVINO's XML (IR version 11): two convolutions over the mel spectrogram, positions added, then
 * layers of self-attention and two linear maps, normalised before each.
 * Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022, and openai/whisper's
 * model.py.
 *
 * Inputs: the mel spectrogram, 1 x bands x 2 n; the positions' embedding, 1 x n x state. Output: 1 x n x state.
 * The XML names constants by their place in one block of bytes; the list says what belongs where.
 */
#ifndef TIRO_ASR_WHISPER_ENCODER_GRAPH_H
#define TIRO_ASR_WHISPER_ENCODER_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "models/weights.h"

enum { ENCODER_NAME_SIZE = 64, ENCODER_INDEX_MAX = 4 };

/* What of a tensor a constant holds, and how. */
enum encoder_content {
	ENCODER_NUMBERS, /* no tensor: a few int64 that an operation needs */
	ENCODER_FLOATS,
	ENCODER_HALVES, /* float16 */
	ENCODER_Q8_VALUES, /* of a tensor in q8_0: int8, each block of 32 with one scale */
	ENCODER_Q8_SCALES /* float16 */
};

enum { ENCODER_Q8_BLOCK = 32 };

struct encoder_constant {
	enum encoder_content content;
	char tensor[ENCODER_NAME_SIZE];
	int64_t numbers[ENCODER_INDEX_MAX];
	uint64_t elements; /* of the constant: one for each block of scales */
	uint64_t offset; /* bytes */
};

struct encoder_graph {
	struct strbuf xml;
	struct encoder_constant *constants;
	size_t count;
	size_t capacity;
	uint64_t weights_bytes; /* of all constants */
};

/* Writes the graph for a model of this head. Errors: ERR_NO_MEMORY, ERR_TOO_BIG. The caller calls encoder_graph_done in
 * any case. Thread-safe. */
enum err_code encoder_graph_write(const struct weights_head *head, struct encoder_graph *ret, struct err *err)
	MUST_CHECK;
void encoder_graph_done(struct encoder_graph *graph);
#define cleanup_encoder_graph cleanup(encoder_graph_done)

#endif
