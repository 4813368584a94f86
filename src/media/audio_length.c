#include "media/audio_priv.h"

#include "base/clock.h"

/* Time stamps at the start of a packet; an end before it is none. */
struct span {
	int64_t first, end; /* in the stream's time base; AV_NOPTS_VALUE: none yet */
	int64_t sum; /* of the packets' durations, for streams without stamps */
};

static void add_packet(struct span *span, const AVPacket *packet)
{
	int64_t pts = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
	int64_t duration = packet->duration > 0 ? packet->duration : 0;
	if (span->sum < INT64_MAX - duration)
		span->sum += duration;
	if (pts == AV_NOPTS_VALUE || pts > INT64_MAX - duration)
		return;
	if (span->first == AV_NOPTS_VALUE || pts < span->first)
		span->first = pts;
	if (span->end == AV_NOPTS_VALUE || pts + duration > span->end)
		span->end = pts + duration;
}

/* Stamps that start anew in mid-stream span too little or too much: the durations then say more. */
static int64_t length_of(const struct media_audio *audio, const struct span *span)
{
	int64_t stamps = 0;
	if (span->first != AV_NOPTS_VALUE && __builtin_sub_overflow(span->end, span->first, &stamps))
		stamps = 0;
	int64_t us = av_rescale_q(span->sum > 0 ? span->sum : stamps, audio->stream->time_base, AV_TIME_BASE_Q);
	return us > 0 ? us : 0;
}

static enum err_code scan(struct media_audio *audio, int64_t *ret_us, struct err *err)
{
	struct span span = { .first = AV_NOPTS_VALUE, .end = AV_NOPTS_VALUE };
	int failed = 0;
	uint64_t packets = 0;
	while (failed <= AUDIO_FAILED_READS_MAX) {
		int rc = av_read_frame(audio->container, audio->packet);
		if (audio->input_error.code != ERR_OK || rc == AVERROR(ENOMEM))
			return audio_fail(audio, rc, ERR_BAD_MEDIA, "the recording is damaged", err);
		if (rc == AVERROR_EOF)
			break;
		failed = rc < 0 ? failed + 1 : 0;
		if (rc < 0)
			continue;
		if (audio->packet->stream_index == audio->stream->index) {
			add_packet(&span, audio->packet);
			packets++;
		}
		av_packet_unref(audio->packet);
	}
	if (packets == 0)
		return err_set(err, ERR_BAD_MEDIA, "the recording has no samples");
	*ret_us = length_of(audio, &span);
	return ERR_OK;
}

enum err_code media_audio_length(struct media_audio *audio, int64_t *ret_us, struct err *err)
{
	bool is_guess = audio->container->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE;
	*ret_us = audio->info.duration_us;
	if ((*ret_us < 0 || is_guess) && scan(audio, ret_us, err) != ERR_OK)
		return err->code;
	if (*ret_us > LIMIT_AUDIO_SECONDS * US_PER_S)
		return err_set(err, ERR_TOO_BIG, "the recording is longer than %lld hours",
			       (long long)(LIMIT_AUDIO_SECONDS / 3600));
	return ERR_OK;
}
