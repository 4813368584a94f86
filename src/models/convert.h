/*
 * Turns published weights into the files that whisper.cpp reads. The input is borrowed bytes (a mapped file), the
 * output is streamed, so memory stays small. Given the same input the output is the same bytes on every machine.
 */
#ifndef TIRO_MODELS_CONVERT_H
#define TIRO_MODELS_CONVERT_H

#include "base/err.h"
#include "base/io.h"
#include "models/sink.h"
#include "models/weights.h"

/*
 * A Whisper model of CTranslate2 (float16) and its vocabulary to ggml, WEIGHTS_F16 or WEIGHTS_Q8_0. The order of the
 * tensors and what is quantised (every matrix but the positional embeddings) are those of whisper.cpp's own tools.
 * Errors: ERR_CORRUPT, ERR_UNAVAILABLE (q8_0 in a build without ggml), and what the sink meets.
 */
enum err_code convert_whisper(const struct io_map *model, const struct io_map *vocabulary, enum weights_type type,
			      struct sink *sink, struct err *err) MUST_CHECK;

/* Silero VAD 6.2 (16 kHz, ONNX) to whisper.cpp's VAD file; errors as above. */
enum err_code convert_silero(const struct io_map *model, struct sink *sink, struct err *err) MUST_CHECK;

#endif
