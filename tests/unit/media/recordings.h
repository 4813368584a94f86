/*
 * Recordings for tests: the shared samples where they are (TIRO_SAMPLES, else ../shared/samples beside the source
 * tree), and WAV files made here for machines without them.
 */
#ifndef TIRO_TESTS_RECORDINGS_H
#define TIRO_TESTS_RECORDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "media/input.h"

/* A file in memory, as a media_input. */
struct recording {
	struct strbuf bytes;
	struct media_input input;
	int reads; /* how often it was read */
	uint64_t fail_at; /* reads beyond this offset fail; 0: never */
};

/* The path of a sample, "" where the samples are absent. `ret` has PATH_MAX bytes. */
bool recording_sample_path(const char *name, char *ret);

/* Loads a file; fails the test where it is not there. */
void recording_load(struct recording *recording, const char *path);
void recording_done(struct recording *recording);
#define cleanup_recording cleanup(recording_done)

/* Makes recording->input read recording->bytes. */
void recording_ready(struct recording *recording);

/*
 * A WAV file of 16-bit PCM: channel `c` is a sine of `amplitude[c]` (0..1) with `hz`, its sign turned for a
 * negative amplitude.
 */
struct recording_tone {
	int rate;
	int channels;
	const float *amplitude;
	float hz;
	double seconds;
};
void recording_tone(struct recording *recording, const struct recording_tone *tone);

/* Only the 44 bytes of header, with the given fields. */
void recording_wav_header(struct strbuf *out, int channels, int rate, int bits, uint32_t data_bytes);

#endif
