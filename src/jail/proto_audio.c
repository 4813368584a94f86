#include "jail/proto.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "process/pack.h"

/* Bytes of one packed span. */
enum { SPAN_SIZE = 8 + 4 + 4 };

void jail_pack_audio_info(struct strbuf *out, const struct jail_audio_info *info)
{
	pack_i64(out, info->duration_us);
	pack_i64(out, info->start_us);
	pack_u32(out, (uint32_t)info->channels);
	pack_u32(out, (uint32_t)info->sample_rate);
	pack_u32(out, (uint32_t)info->audio_tracks);
	pack_str(out, info->codec);
}

static bool is_name(const char *text)
{
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && *text != '_' && *text != '-' && *text != '.')
			return false;
	}
	return true;
}

enum err_code jail_unpack_audio_info(const struct frame *frame, struct jail_audio_info *ret, struct err *err)
{
	struct unpacker u = unpack_start(frame->payload, frame->len);
	struct jail_audio_info info = { .duration_us = unpack_i64(&u) };
	info.start_us = unpack_i64(&u);
	uint32_t channels = unpack_u32(&u);
	uint32_t sample_rate = unpack_u32(&u);
	uint32_t audio_tracks = unpack_u32(&u);
	unpack_str(&u, info.codec, sizeof info.codec);
	if (unpack_finish(&u, "jail audio info", err) != ERR_OK)
		return err->code;
	int64_t max_us = LIMIT_AUDIO_SECONDS * US_PER_S;
	bool fits = info.duration_us >= -1 && info.duration_us <= max_us && info.start_us >= -max_us &&
		    info.start_us <= max_us && channels >= 1 && channels <= LIMIT_AUDIO_CHANNELS && sample_rate >= 1 &&
		    sample_rate <= LIMIT_AUDIO_SOURCE_RATE && audio_tracks >= 1 && audio_tracks <= INT32_MAX;
	if (!fits || !is_name(info.codec))
		return err_set(err, ERR_PROTOCOL, "a jail audio info message is out of range");
	info.channels = (int)channels;
	info.sample_rate = (int)sample_rate;
	info.audio_tracks = (int)audio_tracks;
	*ret = info;
	return ERR_OK;
}

void jail_pack_part(struct strbuf *out, const struct asr_part *part)
{
	pack_u32(out, part->index);
	pack_u32(out, part->sample_count);
	pack_u32(out, part->span_count);
	for (uint32_t i = 0; i < part->span_count; i++) {
		pack_i64(out, part->spans[i].source);
		pack_u32(out, part->spans[i].part);
		pack_u32(out, part->spans[i].length);
	}
}

/* Spans ascend in the recording and in the part, do not overlap and lie inside both. */
static bool spans_fit(const struct asr_part *part)
{
	int64_t source_end = 0;
	uint64_t part_end = 0;
	for (uint32_t i = 0; i < part->span_count; i++) {
		const struct asr_span *span = &part->spans[i];
		if (span->source < source_end || span->source > JAIL_LAST_SAMPLE || span->part < part_end ||
		    span->length < 1)
			return false;
		source_end = span->source + span->length;
		part_end = (uint64_t)span->part + span->length;
		if (part_end > part->sample_count)
			return false;
	}
	return true;
}

enum err_code jail_unpack_part(const struct frame *frame, struct asr_part *ret, struct err *err)
{
	struct unpacker u = unpack_start(frame->payload, frame->len);
	struct asr_part part = { .index = unpack_u32(&u) };
	part.sample_count = unpack_u32(&u);
	part.span_count = unpack_count(&u, SPAN_SIZE);
	if (part.span_count > ASR_SPANS_MAX)
		return err_set(err, ERR_PROTOCOL, "a part has %u spans", part.span_count);
	for (uint32_t i = 0; i < part.span_count; i++) {
		part.spans[i].source = unpack_i64(&u);
		part.spans[i].part = unpack_u32(&u);
		part.spans[i].length = unpack_u32(&u);
	}
	if (unpack_finish(&u, "jail part", err) != ERR_OK)
		return err->code;
	if (part.sample_count < 1 || part.sample_count > JAIL_PART_SAMPLES || part.span_count < 1 || !spans_fit(&part))
		return err_set(err, ERR_PROTOCOL, "a part's layout is out of range");
	*ret = part;
	return ERR_OK;
}

void jail_pack_time(struct strbuf *out, int64_t us)
{
	pack_i64(out, us);
}

enum err_code jail_unpack_time(const struct frame *frame, int64_t *ret_us, struct err *err)
{
	struct unpacker u = unpack_start(frame->payload, frame->len);
	int64_t us = unpack_i64(&u);
	if (unpack_finish(&u, "jail time", err) != ERR_OK)
		return err->code;
	if (us < 0 || us > LIMIT_AUDIO_SECONDS * US_PER_S)
		return err_set(err, ERR_PROTOCOL, "a jail time message is out of range");
	*ret_us = us;
	return ERR_OK;
}
