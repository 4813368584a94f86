/*
 * The weights of Whisper's encoder, out of the model's file into the block that its graph names.
 */
#ifndef TIRO_ASR_WHISPER_ENCODER_WEIGHTS_H
#define TIRO_ASR_WHISPER_ENCODER_WEIGHTS_H

#include "asr/whisper_encoder_graph.h"
#include "base/err.h"
#include "base/io.h"

/*
 * Fills all of the graph's constants: `weights` has room for graph->weights_bytes, `positions` for n_audio_ctx rows of
 * n_audio_state. Types of weights that ggml knows become float; 8-bit ones are kept as the graph wants them.
 * Errors: ERR_CORRUPT (a tensor is missing or of another size), ERR_UNAVAILABLE (of a type that cannot be taken).
 * Thread-safe.
 */
enum err_code encoder_weights_take(const struct encoder_graph *graph, const struct io_map *file, uint8_t *weights,
				   float *positions, struct err *err) MUST_CHECK;

#endif
