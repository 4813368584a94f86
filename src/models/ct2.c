#include "models/ct2.h"

#include <stdlib.h>
#include <string.h>

#include "models/cursor.h"

enum { CT2_VERSION = 6 };

/* A name that is not terminated where its length says fails the cursor. */
static const char *take_name(struct cursor *c)
{
	uint16_t len = cursor_u16(c);
	const uint8_t *bytes = cursor_take(c, len);
	if (!bytes || len == 0 || memchr(bytes, '\0', len) != bytes + len - 1) {
		c->failed = true;
		return "";
	}
	return (const char *)bytes;
}

static enum tensor_type type_of(uint8_t code)
{
	switch (code) {
	case 0:
		return TENSOR_F32;
	case 2:
		return TENSOR_I16;
	case 4:
		return TENSOR_F16;
	default:
		return TENSOR_OTHER;
	}
}

static enum err_code read_variable(struct cursor *c, struct ct2_variable *ret, struct err *err)
{
	struct ct2_variable v = { .name = take_name(c) };
	struct tensor *t = &v.tensor;
	t->dims = cursor_u8(c);
	if (t->dims > TENSOR_DIMS_MAX)
		return err_set(err, ERR_CORRUPT, "variable \"%.100s\" has %u dimensions, at most %d are known", v.name,
			       t->dims, TENSOR_DIMS_MAX);
	for (uint32_t i = 0; i < t->dims; i++)
		t->dim[i] = cursor_u32(c);
	t->type = type_of(cursor_u8(c));
	t->bytes = cursor_u32(c);
	t->data = cursor_take(c, t->bytes);
	if (c->failed)
		return err_set(err, ERR_CORRUPT, "the file ends inside a variable or a name is malformed");
	size_t size = tensor_type_size(t->type);
	uint64_t elements = tensor_elements(t);
	if (size > 0 && (elements == UINT64_MAX || elements * size != t->bytes))
		return err_set(err, ERR_CORRUPT, "variable \"%.100s\" does not have the size of its dimensions",
			       v.name);
	*ret = v;
	return ERR_OK;
}

static enum err_code read_all(struct cursor *c, struct ct2 *model, struct err *err)
{
	for (size_t i = 0; i < model->count; i++) {
		enum err_code code = read_variable(c, &model->variables[i], err);
		if (code)
			return code;
	}
	uint32_t aliases = cursor_u32(c);
	for (uint32_t i = 0; i < aliases && !c->failed; i++) {
		(void)take_name(c);
		(void)take_name(c);
	}
	if (c->failed || c->left > 0)
		return err_set(err, ERR_CORRUPT, "the file does not end where its last entry does");
	return ERR_OK;
}

enum err_code ct2_read(const void *bytes, size_t size, struct ct2 *ret, struct err *err)
{
	struct cursor c = { .next = bytes, .left = size };
	uint32_t version = cursor_u32(&c);
	if (c.failed || version != CT2_VERSION)
		return err_set(err, ERR_CORRUPT, "not a CTranslate2 model of version %d", CT2_VERSION);
	struct ct2 model = { .spec = take_name(&c) };
	(void)cursor_u32(&c); /* the specification's revision: additions only, which are found by name */
	model.count = cursor_u32(&c);
	if (c.failed || model.count > CT2_VARIABLES_MAX)
		return err_set(err, ERR_CORRUPT, "the CTranslate2 model's head is malformed");
	model.variables = calloc(model.count + 1, sizeof *model.variables);
	if (!model.variables)
		return err_set(err, ERR_NO_MEMORY, "no memory for %zu variables", model.count);
	enum err_code code = read_all(&c, &model, err);
	if (code) {
		ct2_done(&model);
		return code;
	}
	*ret = model;
	return ERR_OK;
}

void ct2_done(struct ct2 *model)
{
	free(model->variables);
	*model = (struct ct2){ 0 };
}

const struct tensor *ct2_find(const struct ct2 *model, const char *name)
{
	for (size_t i = 0; i < model->count; i++) {
		if (strcmp(model->variables[i].name, name) == 0)
			return &model->variables[i].tensor;
	}
	return NULL;
}
