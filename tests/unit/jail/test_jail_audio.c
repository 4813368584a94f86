/* The real jail program over recordings; the speech detector is one that takes everything for speech. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "jail_run.h"
#include "recordings.h"

static const float half[] = { 0.5F };

static void make_tone(struct recording *recording, double seconds)
{
	struct recording_tone tone = { .rate = 16000, .channels = 1, .amplitude = half, .hz = 440, .seconds = seconds };
	recording_tone(recording, &tone);
}

static void check_tone(const struct jail_run *run, double seconds)
{
	assert_int_equal(run->why.code, ERR_OK);
	assert_int_equal(run->ends, 1);
	assert_int_equal(run->infos, 1);
	assert_string_equal(run->info.codec, "pcm_s16le");
	assert_int_equal(run->info.channels, 1);
	assert_int_equal(run->info.sample_rate, 16000);
	assert_int_equal(run->duration_us, (int64_t)(seconds * 1e6));
	assert_int_equal(run->last_source, (int64_t)(seconds * AUDIO_RATE));
	assert_true(run->samples >= run->last_source);
}

static void a_recording_comes_out_in_parts(void **state)
{
	(void)state;
	cleanup_recording struct recording recording;
	make_tone(&recording, 45);
	struct jail_run run = { 0 };
	jail_run(&run, &recording.input);
	check_tone(&run, 45);
	assert_true(run.parts >= 2);
	assert_true(run.pid > 0);
}

static void a_probe_tells_the_length_and_sends_no_parts(void **state)
{
	(void)state;
	cleanup_recording struct recording recording;
	make_tone(&recording, 45);
	struct jail_run run = { .is_probe = true };
	jail_run(&run, &recording.input);
	assert_int_equal(run.why.code, ERR_OK);
	assert_int_equal(run.ends, 1);
	assert_int_equal(run.infos, 1);
	assert_int_equal(run.parts, 0);
	assert_int_equal(run.duration_us, 45 * US_PER_S);
	/* The head is enough. */
	assert_true(recording.reads * (int64_t)LIMIT_RANGE_BYTES < (int64_t)recording.input.size);
}

static void a_probe_of_what_is_no_recording_says_why(void **state)
{
	(void)state;
	cleanup_recording struct recording recording = { .bytes = STRBUF_INIT(4096) };
	strbuf_add_str(&recording.bytes, "this is not a recording, whatever its name says");
	recording_ready(&recording);
	struct jail_run run = { .is_probe = true };
	jail_run(&run, &recording.input);
	assert_int_equal(run.ends, 1);
	assert_int_equal(run.why.code, ERR_BAD_MEDIA);
}

static void ranges_may_be_answered_later(void **state)
{
	(void)state;
	cleanup_recording struct recording recording;
	make_tone(&recording, 45);
	struct jail_run run = { .answer_later = true };
	jail_run(&run, &recording.input);
	check_tone(&run, 45);
}

static void no_more_parts_come_ahead_than_are_taken(void **state)
{
	(void)state;
	cleanup_recording struct recording recording;
	make_tone(&recording, 150);
	struct jail_run run = { .hold_parts = true };
	jail_run(&run, &recording.input);
	check_tone(&run, 150);
	assert_true(run.parts > JAIL_PARTS_AHEAD);
	assert_int_equal(run.most_waiting, JAIL_PARTS_AHEAD);
}

static void as_many_parts_come_ahead_as_were_asked_for(void **state)
{
	(void)state;
	cleanup_recording struct recording recording;
	make_tone(&recording, 200);
	struct jail_run run = { .hold_parts = true, .parts_ahead = 6 };
	jail_run(&run, &recording.input);
	check_tone(&run, 200);
	assert_true(run.parts > 6);
	assert_int_equal(run.most_waiting, 6);
}

static void a_jail_may_be_closed_in_a_callback(void **state)
{
	(void)state;
	cleanup_recording struct recording recording;
	make_tone(&recording, 45);
	struct jail_run run = { .close_at_part = 1 };
	jail_run(&run, &recording.input);
	assert_int_equal(run.parts, 1);
	assert_int_equal(run.ends, 0);
}

static void a_range_may_be_answered_after_the_jail_was_closed(void **state)
{
	(void)state;
	cleanup_recording struct recording recording;
	make_tone(&recording, 45);
	struct jail_run run = { .close_at_read = 2, .answer_later = true };
	jail_run(&run, &recording.input);
	assert_int_equal(run.ends, 0);
}

static void a_file_that_cannot_be_read_any_more_ends_with_that_reason(void **state)
{
	(void)state;
	cleanup_recording struct recording recording;
	make_tone(&recording, 45);
	struct jail_run run = { .fail_read = 7 };
	jail_run(&run, &recording.input);
	assert_int_equal(run.ends, 1);
	assert_int_equal(run.why.code, ERR_IO);
	assert_string_equal(run.why.message, "the disk is on fire");
}

static void text_is_refused_with_a_reason(void **state)
{
	(void)state;
	cleanup_recording struct recording recording = { .bytes = STRBUF_INIT(4096) };
	for (int i = 0; i < 20; i++)
		strbuf_add_str(&recording.bytes, "Now is the winter of our discontent\n");
	recording_ready(&recording);
	struct jail_run run = { 0 };
	jail_run(&run, &recording.input);
	assert_int_equal(run.ends, 1);
	assert_int_equal(run.infos, 0);
	assert_int_equal(run.why.code, ERR_BAD_MEDIA);
	assert_string_equal(run.why.message, "this is not a recording of a kind that can be read");
}

