#include "media/audio_priv.h"

#include <libavutil/channel_layout.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* Room for samples, grown in one step to what a frame needs. */
static enum err_code reserve_planes(struct audio_convert *convert, size_t count, struct err *err)
{
	if (count <= convert->capacity)
		return ERR_OK;
	size_t channels = (size_t)convert->layout.nb_channels;
	float *planes = malloc(channels * count * sizeof *planes);
	float *mono = malloc(count * sizeof *mono);
	if (!planes || !mono) {
		free(planes);
		free(mono);
		return err_set(err, ERR_NO_MEMORY, "no memory for %zu audio samples", count);
	}
	free(convert->planes[0]);
	free(convert->mono);
	for (size_t c = 0; c < channels; c++)
		convert->planes[c] = planes + c * count;
	convert->mono = mono;
	convert->capacity = count;
	return ERR_OK;
}

static enum err_code reserve_out(struct audio_convert *convert, size_t count, struct err *err)
{
	if (count <= convert->out_capacity)
		return ERR_OK;
	int16_t *out = realloc(convert->out, count * sizeof *out);
	if (!out)
		return err_set(err, ERR_NO_MEMORY, "no memory for %zu audio samples", count);
	convert->out = out;
	convert->out_capacity = count;
	return ERR_OK;
}

bool audio_convert_fits(const struct audio_convert *convert, const AVFrame *frame)
{
	return convert->to_float && convert->rate == frame->sample_rate &&
	       convert->format == (enum AVSampleFormat)frame->format &&
	       av_channel_layout_compare(&convert->layout, &frame->ch_layout) == 0;
}

static enum err_code make_resamplers(struct audio_convert *convert, struct err *err)
{
	/* The first only changes the form of samples: it must not mix, so both sides have the same layout. */
	AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
	int rate = convert->rate;
	int rc = swr_alloc_set_opts2(&convert->to_float, &convert->layout, AV_SAMPLE_FMT_FLTP, rate, &convert->layout,
				     convert->format, rate, 0, NULL);
	if (rc >= 0)
		rc = swr_init(convert->to_float);
	if (rc >= 0)
		rc = swr_alloc_set_opts2(&convert->to_rate, &mono, AV_SAMPLE_FMT_S16, AUDIO_RATE, &mono,
					 AV_SAMPLE_FMT_FLT, rate, 0, NULL);
	if (rc >= 0)
		rc = swr_init(convert->to_rate);
	if (rc == AVERROR(ENOMEM))
		return err_set(err, ERR_NO_MEMORY, "no memory to resample audio");
	if (rc < 0)
		return err_set(err, ERR_BAD_MEDIA, "audio of %d channels at %d Hz cannot be resampled",
			       convert->layout.nb_channels, rate);
	return ERR_OK;
}

enum err_code audio_convert_prepare(struct audio_convert *convert, const AVFrame *frame, struct err *err)
{
	audio_convert_done(convert);
	convert->format = (enum AVSampleFormat)frame->format;
	convert->rate = frame->sample_rate;
	/* Channels without places (or with unusual ones) are still channels. */
	if (av_channel_layout_copy(&convert->layout, &frame->ch_layout) < 0)
		return err_set(err, ERR_NO_MEMORY, "no memory to resample audio");
	int lfe = av_channel_layout_index_from_channel(&convert->layout, AV_CHAN_LOW_FREQUENCY);
	audio_mix_init(&convert->mix, convert->layout.nb_channels, convert->rate,
		       convert->layout.nb_channels > 1 ? lfe : -1);
	return make_resamplers(convert, err);
}

/* Bytes of decoders are read-only to us, which swresample's prototype cannot say. */
static const uint8_t **input_of(const AVFrame *frame)
{
	return (const uint8_t **)(uintptr_t)frame->extended_data;
}

enum err_code audio_convert_run(struct audio_convert *convert, const AVFrame *frame, size_t *ret_count, struct err *err)
{
	int n = 0;
	const uint8_t *mono = NULL;
	if (frame) {
		if (reserve_planes(convert, (size_t)frame->nb_samples, err) != ERR_OK)
			return err->code;
		n = swr_convert(convert->to_float, (uint8_t **)convert->planes, frame->nb_samples, input_of(frame),
				frame->nb_samples);
		if (n < 0)
			return err_set(err, ERR_BAD_MEDIA, "the audio could not be resampled");
		audio_mix(&convert->mix, convert->planes, (size_t)n, convert->mono);
		mono = (const uint8_t *)convert->mono;
	}
	int room = swr_get_out_samples(convert->to_rate, n);
	if (room < 0)
		return err_set(err, ERR_BAD_MEDIA, "the audio could not be resampled");
	if (reserve_out(convert, (size_t)room + 1, err) != ERR_OK)
		return err->code;
	uint8_t *out = (uint8_t *)convert->out;
	n = swr_convert(convert->to_rate, &out, room, mono ? &mono : NULL, n);
	if (n < 0)
		return err_set(err, ERR_BAD_MEDIA, "the audio could not be resampled");
	*ret_count = (size_t)n;
	return ERR_OK;
}

enum err_code audio_convert_silence(struct audio_convert *convert, size_t count, struct err *err)
{
	if (reserve_out(convert, count, err) != ERR_OK)
		return err->code;
	memset(convert->out, 0, count * sizeof *convert->out);
	return ERR_OK;
}

void audio_convert_done(struct audio_convert *convert)
{
	swr_free(&convert->to_float);
	swr_free(&convert->to_rate);
	av_channel_layout_uninit(&convert->layout);
	free(convert->planes[0]);
	free(convert->mono);
	free(convert->out);
	memset(convert, 0, sizeof *convert);
}
