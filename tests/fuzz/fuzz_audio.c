/* A foreign recording: FFmpeg's demuxers and decoders behind media/audio.h, over bytes in memory. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "media/audio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
	const uint8_t *data;
	size_t size;
};

static enum err_code read_bytes(void *ctx, uint64_t offset, void *buffer, size_t len, size_t *ret_len, struct err *err)
{
	const struct bytes *bytes = ctx;
	(void)err;
	size_t left = offset < bytes->size ? bytes->size - (size_t)offset : 0;
	*ret_len = len < left ? len : left;
	if (*ret_len > 0)
		memcpy(buffer, bytes->data + offset, *ret_len);
	return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Ten minutes of sound from one input are enough: more of the same finds nothing new. */
	enum { SAMPLES_MAX = 600 * 16000 };
	struct bytes bytes = { data, size };
	struct media_input input = { .size = size, .read = read_bytes, .ctx = &bytes };
	struct media_audio *audio;
	struct err err;
	if (media_audio_open(&input, 0, &audio, &err) != ERR_OK)
		return 0;
	const int16_t *samples;
	size_t count;
	for (size_t total = 0; total < SAMPLES_MAX; total += count) {
		if (media_audio_read(audio, &samples, &count, &err) != ERR_OK || count == 0)
			break;
	}
	media_audio_free(audio);
	return 0;
}
