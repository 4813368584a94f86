#include "models/weights.h"

#include <ggml.h>

enum err_code weights_quantise_q8_0(const float *values, size_t rows, size_t columns, void *out, struct err *err)
{
	size_t expected = rows * ggml_row_size(GGML_TYPE_Q8_0, (int64_t)columns);
	size_t written = ggml_quantize_chunk(GGML_TYPE_Q8_0, values, out, 0, (int64_t)rows, (int64_t)columns, NULL);
	if (written != expected)
		return err_set(err, ERR_INTERNAL, "ggml wrote %zu bytes of a tensor, not %zu", written, expected);
	return ERR_OK;
}
