/* The speech detector's model file. */
#include "asr/vad.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err;
	struct asr_vad_weights *weights = NULL;
	if (asr_vad_weights_load(data, size, &weights, &err) == ERR_OK)
		asr_vad_weights_free(weights);
	return 0;
}