static void a_playlist_is_refused_by_name(void **state)
{
	(void)state;
	cleanup_recording struct recording recording = { .bytes = STRBUF_INIT(4096) };
	strbuf_add_str(&recording.bytes, "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/hostname\n");
	recording_ready(&recording);
	struct jail_run run = { 0 };
	jail_run(&run, &recording.input);
	assert_int_equal(run.why.code, ERR_BAD_MEDIA);
	assert_non_null(strstr(run.why.message, "playlist"));
}

static void a_track_that_is_not_there_is_named(void **state)
{
	(void)state;
	cleanup_recording struct recording recording;
	make_tone(&recording, 1);
	struct jail_run run = { .audio_track = 3 };
	jail_run(&run, &recording.input);
	assert_int_equal(run.why.code, ERR_INVALID);
	assert_string_equal(run.why.message, "the recording has 1 audio track, there is no track 3");
}

static void an_empty_file_is_named(void **state)
{
	(void)state;
	cleanup_recording struct recording recording = { .bytes = STRBUF_INIT(4096) };
	recording_ready(&recording);
	struct jail_run run = { 0 };
	jail_run(&run, &recording.input);
	assert_int_equal(run.why.code, ERR_BAD_MEDIA);
	assert_string_equal(run.why.message, "the file is empty");
}

static void a_second_track_can_be_chosen(void **state)
{
	(void)state;
	char path[PATH_MAX];
	if (!recording_sample_path("speech/formats/two-audio-tracks.mkv", path))
		skip();
	cleanup_recording struct recording recording;
	recording_load(&recording, path);
	struct jail_run first = { .audio_track = 1 };
	struct jail_run second = { .audio_track = 2 };
	jail_run(&first, &recording.input);
	jail_run(&second, &recording.input);
	assert_int_equal(first.why.code, ERR_OK);
	assert_int_equal(second.why.code, ERR_OK);
	assert_int_equal(second.info.audio_tracks, 2);
}

/* What each of the broken samples ends with: sound of this many seconds, or (below 0) a reason. */
static void broken_files_end_the_same_way_in_the_jail(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		double seconds;
	} rows[] = {
		{ "corrupt-frames.mp3", 10.7 },	  { "corrupt-pages.opus", 0.0 },   { "ffconcat-named.wav", -1 },
		{ "html-renamed.mp3", -1 },	  { "id3-huge-tag.mp3", -1 },	   { "image-renamed.wav", -1 },
		{ "m3u8-named.mp3", -1 },	  { "random-bytes.ogg", -1 },	   { "text-renamed.wav", -1 },
		{ "truncated-header.wav", -1 },	  { "truncated.flac", 3.1 },	   { "truncated.m4a", -1 },
		{ "truncated.mp3", 4.3 },	  { "video-no-audio.mp4", -1 },	   { "wav-50ms.wav", 0.05 },
		{ "wav-65535-channels.wav", -1 }, { "wav-absurd-sizes.wav", 1.0 }, { "wav-huge-fmt-chunk.wav", -1 },
		{ "wav-no-samples.wav", -1 },	  { "wav-one-sample.wav", 0.0 },   { "wav-zero-bits.wav", -1 },
		{ "wav-zero-rate.wav", -1 },	  { "zero-byte.mp3", -1 },	   { "zero-byte.wav", -1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char path[PATH_MAX];
		char name[128];
		(void)snprintf(name, sizeof name, "speech/broken/%s", rows[i].name);
		if (!recording_sample_path(name, path))
			skip();
		cleanup_recording struct recording recording;
		recording_load(&recording, path);
		struct jail_run run = { 0 };
		jail_run(&run, &recording.input);
		print_message("%-24s %s %s\n", rows[i].name, err_name(run.why.code), run.why.message);
		assert_int_equal(run.ends, 1);
		assert_int_equal(run.why.code, rows[i].seconds < 0 ? ERR_BAD_MEDIA : ERR_OK);
		if (rows[i].seconds >= 0)
			assert_float_equal((float)run.duration_us / 1e6F, (float)rows[i].seconds, 0.1F);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recording_comes_out_in_parts),
		cmocka_unit_test(a_probe_tells_the_length_and_sends_no_parts),
		cmocka_unit_test(a_probe_of_what_is_no_recording_says_why),
		cmocka_unit_test(ranges_may_be_answered_later),
		cmocka_unit_test(no_more_parts_come_ahead_than_are_taken),
		cmocka_unit_test(as_many_parts_come_ahead_as_were_asked_for),
		cmocka_unit_test(a_jail_may_be_closed_in_a_callback),
		cmocka_unit_test(a_range_may_be_answered_after_the_jail_was_closed),
		cmocka_unit_test(a_file_that_cannot_be_read_any_more_ends_with_that_reason),
		cmocka_unit_test(text_is_refused_with_a_reason),
		cmocka_unit_test(a_playlist_is_refused_by_name),
		cmocka_unit_test(a_track_that_is_not_there_is_named),
		cmocka_unit_test(an_empty_file_is_named),
		cmocka_unit_test(a_second_track_can_be_chosen),
		cmocka_unit_test(broken_files_end_the_same_way_in_the_jail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
