/* PDFs as the pages jail would render them. */
#include "document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* Its caches live to the end of the process. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libfontconfig";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (media_is_pdf(data, size))
		fuzz_document(data, size);
	return 0;
}
