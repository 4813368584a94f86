/* A vocabulary of any bytes, as lines or JSON: written or refused. */
#include <assert.h>
#include <stdint.h>

#include "models/vocabulary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sink *sink = NULL;
	if (sink_open("/dev/null", NULL, &sink, NULL) != ERR_OK)
		return 0;
	vocabulary_put(sink, data, size);
	assert(sink_state(sink) == ERR_OK || sink_state(sink) == ERR_CORRUPT);
	sink_close(sink);
	return 0;
}
