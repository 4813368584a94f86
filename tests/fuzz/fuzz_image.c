/* Anything that is not a PDF, as the pages jail would decode it. */
#include "document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!media_is_pdf(data, size))
		fuzz_document(data, size);
	return 0;
}
