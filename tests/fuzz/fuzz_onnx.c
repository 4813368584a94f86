/* A model file of any bytes: it is read or refused, and every tensor that is listed lies within it. */
#include <assert.h>
#include <stdint.h>

#include "models/onnx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct onnx model;
	if (onnx_read(data, size, &model, NULL) != ERR_OK)
		return 0;
	for (size_t i = 0; i < model.count; i++) {
		const struct tensor *t = &model.tensors[i].tensor;
		assert(t->dims <= TENSOR_DIMS_MAX);
		assert(t->bytes == 0 || (t->data >= data && t->data + t->bytes <= data + size));
		size_t type_size = tensor_type_size(t->type);
		assert(type_size == 0 || tensor_elements(t) * type_size == t->bytes);
	}
	(void)onnx_find(&model, "name");
	onnx_done(&model);
	return 0;
}
