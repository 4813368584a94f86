#include "base/uuid.h"

#include <errno.h>
#include <sys/random.h>

#include "base/clock.h"

enum err_code uuid_new(int64_t now_us, struct uuid *ret, struct err *err)
{
	struct uuid id;
	/* Requests of up to 256 bytes are never cut short. */
	if (getrandom(id.bytes, sizeof id.bytes, 0) != (ssize_t)sizeof id.bytes)
		return err_set_errno(err, ERR_SYSTEM, errno, "no random numbers for an id");
	uint64_t ms = (uint64_t)(now_us / US_PER_MS);
	for (int i = 0; i < 6; i++)
		id.bytes[i] = (unsigned char)(ms >> (40 - 8 * i));
	id.bytes[6] = (unsigned char)(0x70 | (id.bytes[6] & 0x0f));
	id.bytes[8] = (unsigned char)(0x80 | (id.bytes[8] & 0x3f));
	*ret = id;
	return ERR_OK;
}

static bool is_dash(size_t index)
{
	return index == 8 || index == 13 || index == 18 || index == 23;
}

void uuid_text(const struct uuid *id, char ret[UUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	size_t nibble = 0;
	for (size_t i = 0; i < UUID_TEXT_SIZE - 1; i++) {
		if (is_dash(i)) {
			ret[i] = '-';
			continue;
		}
		unsigned char byte = id->bytes[nibble / 2];
		ret[i] = digits[nibble % 2 == 0 ? byte >> 4 : byte & 0x0f];
		nibble++;
	}
	ret[UUID_TEXT_SIZE - 1] = '\0';
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool uuid_parse(const char *text, size_t len, struct uuid *ret)
{
	struct uuid id = { { 0 } };
	size_t nibble = 0;
	if (len != UUID_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		int value = digit_value(text[i]);
		if (is_dash(i) ? text[i] != '-' : value < 0)
			return false;
		if (is_dash(i))
			continue;
		id.bytes[nibble / 2] = (unsigned char)(id.bytes[nibble / 2] << 4 | value);
		nibble++;
	}
	*ret = id;
	return true;
}
