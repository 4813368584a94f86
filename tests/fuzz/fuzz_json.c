/* Whatever bytes a string holds, the JSON writer's output is one line of valid UTF-8 whose quotes are in pairs. */
#include <assert.h>
#include <stdint.h>

#include "base/json.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text between the outer quotes holds no quote, backslash or control character that is not escaped. */
static void check_string(const char *s, size_t len)
{
	assert(len >= 2 && s[0] == '"' && s[len - 1] == '"');
	for (size_t i = 1; i < len - 1; i++) {
		assert((unsigned char)s[i] >= 0x20 && s[i] != '"');
		if (s[i] == '\\')
			i++;
		assert(i < len - 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT(SIZE_MAX / 4);
	struct json json = JSON_INIT(&out);
	json_strn(&json, (const char *)data, size);
	assert(!out.failed && utf8_is_valid(out.data, out.len));
	check_string(out.data, out.len);
	return 0;
}
