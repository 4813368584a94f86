/*
 * A tensor as the readers find it: borrowed bytes in the file, outermost dimension first, little-endian.
 */
#ifndef TIRO_MODELS_TENSOR_H
#define TIRO_MODELS_TENSOR_H

#include <stddef.h>
#include <stdint.h>

/* Dimensions that any format of ours has. */
#define TENSOR_DIMS_MAX 4

enum tensor_type { TENSOR_OTHER, TENSOR_F32, TENSOR_F16, TENSOR_I16 };

struct tensor {
	enum tensor_type type;
	uint32_t dims; /* 0: one value */
	uint32_t dim[TENSOR_DIMS_MAX];
	const uint8_t *data; /* exactly elements * type size bytes, except for TENSOR_OTHER */
	uint64_t bytes;
};

static inline size_t tensor_type_size(enum tensor_type type)
{
	switch (type) {
	case TENSOR_F32:
		return 4;
	case TENSOR_F16:
	case TENSOR_I16:
		return 2;
	case TENSOR_OTHER:
	default:
		return 0;
	}
}

/* Product of the dimensions; UINT64_MAX where it passes 2^40, far above any model. */
static inline uint64_t tensor_elements(const struct tensor *t)
{
	uint64_t n = 1;
	for (uint32_t i = 0; i < t->dims; i++) {
		if (t->dim[i] != 0 && n > ((uint64_t)1 << 40) / t->dim[i])
			return UINT64_MAX;
		n *= t->dim[i];
	}
	return n;
}

#endif
