/*
 * Many channels become one voice: the average of those that carry signal, so that a voice in one of two or six
 * channels is not drowned by silence. Which ones do is followed as the recording goes on, and the weights glide. Two
 * channels that cancel each other out (one of them with its wires crossed) are not summed.
 *
 * One thread at a time.
 */
#ifndef TIRO_MEDIA_AUDIO_MIX_H
#define TIRO_MEDIA_AUDIO_MIX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"

struct audio_mix {
	int channels;
	int rate;
	int ignored; /* channel that carries no voice by its layout (LFE); -1: none */
	bool started;
	float energy[LIMIT_AUDIO_CHANNELS]; /* recent loudness of each channel, mean square */
	float sum_energy; /* recent loudness of the plain average of those that carry signal */
	float gain[LIMIT_AUDIO_CHANNELS]; /* at the end of the last block */
};

void audio_mix_init(struct audio_mix *mix, int channels, int rate, int ignored);

/* Mixes `count` samples of each channel into `out`. Values that are no numbers count as 0. `planes` are changed
 * in that way only. */
void audio_mix(struct audio_mix *mix, float *const *planes, size_t count, float *out);

#endif
