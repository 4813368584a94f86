/* Every recording of the shared samples, well-formed and broken, through the decoder. */
#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "media/audio.h"
#include "recordings.h"

struct outcome {
	struct err err;
	struct media_audio_info info;
	double seconds;
	double length; /* as media_audio_length has it; negative: it failed */
	double rms;
	int peak;
	uint64_t damaged;
};

static double measure(const struct recording *recording)
{
	struct media_audio *audio;
	struct err err;
	int64_t us = -1;
	if (media_audio_open(&recording->input, 0, &audio, &err) != ERR_OK)
		return -1;
	enum err_code code = media_audio_length(audio, &us, &err);
	media_audio_free(audio);
	return code == ERR_OK ? (double)us / 1e6 : -1;
}

static void decode(const char *path, uint32_t track, struct outcome *ret)
{
	cleanup_recording struct recording recording;
	recording_load(&recording, path);
	struct media_audio *audio;
	*ret = (struct outcome){ .length = measure(&recording) };
	if (media_audio_open(&recording.input, track, &audio, &ret->err) != ERR_OK)
		return;
	ret->info = *media_audio_info(audio);
	double sum = 0;
	uint64_t total = 0;
	for (;;) {
		const int16_t *samples;
		size_t count;
		if (media_audio_read(audio, &samples, &count, &ret->err) != ERR_OK || count == 0)
			break;
		for (size_t i = 0; i < count; i++) {
			sum += (double)samples[i] * samples[i];
			ret->peak = abs(samples[i]) > ret->peak ? abs(samples[i]) : ret->peak;
		}
		total += count;
	}
	ret->seconds = (double)total / AUDIO_RATE;
	ret->rms = total > 0 ? sqrt(sum / (double)total) : 0;
	ret->damaged = media_audio_damaged(audio);
	media_audio_free(audio);
}

static void for_each_file(const char *folder, void (*visit)(const char *name, const struct outcome *outcome))
{
	char path[PATH_MAX];
	assert_true(recording_sample_path(folder, path));
	DIR *dir = opendir(path);
	assert_non_null(dir);
	int count = 0;
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (entry->d_name[0] == '.')
			continue;
		char file[PATH_MAX + 256];
		(void)snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
		struct outcome outcome;
		int64_t start = clock_monotonic_us();
		decode(file, 0, &outcome);
		print_message("%-28s %7.2f s (says %6.2f, length %6.2f, starts %.2f) rms %5.0f damaged %llu, %lld ms "
			      "%s: %s\n",
			      entry->d_name, outcome.seconds, (double)outcome.info.duration_us / 1e6, outcome.length,
			      (double)outcome.info.start_us / 1e6, outcome.rms, (unsigned long long)outcome.damaged,
			      (long long)((clock_monotonic_us() - start) / US_PER_MS), err_name(outcome.err.code),
			      outcome.err.message);
		visit(entry->d_name, &outcome);
		count++;
	}
	(void)closedir(dir);
	assert_true(count > 0);
}

/* The clip is 11.0 s long in each of its forms but these. */
static double expected_seconds(const char *name)
{
	if (strcmp(name, "en-jfk-24bit-44k.flac") == 0)
		return 3.0;
	if (strcmp(name, "en-jfk-48k-stereo-f32.wav") == 0)
		return 0.6;
	return strcmp(name, "en-jfk.aiff") == 0 ? 5.0 : 11.0;
}

static void check_format(const char *name, const struct outcome *outcome)
{
	assert_int_equal(outcome->err.code, ERR_OK);
	assert_float_equal(outcome->seconds, expected_seconds(name), 0.12);
	assert_float_equal(outcome->length, expected_seconds(name), 0.12);
	assert_true(outcome->rms > 1000);
	if (outcome->info.duration_us >= 0)
		assert_float_equal((double)outcome->info.duration_us / 1e6, expected_seconds(name), 0.5);
}

static void every_format_gives_the_whole_clip(void **state)
{
	(void)state;
	for_each_file("speech/formats", check_format);
}

/* One plain reason, or whatever could be saved. */
static void check_broken(const char *name, const struct outcome *outcome)
{
	if (outcome->err.code == ERR_OK)
		return;
	assert_true(outcome->err.code == ERR_BAD_MEDIA || outcome->err.code == ERR_TOO_BIG);
	assert_true(strlen(outcome->err.message) > 10);
	assert_null(strstr(outcome->err.message, name));
}

static void every_broken_file_ends_with_sound_or_with_a_reason(void **state)
{
	(void)state;
	for_each_file("speech/broken", check_broken);
}

/* Where the samples are absent the whole program is reported as skipped. */
int main(void)
{
	enum { SKIPPED = 77 };
	char path[PATH_MAX];
	if (!recording_sample_path("speech/formats", path))
		return SKIPPED;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_format_gives_the_whole_clip),
		cmocka_unit_test(every_broken_file_ends_with_sound_or_with_a_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
