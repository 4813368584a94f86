/* Recordings made here: what comes out of the decoder and the mixer. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "media/audio.h"
#include "media/audio_mix.h"
#include "recordings.h"

struct sound {
	struct err err;
	struct media_audio_info info;
	int64_t count;
	double rms;
};

static void decode(struct recording *recording, struct sound *ret)
{
	struct media_audio *audio;
	double sum = 0;
	*ret = (struct sound){ 0 };
	if (media_audio_open(&recording->input, 0, &audio, &ret->err) != ERR_OK)
		return;
	ret->info = *media_audio_info(audio);
	const int16_t *samples;
	size_t count;
	while (media_audio_read(audio, &samples, &count, &ret->err) == ERR_OK && count > 0) {
		for (size_t i = 0; i < count; i++)
			sum += (double)samples[i] * samples[i];
		ret->count += (int64_t)count;
	}
	ret->rms = ret->count > 0 ? sqrt(sum / (double)ret->count) : 0;
	media_audio_free(audio);
}

/* The loudness of a sine of this amplitude in 16 bits. */
static double rms_of(double amplitude)
{
	return amplitude * 32767 / sqrt(2);
}

static void check_channels(int channels, const float *amplitude, int rate, double expected)
{
	cleanup_recording struct recording recording;
	struct recording_tone tone = {
		.rate = rate, .channels = channels, .amplitude = amplitude, .hz = 440, .seconds = 3
	};
	struct sound sound;
	recording_tone(&recording, &tone);
	decode(&recording, &sound);
	assert_int_equal(sound.err.code, ERR_OK);
	assert_int_equal(sound.info.channels, channels);
	assert_int_equal(sound.info.sample_rate, rate);
	assert_int_equal(sound.info.duration_us, 3000000);
	assert_true(llabs(sound.count - (int64_t)3 * AUDIO_RATE) <= 2);
	assert_float_equal(sound.rms, rms_of(expected), rms_of(expected) * 0.03 + 1);
}

static void any_rate_becomes_ours(void **state)
{
	(void)state;
	const float one[] = { 0.5F };
	check_channels(1, one, 8000, 0.5);
	check_channels(1, one, 11025, 0.5);
	check_channels(1, one, 16000, 0.5);
	check_channels(1, one, 44100, 0.5);
	check_channels(1, one, 96000, 0.5);
}

static void a_voice_in_one_channel_stays_as_loud(void **state)
{
	(void)state;
	const float right[] = { 0, 0.5F };
	const float centre[] = { 0, 0, 0.5F, 0, 0, 0 };
	const float left_of_eight[] = { 0.5F, 0, 0, 0, 0, 0, 0, 0 };
	check_channels(2, right, 44100, 0.5);
	check_channels(6, centre, 48000, 0.5);
	check_channels(8, left_of_eight, 48000, 0.5);
}

static void two_channels_are_averaged_and_do_not_clip(void **state)
{
	(void)state;
	const float both[] = { 0.98F, 0.98F };
	check_channels(2, both, 44100, 0.98);
}

static void channels_that_cancel_each_other_are_not_summed(void **state)
{
	(void)state;
	const float crossed[] = { 0.5F, -0.5F };
	check_channels(2, crossed, 44100, 0.5);
}

static void values_that_are_no_numbers_count_as_silence(void **state)
{
	(void)state;
	float left[4] = { 0.5F, NAN, INFINITY, -0.5F };
	float *planes[] = { left };
	float out[4];
	struct audio_mix mix;
	audio_mix_init(&mix, 1, 16000, -1);
	audio_mix(&mix, planes, 4, out);
	assert_float_equal(out[0], 0.5F, 1e-6F);
	assert_float_equal(out[1], 0, 0);
	assert_float_equal(out[2], 0, 0);
	assert_float_equal(out[3], -0.5F, 1e-6F);
}

