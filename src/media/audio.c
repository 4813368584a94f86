#include "media/audio_priv.h"

#include <libavutil/avutil.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "media/audio_formats.h"

/* FFmpeg's reads from us. */
enum { IO_BUFFER_BYTES = 32 * 1024 };
/* One allocation by a decoder; audio needs far less. */
#define ALLOCATION_MAX ((size_t)256 * 1024 * 1024)
/* Streams in one container: a film has dozens. */
#define STREAMS_MAX "128"
/* Below it a recording that claims to be too long is believed to lie about its length: no codec of speech that is
 * worth hearing is thinner, bytes per second. */
enum { BELIEVABLE_BYTES_PER_S = 300 };
/* ID3v2: ten bytes of header, the size in four groups of seven bits. */
enum { ID3_HEADER = 10, ID3_TAGS_MAX = 8, ID3_FLAG_FOOTER = 0x10 };

static void silence_log(void *ctx, int level, const char *format, va_list args)
{
	(void)ctx;
	(void)level;
	(void)format;
	(void)args;
}

enum err_code audio_fail(struct media_audio *audio, int av_error, enum err_code code, const char *text, struct err *err)
{
	if (audio->input_error.code != ERR_OK) {
		*err = audio->input_error;
		return audio->input_error.code;
	}
	if (av_error == AVERROR(ENOMEM))
		return err_set(err, ERR_NO_MEMORY, "no memory to decode the recording");
	return err_set(err, code, "%s", text);
}

/* -- bytes ----------------------------------------------------------------------------------------- */

static int read_bytes(void *opaque, uint8_t *buffer, int size)
{
	struct media_audio *audio = opaque;
	size_t n = 0;
	if (audio->input_error.code != ERR_OK)
		return AVERROR(EIO);
	if (audio->input->read(audio->input->ctx, audio->origin + audio->position, buffer, (size_t)size, &n,
			       &audio->input_error) != ERR_OK)
		return AVERROR(EIO);
	audio->position += n;
	audio->opening_bytes += audio->is_open ? 0 : n;
	if (audio->opening_bytes > LIMIT_AUDIO_HEADER_BYTES) {
		(void)err_set(&audio->input_error, ERR_TOO_BIG, "the recording's header has no end within %llu MiB",
			      (unsigned long long)(LIMIT_AUDIO_HEADER_BYTES >> 20));
		return AVERROR(EIO);
	}
	return n > 0 ? (int)n : AVERROR_EOF;
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
	struct media_audio *audio = opaque;
	int64_t size = (int64_t)(audio->input->size - audio->origin);
	if (whence == AVSEEK_SIZE)
		return size;
	whence &= ~AVSEEK_FORCE;
	int64_t base = whence == SEEK_CUR ? (int64_t)audio->position : whence == SEEK_END ? size : 0;
	if ((whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) || offset < -base ||
	    offset > INT64_MAX - base)
		return AVERROR(EINVAL);
	audio->position = (uint64_t)(base + offset);
	/* Beyond the end there is nothing to read; the sum with origin stays far from overflow. */
	if (audio->position > (uint64_t)size)
		audio->position = (uint64_t)size;
	return base + offset;
}

/* Steps over ID3v2 tags before the recording: a cover of megabytes hides the sound from FFmpeg's probe. */
static enum err_code skip_tags(struct media_audio *audio, struct err *err)
{
	const struct media_input *input = audio->input;
	for (int i = 0; i < ID3_TAGS_MAX; i++) {
		unsigned char h[ID3_HEADER];
		size_t n;
		if (input->read(input->ctx, audio->origin, h, sizeof h, &n, err) != ERR_OK)
			return err->code;
		if (n < sizeof h || memcmp(h, "ID3", 3) != 0 || ((h[6] | h[7] | h[8] | h[9]) & 0x80))
			return ERR_OK;
		uint64_t size = ((uint64_t)h[6] << 21) + ((uint64_t)h[7] << 14) + ((uint64_t)h[8] << 7) + h[9];
		size += (h[5] & ID3_FLAG_FOOTER) ? 2 * sizeof h : sizeof h;
		if (size >= input->size - audio->origin)
			return ERR_OK; /* the tag lies: FFmpeg looks for frames behind it */
		audio->origin += size;
	}
	return ERR_OK;
}

