/* A transcript as an engine sends it: what unpacks must pack to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "asr/transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err;
	struct asr_transcript t;
	if (asr_transcript_unpack(data, size, &t, &err) != ERR_OK)
		return 0;
	struct strbuf again = STRBUF_INIT(size + 1);
	struct strbuf text = STRBUF_INIT(2 * size + 1);
	asr_transcript_pack(&t, &again);
	/* Numbers that are not finite are read as 0, so only the length is sure. */
	if (again.len != size)
		abort();
	asr_transcript_text(&t, 0, t.word_count, &text);
	strbuf_done(&text);
	strbuf_done(&again);
	asr_transcript_done(&t);
	return 0;
}
