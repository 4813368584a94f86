/* What a node reads from a jail: every unpacker over the bytes. The first byte is not used. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "jail/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct frame frame = { .type = data[0], .payload = data + 1, .len = size - 1 };
	struct jail_range range;
	struct err value;
	struct jail_audio_info info;
	struct asr_part part;
	struct jail_document_info document;
	struct ocr_raster raster;
	struct err err;
	int64_t us;
	uint32_t page;
	/* What gets through keeps the promises that its users rely on. */
	if (jail_unpack_range(&frame, 1U << 20, &range, &err) == ERR_OK)
		assert(range.offset <= 1U << 20 && range.len >= 1 && range.len <= LIMIT_RANGE_BYTES);
	if (jail_unpack_error(&frame, &value, &err) == ERR_OK)
		assert(value.code != ERR_OK);
	if (jail_unpack_audio_info(&frame, &info, &err) == ERR_OK)
		assert(info.channels >= 1 && info.sample_rate >= 1 && info.audio_tracks >= 1);
	if (jail_unpack_part(&frame, &part, &err) == ERR_OK)
		assert(part.span_count >= 1 && part.span_count <= ASR_SPANS_MAX &&
		       part.spans[0].length <= part.sample_count && part.sample_count <= JAIL_PART_SAMPLES);
	if (jail_unpack_time(&frame, &us, &err) == ERR_OK)
		assert(us >= 0);
	if (jail_unpack_document(&frame, &document, &err) == ERR_OK)
		assert(document.pages >= 1 && document.pages <= LIMIT_PAGES);
	if (jail_unpack_raster(&frame, &page, &raster, &err) == ERR_OK)
		assert((uint64_t)raster.height * raster.stride <= LIMIT_BULK_BYTES &&
		       raster.stride >= raster.width * raster.channels);
	if (jail_unpack_page(&frame, &page, &err) == ERR_OK)
		assert(page < LIMIT_PAGES);
	if (jail_unpack_page_failed(&frame, &page, &value, &err) == ERR_OK)
		assert(value.code != ERR_OK);
	return 0;
}