/* -- container ------------------------------------------------------------------------------------- */

/* A container that refers to other files gets none. */
static int refuse_open(AVFormatContext *s, AVIOContext **pb, const char *url, int flags, AVDictionary **options)
{
	(void)s;
	(void)pb;
	(void)url;
	(void)flags;
	(void)options;
	return AVERROR(EPERM);
}

static enum err_code probe(struct media_audio *audio, const AVInputFormat **ret, struct err *err)
{
	const AVInputFormat *format = NULL;
	int rc = av_probe_input_buffer2(audio->io, &format, "", NULL, 0, 0);
	if (rc < 0 || !format)
		return audio_fail(audio, rc, ERR_BAD_MEDIA, "this is not a recording of a kind that can be read", err);
	if (audio_format_is_playlist(format))
		return err_set(err, ERR_BAD_MEDIA,
			       "this is a playlist that points at other files: give the recordings themselves");
	if (!audio_format_is_allowed(format))
		return err_set(err, ERR_BAD_MEDIA,
			       "this is not a recording of a kind that can be read (it looks like "
			       "\"%s\")",
			       format->name);
	*ret = format;
	return ERR_OK;
}

static enum err_code open_io(struct media_audio *audio, struct err *err)
{
	unsigned char *buffer = av_malloc(IO_BUFFER_BYTES);
	if (buffer)
		audio->io = avio_alloc_context(buffer, IO_BUFFER_BYTES, 0, audio, read_bytes, NULL, seek_bytes);
	audio->container = avformat_alloc_context();
	audio->packet = av_packet_alloc();
	audio->frame = av_frame_alloc();
	if (!audio->io)
		av_free(buffer);
	if (!audio->io || !audio->container || !audio->packet || !audio->frame)
		return err_set(err, ERR_NO_MEMORY, "no memory to open the recording");
	audio->container->pb = audio->io;
	audio->container->flags |= AVFMT_FLAG_CUSTOM_IO; /* closing leaves the io to us */
	audio->container->io_open = refuse_open;
	return ERR_OK;
}

static enum err_code open_container(struct media_audio *audio, struct err *err)
{
	const AVInputFormat *format = NULL;
	if (probe(audio, &format, err) != ERR_OK)
		return err->code;
	struct strbuf codecs = STRBUF_INIT(16 * 1024);
	audio_codec_list(&codecs);
	AVDictionary *options = NULL;
	int rc = strbuf_check(&codecs, "the list of codecs", err) == ERR_OK ? 0 : AVERROR(ENOMEM);
	if (rc >= 0)
		rc = av_dict_set(&options, "codec_whitelist", strbuf_str(&codecs), 0);
	if (rc >= 0)
		rc = av_dict_set(&options, "format_whitelist", format->name, 0);
	if (rc >= 0)
		rc = av_dict_set(&options, "protocol_whitelist", "", 0);
	if (rc >= 0)
		rc = av_dict_set(&options, "max_streams", STREAMS_MAX, 0);
	/* On failure this frees the container. */
	if (rc >= 0)
		rc = avformat_open_input(&audio->container, "", format, &options);
	av_dict_free(&options);
	strbuf_done(&codecs);
	if (rc < 0)
		return audio_fail(audio, rc, ERR_BAD_MEDIA, "the recording's header is damaged or cut off", err);
	rc = avformat_find_stream_info(audio->container, NULL);
	/* Not knowing everything about every stream is no failure; what is chosen is checked below. */
	if (rc == AVERROR(ENOMEM) || audio->input_error.code != ERR_OK)
		return audio_fail(audio, rc, ERR_BAD_MEDIA, "the recording is damaged", err);
	audio->is_open = true;
	return ERR_OK;
}

/* -- track ----------------------------------------------------------------------------------------- */