static void a_header_that_lies_about_its_length_is_not_believed(void **state)
{
	(void)state;
	cleanup_recording struct recording recording = { .bytes = STRBUF_INIT(1 << 20) };
	struct sound sound;
	recording_wav_header(&recording.bytes, 1, 8000, 16, UINT32_MAX - 100);
	for (int i = 0; i < 16000; i++)
		strbuf_add(&recording.bytes, i % 20 < 10 ? "\0\x20" : "\0\xE0", 2);
	recording_ready(&recording);
	decode(&recording, &sound);
	assert_int_equal(sound.err.code, ERR_OK);
	assert_true(sound.info.duration_us < 2100000);
	assert_true(llabs(sound.count - (int64_t)2 * AUDIO_RATE) <= 2);
}

static void check_refused(int channels, int rate, int bits, uint32_t data_bytes)
{
	cleanup_recording struct recording recording = { .bytes = STRBUF_INIT(1 << 20) };
	struct sound sound;
	recording_wav_header(&recording.bytes, channels, rate, bits, data_bytes);
	for (uint32_t i = 0; i < data_bytes; i++)
		strbuf_add_char(&recording.bytes, 'a');
	recording_ready(&recording);
	decode(&recording, &sound);
	assert_int_equal(sound.err.code, ERR_BAD_MEDIA);
	assert_true(strlen(sound.err.message) > 10);
}

static void lying_headers_are_refused(void **state)
{
	(void)state;
	check_refused(65535, 16000, 16, 4000);
	check_refused(100, 16000, 16, 4000);
	check_refused(1, 0, 16, 4000);
	check_refused(1, 2, 8, 4000);
	check_refused(1, 10000000, 16, 4000);
	check_refused(1, 16000, 0, 4000);
	check_refused(1, 16000, 16, 0);
}

/* A WAV file of chunks without content, as far as one reads. */
static enum err_code read_endless_header(void *ctx, uint64_t offset, void *bytes, size_t len, size_t *ret_len,
					 struct err *err)
{
	(void)ctx;
	(void)err;
	static const char start[] = "RIFF\xFF\xFF\xFF\xFFWAVE";
	memset(bytes, 0, len);
	if (offset == 0)
		memcpy(bytes, start, len < sizeof start - 1 ? len : sizeof start - 1);
	*ret_len = len;
	return ERR_OK;
}

static void a_header_without_end_is_given_up(void **state)
{
	(void)state;
	struct media_input input = { .size = (uint64_t)1 << 40, .read = read_endless_header };
	struct media_audio *audio;
	struct err err;
	assert_int_equal(media_audio_open(&input, 0, &audio, &err), ERR_TOO_BIG);
	assert_non_null(strstr(err.message, "header"));
}

static void an_error_of_the_input_is_the_reason(void **state)
{
	(void)state;
	const float one[] = { 0.5F };
	struct recording_tone tone = { .rate = 16000, .channels = 1, .amplitude = one, .hz = 440, .seconds = 60 };
	cleanup_recording struct recording recording;
	struct sound sound;
	recording_tone(&recording, &tone);
	recording.fail_at = 1000000;
	decode(&recording, &sound);
	assert_int_equal(sound.err.code, ERR_IO);
	assert_string_equal(sound.err.message, "the disk is on fire");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_rate_becomes_ours),
		cmocka_unit_test(a_voice_in_one_channel_stays_as_loud),
		cmocka_unit_test(two_channels_are_averaged_and_do_not_clip),
		cmocka_unit_test(channels_that_cancel_each_other_are_not_summed),
		cmocka_unit_test(values_that_are_no_numbers_count_as_silence),
		cmocka_unit_test(a_header_that_lies_about_its_length_is_not_believed),
		cmocka_unit_test(lying_headers_are_refused),
		cmocka_unit_test(a_header_without_end_is_given_up),
		cmocka_unit_test(an_error_of_the_input_is_the_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
