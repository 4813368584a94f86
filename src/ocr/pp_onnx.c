#include "ocr/pp_onnx.h"

#include <stdint.h>
#include <string.h>

/* ModelProto.metadata_props, and key and value of StringStringEntryProto, in onnx.proto. */
enum { FIELD_METADATA = 14, FIELD_KEY = 1, FIELD_VALUE = 2 };

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
};

struct field {
	uint64_t number;
	/* Empty unless the wire type is WIRE_BYTES. */
	const uint8_t *bytes;
	size_t len;
};

static bool read_varint(struct cursor *c, uint64_t *ret)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64 && c->at < c->end; shift += 7) {
		uint8_t byte = *c->at++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static bool skip(struct cursor *c, uint64_t len)
{
	if (len > (uint64_t)(c->end - c->at))
		return false;
	c->at += len;
	return true;
}

static bool read_field(struct cursor *c, struct field *ret)
{
	uint64_t tag, value;
	if (!read_varint(c, &tag))
		return false;
	*ret = (struct field){ .number = tag >> 3 };
	switch (tag & 7) {
	case WIRE_VARINT:
		return read_varint(c, &value);
	case WIRE_64:
		return skip(c, 8);
	case WIRE_32:
		return skip(c, 4);
	case WIRE_BYTES:
		if (!read_varint(c, &value))
			return false;
		ret->bytes = c->at;
		ret->len = (size_t)value;
		return skip(c, value);
	default:
		return false;
	}
}

/* One entry of the metadata: true if its key is `key`. */
static bool match_entry(const struct field *entry, const char *key, const char **ret_value, size_t *ret_len)
{
	struct cursor c = { entry->bytes, entry->bytes + entry->len };
	struct field field;
	const char *value = NULL;
	size_t len = 0;
	bool matches = false;

	while (c.at < c.end && read_field(&c, &field)) {
		if (field.number == FIELD_KEY)
			matches = field.len == strlen(key) && field.len && memcmp(field.bytes, key, field.len) == 0;
		if (field.number == FIELD_VALUE) {
			value = (const char *)field.bytes;
			len = field.len;
		}
	}
	if (!matches || !value)
		return false;
	*ret_value = value;
	*ret_len = len;
	return true;
}

bool pp_onnx_metadata(const void *bytes, size_t len, const char *key, const char **ret_value, size_t *ret_len)
{
	if (!len)
		return false;
	struct cursor c = { bytes, (const uint8_t *)bytes + len };
	struct field field;

	while (c.at < c.end && read_field(&c, &field))
		if (field.number == FIELD_METADATA && field.len && match_entry(&field, key, ret_value, ret_len))
			return true;
	return false;
}
