/*
 * Reads little-endian fields from borrowed bytes and never beyond them. After the first read that does not fit,
 * everything reads as zero and `failed` stays set: a reader takes all it wants and checks once.
 */
#ifndef TIRO_MODELS_CURSOR_H
#define TIRO_MODELS_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const uint8_t *next;
	size_t left;
	bool failed;
};

/* The next `len` bytes, or NULL where there are not that many. */
static inline const uint8_t *cursor_take(struct cursor *c, uint64_t len)
{
	if (c->failed || len > c->left) {
		c->failed = true;
		return NULL;
	}
	const uint8_t *bytes = c->next;
	c->next += len;
	c->left -= (size_t)len;
	return bytes;
}

static inline uint32_t cursor_uint(struct cursor *c, size_t bytes)
{
	const uint8_t *p = cursor_take(c, bytes);
	uint32_t value = 0;
	for (size_t i = 0; p && i < bytes; i++)
		value |= (uint32_t)p[i] << (8 * i);
	return value;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	return (uint8_t)cursor_uint(c, 1);
}

static inline uint16_t cursor_u16(struct cursor *c)
{
	return (uint16_t)cursor_uint(c, 2);
}

static inline uint32_t cursor_u32(struct cursor *c)
{
	return cursor_uint(c, 4);
}

#endif