static const AVCodec *decoder_of(const AVStream *stream)
{
	const AVCodec *codec = avcodec_find_decoder(stream->codecpar->codec_id);
	return codec && audio_codec_is_allowed(codec) ? codec : NULL;
}

/* The track by the rule of media_audio_open; NULL where there is none. Counts the audio tracks. */
static AVStream *choose_stream(struct media_audio *audio, uint32_t track)
{
	AVStream *first = NULL;
	AVStream *marked = NULL;
	AVStream *asked = NULL;
	for (unsigned i = 0; i < audio->container->nb_streams; i++) {
		AVStream *stream = audio->container->streams[i];
		if (stream->codecpar->codec_type != AVMEDIA_TYPE_AUDIO)
			continue;
		audio->info.tracks++;
		if ((uint32_t)audio->info.tracks == track)
			asked = stream;
		if (!decoder_of(stream))
			continue;
		if (!first)
			first = stream;
		if (!marked && (stream->disposition & AV_DISPOSITION_DEFAULT))
			marked = stream;
	}
	if (track > 0)
		return asked;
	return marked ? marked : first;
}

static enum err_code select_stream(struct media_audio *audio, uint32_t track, struct err *err)
{
	audio->stream = choose_stream(audio, track);
	if (audio->info.tracks == 0)
		return err_set(err, ERR_BAD_MEDIA, "the file has no audio track");
	if (!audio->stream && track > 0)
		return err_set(err, ERR_INVALID, "the recording has %d audio track%s, there is no track %u",
			       audio->info.tracks, audio->info.tracks == 1 ? "" : "s", track);
	if (!audio->stream || !decoder_of(audio->stream))
		return err_set(err, ERR_BAD_MEDIA, "the recording's audio is of a kind that cannot be decoded");
	for (unsigned i = 0; i < audio->container->nb_streams; i++) {
		if (audio->container->streams[i] != audio->stream)
			audio->container->streams[i]->discard = AVDISCARD_ALL;
	}
	return ERR_OK;
}

static enum err_code check_header(const AVCodecParameters *parameters, struct err *err)
{
	if (parameters->sample_rate < LIMIT_AUDIO_SOURCE_RATE_MIN || parameters->sample_rate > LIMIT_AUDIO_SOURCE_RATE)
		return err_set(err, ERR_BAD_MEDIA, "the recording claims a sample rate of %d Hz, %d to %d can be read",
			       parameters->sample_rate, LIMIT_AUDIO_SOURCE_RATE_MIN, LIMIT_AUDIO_SOURCE_RATE);
	int channels = parameters->ch_layout.nb_channels;
	if (channels < 1 || channels > LIMIT_AUDIO_CHANNELS)
		return err_set(err, ERR_BAD_MEDIA, "the recording claims %d channels, 1 to %d can be read", channels,
			       LIMIT_AUDIO_CHANNELS);
	return ERR_OK;
}

static enum err_code open_decoder(struct media_audio *audio, struct err *err)
{
	if (check_header(audio->stream->codecpar, err) != ERR_OK)
		return err->code;
	const AVCodec *codec = decoder_of(audio->stream);
	audio->decoder = avcodec_alloc_context3(codec);
	if (!audio->decoder)
		return err_set(err, ERR_NO_MEMORY, "no memory to decode the recording");
	int rc = avcodec_parameters_to_context(audio->decoder, audio->stream->codecpar);
	if (rc >= 0) {
		audio->decoder->pkt_timebase = audio->stream->time_base;
		audio->decoder->thread_count = 1;
		audio->decoder->max_samples = AUDIO_FRAME_SAMPLES_MAX;
		rc = avcodec_open2(audio->decoder, codec, NULL);
	}
	if (rc < 0)
		return audio_fail(audio, rc, ERR_BAD_MEDIA, "the recording's audio header is damaged", err);
	return ERR_OK;
}

/* -- facts ----------------------------------------------------------------------------------------- */

