/* A model file of any bytes: it is read or refused, and every tensor that is listed lies within it. */
#include <assert.h>
#include <stdint.h>

#include "models/ct2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ct2 model;
	if (ct2_read(data, size, &model, NULL) != ERR_OK)
		return 0;
	for (size_t i = 0; i < model.count; i++) {
		const struct tensor *t = &model.variables[i].tensor;
		assert(t->dims <= TENSOR_DIMS_MAX);
		assert(t->bytes == 0 || (t->data >= data && t->data + t->bytes <= data + size));
		size_t type_size = tensor_type_size(t->type);
		assert(type_size == 0 || tensor_elements(t) * type_size == t->bytes);
	}
	(void)ct2_find(&model, "name");
	ct2_done(&model);
	return 0;
}
