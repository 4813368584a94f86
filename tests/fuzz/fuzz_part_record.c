/* A part as it is stored: its head before it is recognised, its layout and words afterwards. What is read is within its
 * limits, and is written as it was. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "jobs/part_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_layout(const struct part_layout *layout)
{
	uint64_t end = 0;
	check(layout->span_count <= ASR_SPANS_MAX);
	check(layout->sample_count <= (uint32_t)LIMIT_PART_MAX_S * AUDIO_RATE);
	for (uint32_t i = 0; i < layout->span_count; i++) {
		check(layout->spans[i].part >= end && layout->spans[i].source >= 0);
		end = (uint64_t)layout->spans[i].part + layout->spans[i].length;
	}
	check(end <= layout->sample_count);
}

static void read_head(const uint8_t *data, size_t size)
{
	struct err err;
	struct part_layout layout;
	size_t head;
	if (part_head_unpack(data, size, &layout, &head, &err) != ERR_OK)
		return;
	check_layout(&layout);
	check(head <= size && head <= PART_HEAD_MAX);
	struct strbuf again = STRBUF_INIT(PART_HEAD_MAX);
	part_head_pack(&layout, &again);
	check(again.len == head);
	/* The flag may have been any number but 0. */
	again.data[9] = (char)data[9];
	check(memcmp(again.data, data, head) == 0);
	strbuf_done(&again);
}

static void read_result(const uint8_t *data, size_t size)
{
	struct err err;
	struct part_layout layout;
	struct asr_transcript words;
	if (part_result_unpack(data, size, &layout, &words, &err) == ERR_OK) {
		check_layout(&layout);
		struct strbuf again = STRBUF_INIT(size + 1);
		part_result_pack(&layout, &words, &again);
		check(again.len == size);
		strbuf_done(&again);
	}
	asr_transcript_done(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_head(data, size);
	read_result(data, size);
	return 0;
}
