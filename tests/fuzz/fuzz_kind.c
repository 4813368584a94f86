/* The first bytes of a file: any are fine, a verdict has a name, and only what is well-formed up to its end is text. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "files/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *name = NULL;
	enum file_kind kind = file_kind_of(data, size, &name);
	assert(name && (kind == FILE_KIND_UNKNOWN) == (name[0] == '\0'));
	if (kind == FILE_KIND_TEXT && size < FILE_KIND_BYTES)
		assert(utf8_is_valid((const char *)data, size) && !memchr(data, '\0', size));
	return 0;
}
