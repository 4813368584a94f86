/* A model file's metadata over anything: what is found lies inside the file, and a dictionary in it is read whole. */
#include <stdint.h>
#include <stdlib.h>

#include "ocr/pp_ctc.h"
#include "ocr/pp_onnx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pp_dictionary dictionary;
	struct err err;
	const char *value;
	size_t len, total = 0;

	if (!pp_onnx_metadata(data, size, "character", &value, &len))
		return 0;
	if (value < (const char *)data || len > size - (size_t)(value - (const char *)data))
		abort();
	if (pp_dictionary_read(value, len, &dictionary, &err) != ERR_OK)
		return 0;
	for (size_t i = 0; i < dictionary.count; i++) {
		size_t bytes;
		(void)pp_dictionary_text(&dictionary, (uint32_t)i, &bytes);
		(void)pp_dictionary_is_space(&dictionary, (uint32_t)i);
		total += bytes;
	}
	/* All but the line ends, and the space at the end. */
	if (total > len + 1)
		abort();
	pp_dictionary_done(&dictionary);
	return 0;
}
