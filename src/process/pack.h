/*
 * Fields of messages between processes: little-endian, no padding, strings as u32 length and bytes.
 *
 * A packer appends to a strbuf. An unpacker reads from borrowed bytes and never beyond them: after the first
 * read that does not fit it only returns zeros and empty strings, and unpack_finish() reports ERR_PROTOCOL.
 * So a receiver reads all fields and checks once. One thread at a time.
 */
#ifndef TIRO_PROCESS_PACK_H
#define TIRO_PROCESS_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

void pack_u8(struct strbuf *out, uint8_t value);
void pack_u32(struct strbuf *out, uint32_t value);
void pack_u64(struct strbuf *out, uint64_t value);
void pack_i64(struct strbuf *out, int64_t value);
void pack_f32(struct strbuf *out, float value);
void pack_str(struct strbuf *out, const char *str);
void pack_bytes(struct strbuf *out, const void *bytes, size_t len);

struct unpacker {
	const uint8_t *next;
	const uint8_t *end;
	bool failed;
};

struct unpacker unpack_start(const void *bytes, size_t len);
uint8_t unpack_u8(struct unpacker *u);
uint32_t unpack_u32(struct unpacker *u);
uint64_t unpack_u64(struct unpacker *u);
int64_t unpack_i64(struct unpacker *u);
/* NaN and infinity become 0: no sender of ours means them. */
float unpack_f32(struct unpacker *u);
/* A count of elements of at least `element_size` bytes each; one that the rest cannot hold fails. */
uint32_t unpack_count(struct unpacker *u, size_t element_size);
/* The bytes of a string, borrowed from the message; not terminated. */
const char *unpack_bytes(struct unpacker *u, size_t *ret_len);
/* Copies a string of at most `size - 1` bytes without a 0 inside into `out` and terminates it; else fails. */
void unpack_str(struct unpacker *u, char *out, size_t size);
/* ERR_PROTOCOL where a read failed or bytes are left over; `what` names the message. */
enum err_code unpack_finish(const struct unpacker *u, const char *what, struct err *err) MUST_CHECK;

#endif
