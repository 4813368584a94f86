/*
 * Whisper's encoder in OpenVINO, in the place of whisper.cpp's own: the same weights, two to four times as fast
 * (README.md). whisper.cpp asks for it through its own hook for foreign encoders
 * (src/openvino/whisper-openvino-encoder.h in its source), which whisper_encoder.c implements; no file of OpenVINO's is
 * needed beside the model.
 *
 * An encoder is shared by threads; what hangs on a state belongs to the thread that uses the state.
 */
#ifndef TIRO_ASR_WHISPER_ENCODER_H
#define TIRO_ASR_WHISPER_ENCODER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/io.h"
#include "models/weights.h"

struct asr_encoder;
struct whisper_context;
struct whisper_state;
struct whisper_openvino_context;

/* True for a tensor of the model's file that only the encoder's layers need. */
bool asr_encoder_owns(const struct weights_tensor *tensor);

/*
 * Takes the encoder out of the model's file and compiles it for `streams` states at a time.
 * `openvino_dir` as in infer/net.h. Errors: ERR_UNAVAILABLE (no OpenVINO, no room in memory, or a whisper.cpp without
 * the hook: the caller goes on with whisper.cpp's own encoder), ERR_CORRUPT, ERR_NO_MEMORY.
 */
enum err_code asr_encoder_new(const struct io_map *file, const char *openvino_dir, int streams,
			      struct asr_encoder **ret, struct err *err) MUST_CHECK;
/* After the states that it was attached to; NULL is fine. */
void asr_encoder_free(struct asr_encoder *encoder);

/* Lets a state use the encoder. *ret is the state's and goes with it. Errors: ERR_UNAVAILABLE, ERR_NO_MEMORY. */
enum err_code asr_encoder_attach(struct asr_encoder *encoder, struct whisper_context *context,
				 struct whisper_state *state, struct whisper_openvino_context **ret, struct err *err)
	MUST_CHECK;

/* Why the last encoding failed, ERR_OK where it did not: whisper.cpp does not ask. */
const struct err *asr_encoder_why(const struct whisper_openvino_context *ctx);

#endif
