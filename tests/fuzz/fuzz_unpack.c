/* A message of any bytes, read with any sequence of fields: no read beyond it, and a failure is never forgotten.
 * The first half of the input says which fields are read, the second half is the message. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "process/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_string(struct unpacker *u)
{
	char text[16];
	unpack_str(u, text, sizeof text);
	assert(memchr(text, '\0', sizeof text) != NULL);
}

static void read_bytes(struct unpacker *u)
{
	size_t len;
	const char *bytes = unpack_bytes(u, &len);
	uint8_t sum = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + (uint8_t)bytes[i]);
	(void)sum;
}

static void read_field(struct unpacker *u, uint8_t kind)
{
	switch (kind % 7) {
	case 0:
		(void)unpack_u8(u);
		break;
	case 1:
		(void)unpack_u32(u);
		break;
	case 2:
		(void)unpack_i64(u);
		break;
	case 3:
		assert(isfinite(unpack_f32(u)));
		break;
	case 4:
		assert(unpack_count(u, 1U + kind) <= (size_t)(u->end - u->next) / (1U + kind));
		break;
	case 5:
		read_string(u);
		break;
	default:
		read_bytes(u);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t fields = size / 2;
	const uint8_t *message = data + fields;
	struct unpacker u = unpack_start(message, size - fields);
	for (size_t i = 0; i < fields; i++) {
		bool failed = u.failed;
		read_field(&u, data[i]);
		assert(u.next >= message && u.next <= u.end);
		assert(!failed || u.failed);
	}
	struct err err;
	bool whole = unpack_finish(&u, "test", &err) == ERR_OK;
	assert(whole == (!u.failed && u.next == u.end));
	return 0;
}
