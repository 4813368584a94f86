#include "process/pack.h"

#include <endian.h>
#include <math.h>
#include <string.h>

void pack_u8(struct strbuf *out, uint8_t value)
{
	strbuf_add(out, &value, sizeof value);
}

void pack_u32(struct strbuf *out, uint32_t value)
{
	uint32_t le = htole32(value);
	strbuf_add(out, &le, sizeof le);
}

void pack_u64(struct strbuf *out, uint64_t value)
{
	uint64_t le = htole64(value);
	strbuf_add(out, &le, sizeof le);
}

void pack_i64(struct strbuf *out, int64_t value)
{
	pack_u64(out, (uint64_t)value);
}

void pack_f32(struct strbuf *out, float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof bits);
	pack_u32(out, bits);
}

void pack_bytes(struct strbuf *out, const void *bytes, size_t len)
{
	pack_u32(out, (uint32_t)len);
	strbuf_add(out, bytes, len);
}

void pack_str(struct strbuf *out, const char *str)
{
	pack_bytes(out, str, strlen(str));
}

struct unpacker unpack_start(const void *bytes, size_t len)
{
	const uint8_t *start = bytes;
	return (struct unpacker){ .next = start, .end = len > 0 ? start + len : start };
}

/* The next `len` bytes, or NULL once the message is found to be too short. */
static const uint8_t *take(struct unpacker *u, size_t len)
{
	if (u->failed || (size_t)(u->end - u->next) < len) {
		u->failed = true;
		return NULL;
	}
	const uint8_t *p = u->next;
	u->next += len;
	return p;
}

uint8_t unpack_u8(struct unpacker *u)
{
	const uint8_t *p = take(u, 1);
	return p ? *p : 0;
}

uint32_t unpack_u32(struct unpacker *u)
{
	uint32_t le = 0;
	const uint8_t *p = take(u, sizeof le);
	if (p)
		memcpy(&le, p, sizeof le);
	return le32toh(le);
}

uint64_t unpack_u64(struct unpacker *u)
{
	uint64_t le = 0;
	const uint8_t *p = take(u, sizeof le);
	if (p)
		memcpy(&le, p, sizeof le);
	return le64toh(le);
}

int64_t unpack_i64(struct unpacker *u)
{
	return (int64_t)unpack_u64(u);
}

float unpack_f32(struct unpacker *u)
{
	uint32_t bits = unpack_u32(u);
	float value;
	memcpy(&value, &bits, sizeof value);
	return isfinite(value) ? value : 0.0F;
}

uint32_t unpack_count(struct unpacker *u, size_t element_size)
{
	uint32_t count = unpack_u32(u);
	if (u->failed || count > (size_t)(u->end - u->next) / element_size) {
		u->failed = true;
		return 0;
	}
	return count;
}

const char *unpack_bytes(struct unpacker *u, size_t *ret_len)
{
	uint32_t len = unpack_u32(u);
	const uint8_t *p = take(u, len);
	*ret_len = p ? len : 0;
	return p ? (const char *)p : "";
}

void unpack_str(struct unpacker *u, char *out, size_t size)
{
	size_t len;
	const char *bytes = unpack_bytes(u, &len);
	if (len >= size || memchr(bytes, '\0', len)) {
		u->failed = true;
		len = 0;
	}
	memcpy(out, bytes, len);
	out[len] = '\0';
}

enum err_code unpack_finish(const struct unpacker *u, const char *what, struct err *err)
{
	if (u->failed)
		return err_set(err, ERR_PROTOCOL, "a %s message is malformed", what);
	if (u->next != u->end)
		return err_set(err, ERR_PROTOCOL, "a %s message has %td bytes too many", what, u->end - u->next);
	return ERR_OK;
}
