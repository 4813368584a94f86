/* ocr_page_unpack over anything: what it accepts must pack again to a page that it accepts. */
#include <stdlib.h>

#include "ocr/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err;
	cleanup_page struct ocr_page page;
	if (ocr_page_unpack(data, size, &page, &err) != ERR_OK)
		return 0;
	cleanup_strbuf struct strbuf packed = STRBUF_INIT(LIMIT_BULK_BYTES);
	ocr_page_pack(&page, &packed);
	cleanup_page struct ocr_page again;
	if (ocr_page_unpack(packed.data, packed.len, &again, &err) != ERR_OK || again.word_count != page.word_count)
		abort();
	return 0;
}
