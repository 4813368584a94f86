#include "models/onnx.h"

#include <stdlib.h>
#include <string.h>

#include "models/cursor.h"

/* Field numbers of onnx.proto. */
enum {
	MODEL_GRAPH = 7,
	GRAPH_INITIALIZER = 5,
	TENSOR_PROTO_DIMS = 1,
	TENSOR_PROTO_TYPE = 2,
	TENSOR_PROTO_NAME = 8,
	TENSOR_PROTO_RAW = 9
};

/* Values of TensorProto.DataType. */
enum { ONNX_FLOAT = 1, ONNX_FLOAT16 = 10 };

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct field {
	uint64_t number;
	enum wire wire;
	uint64_t value; /* of a varint */
	struct cursor bytes; /* of a length-delimited field */
};

static uint64_t take_varint(struct cursor *c)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cursor_u8(c);
		value |= (uint64_t)(byte & 0x7F) << shift;
		if (byte < 0x80)
			return value;
	}
	c->failed = true;
	return 0;
}

/* The next field of a message; false at its end or where it is malformed (then the cursor has failed). */
static bool next_field(struct cursor *c, struct field *ret)
{
	if (c->failed || c->left == 0)
		return false;
	uint64_t tag = take_varint(c);
	*ret = (struct field){ .number = tag >> 3, .wire = (enum wire)(tag & 7) };
	switch (ret->wire) {
	case WIRE_VARINT:
		ret->value = take_varint(c);
		break;
	case WIRE_64:
		(void)cursor_take(c, 8);
		break;
	case WIRE_32:
		(void)cursor_take(c, 4);
		break;
	case WIRE_BYTES: {
		uint64_t len = take_varint(c);
		const uint8_t *bytes = cursor_take(c, len);
		if (bytes)
			ret->bytes = (struct cursor){ .next = bytes, .left = (size_t)len };
		break;
	}
	default:
		c->failed = true;
	}
	return !c->failed;
}

static void add_dim(struct cursor *c, struct tensor *t, uint64_t value)
{
	if (t->dims == TENSOR_DIMS_MAX || value > UINT32_MAX)
		c->failed = true;
	else
		t->dim[t->dims++] = (uint32_t)value;
}

/* Dimensions come one by one or packed into one field. */
static void add_dims(struct cursor *c, struct tensor *t, struct field *field)
{
	if (field->wire == WIRE_VARINT) {
		add_dim(c, t, field->value);
		return;
	}
	while (field->bytes.left > 0 && !c->failed) {
		uint64_t value = take_varint(&field->bytes);
		if (field->bytes.failed)
			c->failed = true;
		else
			add_dim(c, t, value);
	}
}

static enum tensor_type type_of(uint64_t data_type)
{
	if (data_type == ONNX_FLOAT)
		return TENSOR_F32;
	return data_type == ONNX_FLOAT16 ? TENSOR_F16 : TENSOR_OTHER;
}

static enum err_code read_tensor(struct cursor c, struct onnx_tensor *ret, struct err *err)
{
	struct onnx_tensor found = { 0 };
	struct tensor *t = &found.tensor;
	struct field field;
	uint64_t data_type = 0;
	while (next_field(&c, &field)) {
		if (field.number == TENSOR_PROTO_DIMS)
			add_dims(&c, t, &field);
		else if (field.number == TENSOR_PROTO_TYPE)
			data_type = field.value;
		else if (field.number == TENSOR_PROTO_NAME && field.bytes.next) {
			found.name = (const char *)field.bytes.next;
			found.name_len = field.bytes.left;
		} else if (field.number == TENSOR_PROTO_RAW && field.bytes.next) {
			t->data = field.bytes.next;
			t->bytes = field.bytes.left;
		}
	}
	if (c.failed)
		return err_set(err, ERR_CORRUPT, "a tensor of the ONNX file is malformed");
	t->type = t->data ? type_of(data_type) : TENSOR_OTHER;
	uint64_t elements = tensor_elements(t);
	size_t size = tensor_type_size(t->type);
	if (size > 0 && (elements == UINT64_MAX || elements * size != t->bytes))
		return err_set(err, ERR_CORRUPT, "tensor \"%.*s\" does not have the size of its dimensions",
			       (int)(found.name_len > 100 ? 100 : found.name_len), found.name ? found.name : "");
	*ret = found;
	return ERR_OK;
}

static enum err_code read_graph(struct cursor c, struct onnx *model, struct err *err)
{
	struct field field;
	while (next_field(&c, &field)) {
		if (field.number != GRAPH_INITIALIZER || !field.bytes.next)
			continue;
		if (model->count == ONNX_TENSORS_MAX)
			return err_set(err, ERR_CORRUPT, "the ONNX file has more than %d tensors", ONNX_TENSORS_MAX);
		/* Powers of two: room is doubled when the count reaches one. */
		if ((model->count & (model->count - 1)) == 0) {
			size_t room = model->count ? model->count * 2 : 1;
			struct onnx_tensor *grown = realloc(model->tensors, room * sizeof *grown);
			if (!grown)
				return err_set(err, ERR_NO_MEMORY, "no memory for %zu tensors", room);
			model->tensors = grown;
		}
		enum err_code code = read_tensor(field.bytes, &model->tensors[model->count], err);
		if (code)
			return code;
		model->count++;
	}
	return c.failed ? err_set(err, ERR_CORRUPT, "the ONNX file's graph is malformed") : ERR_OK;
}

enum err_code onnx_read(const void *bytes, size_t size, struct onnx *ret, struct err *err)
{
	struct cursor c = { .next = bytes, .left = size };
	struct onnx model = { 0 };
	struct field field;
	enum err_code code = ERR_OK;
	while (!code && next_field(&c, &field)) {
		if (field.number == MODEL_GRAPH && field.bytes.next)
			code = read_graph(field.bytes, &model, err);
	}
	if (!code && (c.failed || size == 0))
		code = err_set(err, ERR_CORRUPT, "not an ONNX file");
	if (code) {
		onnx_done(&model);
		return code;
	}
	*ret = model;
	return ERR_OK;
}

void onnx_done(struct onnx *model)
{
	free(model->tensors);
	*model = (struct onnx){ 0 };
}

const struct tensor *onnx_find(const struct onnx *model, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < model->count; i++) {
		if (model->tensors[i].name_len == len && memcmp(model->tensors[i].name, name, len) == 0)
			return &model->tensors[i].tensor;
	}
	return NULL;
}