/* The container's claim, or -1: a claim that the bytes that are there cannot hold is none. */
static int64_t believable_duration(const struct media_audio *audio)
{
	int64_t us = audio->container->duration;
	if (audio->stream->duration > 0 && audio->stream->duration != AV_NOPTS_VALUE)
		us = av_rescale_q(audio->stream->duration, audio->stream->time_base, AV_TIME_BASE_Q);
	if (us == AV_NOPTS_VALUE || us <= 0)
		return -1;
	const AVCodecParameters *p = audio->stream->codecpar;
	int bits = av_get_bits_per_sample(p->codec_id);
	if (bits <= 0)
		return us;
	double bytes_per_s = (double)bits / 8 * p->ch_layout.nb_channels * p->sample_rate;
	double most_us = (double)audio->input->size / bytes_per_s * (double)US_PER_S;
	return (double)us > most_us ? (int64_t)most_us : us;
}

static enum err_code gather_info(struct media_audio *audio, struct err *err)
{
	struct media_audio_info *info = &audio->info;
	info->channels = audio->stream->codecpar->ch_layout.nb_channels;
	info->sample_rate = audio->stream->codecpar->sample_rate;
	const char *name = avcodec_get_name(audio->stream->codecpar->codec_id);
	(void)snprintf(info->codec, sizeof info->codec, "%s", name);
	info->duration_us = believable_duration(audio);
	int64_t max_us = LIMIT_AUDIO_SECONDS * US_PER_S;
	if (info->duration_us > max_us) {
		int64_t bytes_per_s = (int64_t)(audio->input->size / (uint64_t)(info->duration_us / US_PER_S));
		if (bytes_per_s >= BELIEVABLE_BYTES_PER_S)
			return err_set(err, ERR_TOO_BIG, "the recording is %lld hours long, %lld are allowed",
				       (long long)(info->duration_us / US_PER_S / 3600),
				       (long long)(LIMIT_AUDIO_SECONDS / 3600));
		info->duration_us = -1;
	}
	/* A player starts at the earliest of all tracks; sound that sets in later is that much late. */
	int64_t start = audio->stream->start_time;
	int64_t origin = audio->container->start_time;
	if (start == AV_NOPTS_VALUE || origin == AV_NOPTS_VALUE)
		return ERR_OK;
	int64_t late = av_rescale_q(start, audio->stream->time_base, AV_TIME_BASE_Q) - origin;
	info->start_us = late > 0 && late <= max_us ? late : 0;
	return ERR_OK;
}

enum err_code media_audio_open(const struct media_input *input, uint32_t track, struct media_audio **ret,
			       struct err *err)
{
	if (input->size == 0)
		return err_set(err, ERR_BAD_MEDIA, "the file is empty");
	struct media_audio *audio = calloc(1, sizeof *audio);
	if (!audio)
		return err_set(err, ERR_NO_MEMORY, "no memory to open the recording");
	audio->input = input;
	av_log_set_callback(silence_log);
	av_max_alloc(ALLOCATION_MAX);
	if (skip_tags(audio, err) != ERR_OK || open_io(audio, err) != ERR_OK || open_container(audio, err) != ERR_OK ||
	    select_stream(audio, track, err) != ERR_OK || open_decoder(audio, err) != ERR_OK ||
	    gather_info(audio, err) != ERR_OK) {
		media_audio_free(audio);
		return err->code;
	}
	*ret = audio;
	return ERR_OK;
}

void media_audio_free(struct media_audio *audio)
{
	if (!audio)
		return;
	audio_convert_done(&audio->convert);
	avcodec_free_context(&audio->decoder);
	avformat_close_input(&audio->container);
	if (audio->io)
		av_freep(&audio->io->buffer);
	avio_context_free(&audio->io);
	av_packet_free(&audio->packet);
	av_frame_free(&audio->frame);
	free(audio);
}

const struct media_audio_info *media_audio_info(const struct media_audio *audio)
{
	return &audio->info;
}

uint64_t media_audio_damaged(const struct media_audio *audio)
{
	return audio->damaged;
}
