#include "media/audio_priv.h"

#include "base/clock.h"

/* Time that is missing between two frames, from which it is filled: below it is rounding of time stamps. */
#define GAP_MIN_US (200 * US_PER_MS)
/* A longer gap in a file that does not know its length is a broken time stamp. */
#define GAP_MAX_US (3600 * US_PER_S)
/* Time stamps that jump back by more than this start anew (joined recordings, broadcast counters). */
#define RESTART_US (1 * US_PER_S)
/* Silence that is given out at once. */
enum { SILENCE_BLOCK = AUDIO_RATE };

static int64_t position_us(const struct media_audio *audio)
{
	if (audio->base_samples == 0)
		return audio->base_us;
	return audio->base_us + av_rescale(audio->base_samples, US_PER_S, audio->convert.rate);
}

/* Follows the time stamps: owes silence for time that is missing before this frame. */
static void follow_clock(struct media_audio *audio, const AVFrame *frame)
{
	int64_t pts = frame->best_effort_timestamp;
	if (pts == AV_NOPTS_VALUE)
		return;
	int64_t pts_us = av_rescale_q(pts, audio->stream->time_base, AV_TIME_BASE_Q);
	int64_t now_us = position_us(audio);
	if (!audio->has_clock) {
		audio->has_clock = true;
		audio->first_pts_us = pts_us - now_us;
	}
	int64_t gap = pts_us - audio->first_pts_us - now_us;
	int64_t end = audio->info.duration_us;
	bool believable = end >= 0 ? now_us + gap <= end + US_PER_S : gap <= GAP_MAX_US;
	if (gap < -RESTART_US || (gap > GAP_MIN_US && !believable)) {
		audio->first_pts_us = pts_us - now_us;
	} else if (gap > GAP_MIN_US) {
		audio->gap_samples = av_rescale(gap, AUDIO_RATE, US_PER_S);
		audio->base_us += gap;
	}
}

static bool frame_is_sound(const AVFrame *frame)
{
	return frame->nb_samples > 0 && frame->nb_samples <= AUDIO_FRAME_SAMPLES_MAX && frame->sample_rate > 0 &&
	       frame->sample_rate <= LIMIT_AUDIO_SOURCE_RATE && frame->ch_layout.nb_channels > 0 &&
	       frame->ch_layout.nb_channels <= LIMIT_AUDIO_CHANNELS;
}

/* Feeds the decoder with one packet, or tells it that there are no more. */
static enum err_code feed(struct media_audio *audio, struct err *err)
{
	int rc = av_read_frame(audio->container, audio->packet);
	if (audio->input_error.code != ERR_OK || rc == AVERROR(ENOMEM)) {
		av_packet_unref(audio->packet);
		return audio_fail(audio, rc, ERR_BAD_MEDIA, "the recording is damaged", err);
	}
	if (rc < 0) {
		/* The end, or a stretch that the demuxer cannot make sense of: it goes on behind it, for a while. */
		if (rc != AVERROR_EOF)
			audio->damaged++;
		if (rc == AVERROR_EOF || ++audio->failed_reads > AUDIO_FAILED_READS_MAX) {
			audio->draining = true;
			(void)avcodec_send_packet(audio->decoder, NULL);
		}
		return ERR_OK;
	}
	audio->failed_reads = 0;
	if (audio->packet->stream_index == audio->stream->index) {
		rc = avcodec_send_packet(audio->decoder, audio->packet);
		if (rc < 0 && rc != AVERROR(ENOMEM))
			audio->damaged++;
	}
	av_packet_unref(audio->packet);
	return rc == AVERROR(ENOMEM) ? audio_fail(audio, rc, ERR_NO_MEMORY, "", err) : ERR_OK;
}

