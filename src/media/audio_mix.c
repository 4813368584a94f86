#include "media/audio_mix.h"

#include <math.h>

/* A channel 40 dB below the loudest, or below -80 dBFS, carries no signal. */
static const float RELATIVE_FLOOR = 1e-4F;
static const float ABSOLUTE_FLOOR = 1e-8F;
/* An average 20 dB below its channels has cancelled itself out. */
static const float CANCEL_RATIO = 1e-2F;
/* A channel is remembered this long after it fell silent: longer than a breath or a change of speakers. */
static const float MEMORY_S = 10.0F;

void audio_mix_init(struct audio_mix *mix, int channels, int rate, int ignored)
{
	*mix = (struct audio_mix){ .channels = channels, .rate = rate, .ignored = ignored };
}

/* Mean square of a channel, whose non-numbers become silence. */
static float clean_and_measure(float *samples, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++) {
		if (!isfinite(samples[i]))
			samples[i] = 0;
		sum += (double)samples[i] * samples[i];
	}
	return (float)(sum / (double)count);
}

static float remember(float energy, float now, float decay)
{
	return now > energy * decay ? now : energy * decay;
}

static float measure_average(float *const *planes, const bool *active, int channels, size_t count)
{
	double total = 0;
	int n = 0;
	for (int c = 0; c < channels; c++)
		n += active[c];
	for (size_t i = 0; i < count; i++) {
		double sum = 0;
		for (int c = 0; c < channels; c++)
			sum += active[c] ? (double)planes[c][i] : 0;
		total += sum * sum;
	}
	return (float)(total / ((double)count * n * n));
}

/* Decides which channels count; returns how many. */
static int choose(struct audio_mix *mix, float *const *planes, size_t count, bool *active)
{
	float decay = expf(-(float)count / ((float)mix->rate * MEMORY_S));
	float loudest = 0;
	int best = 0;
	for (int c = 0; c < mix->channels; c++) {
		mix->energy[c] = remember(mix->energy[c], clean_and_measure(planes[c], count), decay);
		if (c != mix->ignored && mix->energy[c] > loudest) {
			loudest = mix->energy[c];
			best = c;
		}
	}
	int n = 0;
	float sum = 0;
	for (int c = 0; c < mix->channels; c++) {
		active[c] = c != mix->ignored && mix->energy[c] > ABSOLUTE_FLOOR &&
			    mix->energy[c] > loudest * RELATIVE_FLOOR;
		n += active[c];
		sum += active[c] ? mix->energy[c] : 0;
	}
	if (n < 2)
		return n;
	mix->sum_energy = remember(mix->sum_energy, measure_average(planes, active, mix->channels, count), decay);
	if (mix->sum_energy > sum / (float)n * CANCEL_RATIO)
		return n;
	for (int c = 0; c < mix->channels; c++)
		active[c] = c == best;
	return 1;
}

static void add_channel(const float *samples, size_t count, float from, float to, float *out)
{
	float step = (to - from) / (float)count;
	for (size_t i = 0; i < count; i++)
		out[i] += samples[i] * (from + step * (float)(i + 1));
}

void audio_mix(struct audio_mix *mix, float *const *planes, size_t count, float *out)
{
	bool active[LIMIT_AUDIO_CHANNELS];
	if (count == 0)
		return;
	int n = choose(mix, planes, count, active);
	for (size_t i = 0; i < count; i++)
		out[i] = 0;
	for (int c = 0; c < mix->channels; c++) {
		/* All silent: an equal share each, ready for whichever speaks first. */
		float target = n == 0 ? 1.0F / (float)mix->channels : active[c] ? 1.0F / (float)n : 0;
		float from = mix->started ? mix->gain[c] : target;
		if (from != 0 || target != 0)
			add_channel(planes[c], count, from, target, out);
		mix->gain[c] = target;
	}
	mix->started = true;
}
