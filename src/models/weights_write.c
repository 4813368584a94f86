#include <string.h>

#include "models/half.h"
#include "models/weights.h"

enum {
	/* Values converted at a time: 256 KiB as float32, so that a model of any size needs the same memory. */
	PIECE_VALUES = 64 * 1024,
	Q8_0_BLOCK = 32,
	Q8_0_BLOCK_BYTES = 34,
	NAME_MAX_BYTES = 128
};

struct piece {
	float values[PIECE_VALUES];
	unsigned char out[PIECE_VALUES * 4];
};

static void load_values(const struct tensor *t, uint64_t first, size_t count, float *ret)
{
	if (t->type == TENSOR_F32) {
		memcpy(ret, t->data + first * 4, count * 4);
		return;
	}
	const uint8_t *p = t->data + first * 2;
	for (size_t i = 0; i < count; i++)
		ret[i] = half_to_float((uint16_t)(p[2 * i] | p[2 * i + 1] << 8));
}

/* Converts `count` values (whole rows of `columns` where quantised) into piece->out; returns the bytes, 0 on failure.
 */
static size_t convert(struct sink *sink, struct piece *piece, size_t count, size_t columns, enum weights_type type)
{
	struct err err;
	switch (type) {
	case WEIGHTS_F32:
		memcpy(piece->out, piece->values, count * 4);
		return count * 4;
	case WEIGHTS_F16:
		for (size_t i = 0; i < count; i++) {
			uint16_t half = half_from_float(piece->values[i]);
			piece->out[2 * i] = (unsigned char)half;
			piece->out[2 * i + 1] = (unsigned char)(half >> 8);
		}
		return count * 2;
	case WEIGHTS_Q8_0:
	default:
		if (weights_quantise_q8_0(piece->values, count / columns, columns, piece->out, &err)) {
			(void)sink_fail(sink, err.code, "%s", err.message);
			return 0;
		}
		return count / Q8_0_BLOCK * Q8_0_BLOCK_BYTES;
	}
}

static void put_data(struct sink *sink, const struct tensor *t, enum weights_type type)
{
	uint64_t elements = tensor_elements(t);
	size_t columns = t->dims > 0 ? t->dim[t->dims - 1] : 1;
	if (elements == UINT64_MAX || columns == 0 || columns > PIECE_VALUES ||
	    (type == WEIGHTS_Q8_0 && columns % Q8_0_BLOCK != 0)) {
		(void)sink_fail(sink, ERR_CORRUPT, "a tensor has rows of %zu values, which cannot be converted",
				columns);
		return;
	}
	cleanup_free struct piece *piece = malloc(sizeof *piece);
	if (!piece) {
		(void)sink_fail(sink, ERR_NO_MEMORY, "no memory to convert a tensor");
		return;
	}
	size_t step = PIECE_VALUES / columns * columns;
	for (uint64_t done = 0; done < elements && !sink_state(sink); done += step) {
		size_t count = elements - done < step ? (size_t)(elements - done) : step;
		load_values(t, done, count, piece->values);
		size_t bytes = convert(sink, piece, count, columns, type);
		sink_write(sink, piece->out, bytes);
	}
}

void weights_put_tensor(struct sink *sink, const char *name, const struct tensor *t, enum weights_type type)
{
	size_t name_len = strlen(name);
	if (name_len > NAME_MAX_BYTES || (t->type != TENSOR_F32 && t->type != TENSOR_F16)) {
		(void)sink_fail(sink, ERR_CORRUPT, "tensor \"%.100s\" is not of a type that can be converted", name);
		return;
	}
	sink_u32(sink, t->dims);
	sink_u32(sink, (uint32_t)name_len);
	sink_u32(sink, type);
	for (uint32_t i = t->dims; i > 0; i--)
		sink_u32(sink, t->dim[i - 1]);
	sink_write(sink, name, name_len);
	put_data(sink, t, type);
}