/* The next sound frame in audio->frame; at the end `ended` is set instead. */
static enum err_code next_frame(struct media_audio *audio, struct err *err)
{
	for (;;) {
		int rc = avcodec_receive_frame(audio->decoder, audio->frame);
		if (rc >= 0 && frame_is_sound(audio->frame))
			return ERR_OK;
		av_frame_unref(audio->frame);
		if (rc == AVERROR(ENOMEM))
			return audio_fail(audio, rc, ERR_NO_MEMORY, "", err);
		if (rc == AVERROR_EOF || (rc == AVERROR(EAGAIN) && audio->draining)) {
			audio->ended = true;
			return ERR_OK;
		}
		if (rc != AVERROR(EAGAIN))
			audio->damaged++;
		else if (feed(audio, err) != ERR_OK)
			return err->code;
	}
}

/* Counts what goes out, up to the longest recording. */
static enum err_code give(struct media_audio *audio, size_t count, const int16_t **ret_samples, size_t *ret_count,
			  struct err *err)
{
	audio->out_samples += count;
	if (audio->out_samples > (uint64_t)LIMIT_AUDIO_SECONDS * AUDIO_RATE)
		return err_set(err, ERR_TOO_BIG, "the recording is longer than %lld hours",
			       (long long)(LIMIT_AUDIO_SECONDS / 3600));
	*ret_samples = audio->convert.out;
	*ret_count = count;
	return ERR_OK;
}

static enum err_code give_silence(struct media_audio *audio, const int16_t **ret_samples, size_t *ret_count,
				  struct err *err)
{
	size_t count = audio->gap_samples < SILENCE_BLOCK ? (size_t)audio->gap_samples : SILENCE_BLOCK;
	if (audio_convert_silence(&audio->convert, count, err) != ERR_OK)
		return err->code;
	audio->gap_samples -= (int64_t)count;
	return give(audio, count, ret_samples, ret_count, err);
}

/* Converts the frame in hand; where its form is new, what the old resampler still holds goes out first. */
static enum err_code convert_frame(struct media_audio *audio, size_t *ret_count, struct err *err)
{
	struct audio_convert *convert = &audio->convert;
	if (!audio_convert_fits(convert, audio->frame)) {
		size_t rest = 0;
		if (convert->to_rate && audio_convert_run(convert, NULL, &rest, err) != ERR_OK)
			return err->code;
		if (rest > 0) {
			/* The frame waits; next time nothing is left and it is its turn. */
			*ret_count = rest;
			return ERR_OK;
		}
		audio->base_us = position_us(audio);
		audio->base_samples = 0;
		if (audio_convert_prepare(convert, audio->frame, err) != ERR_OK)
			return err->code;
	}
	if (audio_convert_run(convert, audio->frame, ret_count, err) != ERR_OK)
		return err->code;
	audio->base_samples += audio->frame->nb_samples;
	audio->decoded_frames++;
	av_frame_unref(audio->frame);
	return ERR_OK;
}

/* The resampler's rest, once; then nothing. */
static enum err_code finish(struct media_audio *audio, const int16_t **ret_samples, size_t *ret_count, struct err *err)
{
	if (audio->decoded_frames == 0)
		return err_set(err, ERR_BAD_MEDIA,
			       audio->damaged > 0 ? "the recording is damaged: nothing of it could be decoded"
						  : "the recording has no samples");
	size_t count = 0;
	if (audio->convert.to_rate && audio_convert_run(&audio->convert, NULL, &count, err) != ERR_OK)
		return err->code;
	return give(audio, count, ret_samples, ret_count, err);
}

enum err_code media_audio_read(struct media_audio *audio, const int16_t **ret_samples, size_t *ret_count,
			       struct err *err)
{
	for (;;) {
		if (audio->gap_samples > 0)
			return give_silence(audio, ret_samples, ret_count, err);
		bool waiting = audio->frame->nb_samples > 0;
		if (!waiting && !audio->ended) {
			if (next_frame(audio, err) != ERR_OK)
				return err->code;
			if (!audio->ended)
				follow_clock(audio, audio->frame);
			continue;
		}
		if (!waiting)
			return finish(audio, ret_samples, ret_count, err);
		size_t count = 0;
		if (convert_frame(audio, &count, err) != ERR_OK)
			return err->code;
		if (count > 0)
			return give(audio, count, ret_samples, ret_count, err);
	}
}
