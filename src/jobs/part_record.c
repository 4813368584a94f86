#include "jobs/part_record.h"

#include <string.h>

#include "base/limits.h"
#include "process/pack.h"

enum { VERSION = 1, SPAN_BYTES = 16 };

static void pack_layout(const struct part_layout *layout, struct strbuf *out)
{
	pack_u8(out, VERSION);
	pack_i64(out, layout->start_us);
	pack_u8(out, layout->alone);
	pack_u32(out, layout->sample_count);
	pack_u32(out, layout->span_count);
	for (uint32_t i = 0; i < layout->span_count; i++) {
		pack_i64(out, layout->spans[i].source);
		pack_u32(out, layout->spans[i].part);
		pack_u32(out, layout->spans[i].length);
	}
}

/* Spans ascend, without overlap, inside the part. */
static bool is_sound(const struct part_layout *layout)
{
	uint64_t end = 0;
	for (uint32_t i = 0; i < layout->span_count; i++) {
		const struct asr_span *span = &layout->spans[i];
		if (span->part < end || span->source < 0)
			return false;
		end = (uint64_t)span->part + span->length;
	}
	return end <= layout->sample_count;
}

static enum err_code unpack_layout(struct unpacker *u, struct part_layout *ret, struct err *err)
{
	uint8_t version = unpack_u8(u);
	ret->start_us = unpack_i64(u);
	ret->alone = unpack_u8(u) != 0;
	ret->sample_count = unpack_u32(u);
	ret->span_count = unpack_count(u, SPAN_BYTES);
	if (u->failed || version != VERSION || ret->span_count > ASR_SPANS_MAX ||
	    ret->sample_count > (uint32_t)LIMIT_PART_MAX_S * AUDIO_RATE)
		return err_set(err, ERR_PROTOCOL, "a stored part has no known form");
	for (uint32_t i = 0; i < ret->span_count; i++) {
		ret->spans[i].source = unpack_i64(u);
		ret->spans[i].part = unpack_u32(u);
		ret->spans[i].length = unpack_u32(u);
	}
	return is_sound(ret) ? ERR_OK : err_set(err, ERR_PROTOCOL, "a stored part's layout is not sound");
}

void part_head_pack(const struct part_layout *layout, struct strbuf *out)
{
	pack_layout(layout, out);
}

enum err_code part_head_unpack(const void *bytes, size_t len, struct part_layout *ret, size_t *ret_head_bytes,
			       struct err *err)
{
	struct unpacker u = unpack_start(bytes, len);
	if (unpack_layout(&u, ret, err) != ERR_OK)
		return err->code;
	*ret_head_bytes = (size_t)(u.next - (const uint8_t *)bytes);
	return ERR_OK;
}

void part_result_pack(const struct part_layout *layout, const struct asr_transcript *words, struct strbuf *out)
{
	pack_layout(layout, out);
	asr_transcript_pack(words, out);
}

enum err_code part_result_unpack(const void *bytes, size_t len, struct part_layout *ret,
				 struct asr_transcript *ret_words, struct err *err)
{
	struct unpacker u = unpack_start(bytes, len);
	asr_transcript_init(ret_words);
	if (unpack_layout(&u, ret, err) != ERR_OK)
		return err->code;
	return asr_transcript_unpack(u.next, (size_t)(u.end - u.next), ret_words, err);
}
