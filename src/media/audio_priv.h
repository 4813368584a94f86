/* What audio.c (opening), audio_read.c (decoding) and audio_convert.c (samples) share; for them only. */
#ifndef TIRO_MEDIA_AUDIO_PRIV_H
#define TIRO_MEDIA_AUDIO_PRIV_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>
#include <stdbool.h>

#include "media/audio.h"
#include "media/audio_mix.h"

/* A decoded frame's samples, FLAC's largest is 65535; above it a header lies. */
enum { AUDIO_FRAME_SAMPLES_MAX = 1 << 20 };
/* Read errors in a row before the rest of a file is given up. */
enum { AUDIO_FAILED_READS_MAX = 64 };

/* From the decoder's form of samples to ours: to planes of float, mixed to one, to 16 kHz in 16 bits. */
struct audio_convert {
	struct SwrContext *to_float;
	struct SwrContext *to_rate;
	AVChannelLayout layout;
	enum AVSampleFormat format;
	int rate;
	struct audio_mix mix;
	float *planes[LIMIT_AUDIO_CHANNELS]; /* owned by planes[0] */
	float *mono; /* owned */
	size_t capacity; /* samples in each of them */
	int16_t *out; /* owned; what came out last */
	size_t out_capacity;
};

struct media_audio {
	const struct media_input *input; /* borrowed */
	uint64_t origin; /* bytes before the recording: a tag that was stepped over */
	uint64_t position; /* of FFmpeg's reading, after origin */
	uint64_t opening_bytes; /* read so far to open the container */
	bool is_open;
	struct err input_error; /* what reading the file failed with, ERR_OK if it did not */
	AVIOContext *io;
	AVFormatContext *container;
	AVCodecContext *decoder;
	AVStream *stream;
	AVPacket *packet;
	AVFrame *frame;
	struct audio_convert convert;
	struct media_audio_info info;
	bool draining; /* the container is at its end */
	bool ended;
	bool has_clock; /* first_pts is set */
	int64_t first_pts_us;
	/* Time of what was decoded so far, filled gaps with it: a base, and samples since then at convert.rate. Samples
	 * are counted, not microseconds: rounding each frame would drift by seconds in a day. */
	int64_t base_us;
	int64_t base_samples;
	int64_t gap_samples; /* silence that is still owed, at AUDIO_RATE */
	uint64_t out_samples;
	uint64_t decoded_frames;
	uint64_t damaged;
	int failed_reads; /* one after the other */
};

/* Sets the error for one of FFmpeg's: what the input said comes first, memory second, else `code` and the text. */
enum err_code audio_fail(struct media_audio *audio, int av_error, enum err_code code, const char *text,
			 struct err *err);

/* Ready for frames like this one; a change of form in mid-stream is fine. Errors: ERR_BAD_MEDIA, ERR_NO_MEMORY. */
enum err_code audio_convert_prepare(struct audio_convert *convert, const AVFrame *frame, struct err *err) MUST_CHECK;
bool audio_convert_fits(const struct audio_convert *convert, const AVFrame *frame);
/* Converts a frame, or what the resampler still holds (NULL), to convert->out; *ret_count may be 0. */
enum err_code audio_convert_run(struct audio_convert *convert, const AVFrame *frame, size_t *ret_count, struct err *err)
	MUST_CHECK;
/* `count` samples of silence in convert->out. */
enum err_code audio_convert_silence(struct audio_convert *convert, size_t count, struct err *err) MUST_CHECK;
void audio_convert_done(struct audio_convert *convert);

#endif
