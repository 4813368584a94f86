/* A Whisper file of any bytes: the check reads nothing beyond it and always says why it refuses. */
#include <assert.h>
#include <stdint.h>

#include "models/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weights_summary summary;
	struct err err = { .message = "" };
	enum err_code code = weights_check(data, size, &summary, &err);
	assert(code == ERR_OK || (code == ERR_CORRUPT && err.message[0] != '\0'));
	return 0;
}
