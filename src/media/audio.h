/*
 * Any recording as 16 kHz mono samples: FFmpeg's demuxers and decoders over a media_input, an explicit list of both
 * (audio_formats.c), one thread, memory that does not depend on the recording's length. Video is thrown away without
 * being decoded. Damaged stretches are left out and counted; missing time is filled with silence, so that
 * a sample's position is its time.
 *
 * One thread at a time. FFmpeg's log is silenced for the whole process.
 */
#ifndef TIRO_MEDIA_AUDIO_H
#define TIRO_MEDIA_AUDIO_H

#include <stdint.h>

#include "base/err.h"
#include "media/input.h"

struct media_audio_info {
	int64_t duration_us; /* what the container says where that is believable, else -1 */
	int64_t start_us; /* the first sample's time against the file's start; >= 0 */
	int channels;
	int sample_rate;
	int tracks; /* with audio */
	char codec[32];
};

struct media_audio;

/*
 * Opens a recording; `track` counts audio tracks from 1, 0 takes the one marked as default, else the first.
 * `input` is borrowed until media_audio_free. Errors, in words for the user: ERR_BAD_MEDIA, ERR_INVALID (no such
 * track), ERR_TOO_BIG, ERR_NO_MEMORY, and whatever the input's read returns.
 */
enum err_code media_audio_open(const struct media_input *input, uint32_t track, struct media_audio **ret,
			       struct err *err) MUST_CHECK;
void media_audio_free(struct media_audio *audio);

const struct media_audio_info *media_audio_info(const struct media_audio *audio);

/*
 * How long the recording is, without decoding it: what the container measured, else (its header is silent, or guesses
 * from the bit rate) the time that its packets span, which reads the whole file. Nothing can be read after. An
 * estimate: only decoding tells. Errors: ERR_BAD_MEDIA (no packet), ERR_TOO_BIG, and whatever the input's read returns.
 */
enum err_code media_audio_length(struct media_audio *audio, int64_t *ret_us, struct err *err) MUST_CHECK;

/*
 * The next samples, mono at AUDIO_RATE; *ret_count is 0 at the end. Borrowed until the next call.
 * Errors as for opening; ERR_BAD_MEDIA where the recording ended and not a single sample could be decoded.
 */
enum err_code media_audio_read(struct media_audio *audio, const int16_t **ret_samples, size_t *ret_count,
			       struct err *err) MUST_CHECK;

/* Stretches that could not be decoded so far. */
uint64_t media_audio_damaged(const struct media_audio *audio);

#endif
