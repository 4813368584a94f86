#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "asr/cues.h"
#include "asr/script.h"
#include "base/utf8.h"
#include "make_transcript.h"

struct seen {
	size_t count;
	int64_t start_us; /* of the last cue */
	int64_t end_us;
	struct strbuf lines; /* "first|second\n" per cue */
	struct strbuf letters; /* all text without spaces */
};

static void check_line(struct seen *seen, const char *line, size_t len)
{
	assert_true(len > 0);
	assert_true(utf8_is_valid(line, len));
	assert_true(utf8_width(line, len) <= CUE_COLUMNS);
	assert_true(line[0] != ' ' && line[len - 1] != ' ');
	size_t n;
	for (size_t i = 0; i < len; i += n) {
		assert_false(script_is_control(utf8_decode(line + i, len - i, &n)));
		if (line[i] != ' ')
			strbuf_add(&seen->letters, line + i, n);
	}
	strbuf_add(&seen->lines, line, len);
}

/* Every rule that each cue must keep. */
static void check_cue(void *ctx, const struct asr_cue *cue)
{
	struct seen *seen = ctx;
	assert_in_range(cue->line_count, 1, CUE_LINES);
	assert_true(cue->start_us >= 0 && cue->start_us % US_PER_MS == 0 && cue->end_us % US_PER_MS == 0);
	assert_true(cue->end_us - cue->start_us >= CUE_FLOOR_US);
	assert_true(cue->end_us - cue->start_us <= CUE_MAX_US);
	if (seen->count > 0)
		assert_true(cue->start_us - seen->end_us >= CUE_GAP_US);
	for (int i = 0; i < cue->line_count; i++) {
		if (i > 0)
			strbuf_add_char(&seen->lines, '|');
		check_line(seen, cue->lines[i], cue->line_len[i]);
	}
	strbuf_add_char(&seen->lines, '\n');
	seen->count++;
	seen->start_us = cue->start_us;
	seen->end_us = cue->end_us;
}

static void seen_init(struct seen *seen)
{
	*seen = (struct seen){ .lines = STRBUF_INIT(1 << 24), .letters = STRBUF_INIT(1 << 24) };
}

static void seen_done(struct seen *seen)
{
	strbuf_done(&seen->lines);
	strbuf_done(&seen->letters);
}

static void shape(const struct asr_transcript *t, struct seen *ret)
{
	struct asr_cues *cues;
	seen_init(ret);
	assert_int_equal(asr_cues_new(t, check_cue, ret, &cues, NULL), ERR_OK);
	asr_cues_end(cues);
	assert_true(asr_cues_ok(cues));
	asr_cues_free(cues);
}

static void expect_lines(const struct asr_transcript *t, const char *lines)
{
	struct seen seen;
	shape(t, &seen);
	assert_string_equal(strbuf_str(&seen.lines), lines);
	seen_done(&seen);
}

static void letters_of(const struct asr_transcript *t, struct strbuf *out)
{
	for (size_t w = 0; w < t->word_count; w++) {
		const char *s = asr_word_text(t, &t->words[w]);
		size_t n;
		for (size_t i = 0; i < t->words[w].text_len; i += n)
			if (!script_is_control(utf8_decode(s + i, t->words[w].text_len - i, &n)) && s[i] != ' ')
				strbuf_add(out, s + i, n);
	}
}

static void random_words_are_all_shown_once_in_order_and_within_the_rules(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 200; seed++) {
		struct asr_transcript t;
		struct strbuf letters = STRBUF_INIT(1 << 24);
		struct seen seen;
		uint32_t random = seed;
		asr_transcript_init(&t);
		add_random(&t, &random, 1 + next_random(&random, 400));
		shape(&t, &seen);
		letters_of(&t, &letters);
		assert_string_equal(strbuf_str(&seen.letters), strbuf_str(&letters));
		seen_done(&seen);
		strbuf_done(&letters);
		asr_transcript_done(&t);
	}
}

static void cues_told_early_are_those_told_at_the_end(void **state)
{
	(void)state;
	struct asr_transcript t;
	struct asr_cues *cues;
	struct seen early;
	struct seen late;
	uint32_t random = 7;
	size_t before_end = 0;
	asr_transcript_init(&t);
	seen_init(&early);
	assert_int_equal(asr_cues_new(&t, check_cue, &early, &cues, NULL), ERR_OK);
	for (int i = 0; i < 60; i++) {
		add_random(&t, &random, 12);
		asr_cues_update(cues);
	}
	before_end = early.count;
	asr_cues_end(cues);
	asr_cues_free(cues);
	shape(&t, &late);
	assert_string_equal(strbuf_str(&early.lines), strbuf_str(&late.lines));
	assert_true(before_end > 0 && before_end + 10 > late.count);
	seen_done(&early);
	seen_done(&late);
	asr_transcript_done(&t);
}

static void a_sentence_ends_its_cue(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	add_sentence(&t, "It was late. We went home.", 0, 400);
	expect_lines(&t, "It was late.\nWe went home.\n");
}

static void a_sentence_too_short_to_read_shares_a_cue(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	add_sentence(&t, "No. No. I will not go there.", 0, 200);
	expect_lines(&t, "No. No. I will not go there.\n");
}

static void a_title_and_an_initial_end_no_sentence(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	add_sentence(&t, "Then Dr. Watson met J. Smith.", 0, 500);
	expect_lines(&t, "Then Dr. Watson met J. Smith.\n");
}

static void lines_break_after_punctuation_and_in_balance(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	add_sentence(&t, "When the train had left the station, nobody said another word.", 0, 400);
	expect_lines(&t, "When the train had left the station,|nobody said another word.\n");
}

static void a_long_sentence_becomes_several_cues_of_like_size(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	add_sentence(&t,
		     "The committee, which had been sitting since the morning, decided that the matter should be put "
		     "off until the members had read the papers that were sent to them.",
		     0, 330);
	expect_lines(&t, "The committee, which had been sitting|since the morning, decided that the matter\n"
			 "should be put off until the members had|read the papers that were sent to them.\n");
}

static void chinese_breaks_between_characters_but_never_before_a_full_stop(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	for (int i = 0; i < 21; i++)
		add_word(&t, "~\u6211", i * 200, i * 200 + 200);
	add_word(&t, "~\u3002", 4200, 4300);
	end_segment(&t);
	struct seen seen;
	shape(&t, &seen);
	assert_int_equal(seen.count, 1);
	assert_non_null(strchr(strbuf_str(&seen.lines), '|'));
	assert_null(strstr(strbuf_str(&seen.lines), "|\u3002"));
	seen_done(&seen);
}

static void right_to_left_text_is_left_alone(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	add_sentence(&t, "\u0633\u0644\u0627\u0645 \u062f\u0648\u0633\u062a \u0645\u0646\u061f", 0, 400);
	expect_lines(&t, "\u0633\u0644\u0627\u0645 \u062f\u0648\u0633\u062a \u0645\u0646\u061f\n");
}

static void words_of_two_segments_are_parted_by_a_space(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	add_sentence(&t, "He went", 0, 300);
	add_sentence(&t, "~home early.", 600, 300);
	expect_lines(&t, "He went home early.\n");
}

static void a_cue_stays_through_the_silence_after_it_as_long_as_reading_takes(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	struct seen seen;
	asr_transcript_init(&t);
	add_sentence(&t, "Forty columns of text are said too fast.", 0, 100);
	t.duration_us = 10 * US_PER_S;
	shape(&t, &seen);
	assert_int_equal(seen.end_us, 2 * US_PER_S); /* 40 columns at 20 a second */
	seen_done(&seen);
}

static void a_long_pause_and_a_new_speaker_end_a_cue(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	add_word(&t, "well", 0, 900);
	add_word(&t, "then", 2500, 3400);
	add_word(&t, "yes", 3400, 4400);
	t.words[0].speaker = t.words[1].speaker = 0;
	t.words[2].speaker = 1;
	end_segment(&t);
	expect_lines(&t, "well\nthen\nyes\n");
}

static void a_word_that_lasts_a_minute_is_not_shown_for_one(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	struct seen seen;
	asr_transcript_init(&t);
	add_word(&t, "hum", 0, 60000);
	end_segment(&t);
	shape(&t, &seen);
	assert_int_equal(seen.end_us, CUE_MAX_US);
	seen_done(&seen);
}

static void no_words_are_no_cues(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	expect_lines(&t, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_words_are_all_shown_once_in_order_and_within_the_rules),
		cmocka_unit_test(cues_told_early_are_those_told_at_the_end),
		cmocka_unit_test(a_sentence_ends_its_cue),
		cmocka_unit_test(a_sentence_too_short_to_read_shares_a_cue),
		cmocka_unit_test(a_title_and_an_initial_end_no_sentence),
		cmocka_unit_test(lines_break_after_punctuation_and_in_balance),
		cmocka_unit_test(a_long_sentence_becomes_several_cues_of_like_size),
		cmocka_unit_test(chinese_breaks_between_characters_but_never_before_a_full_stop),
		cmocka_unit_test(right_to_left_text_is_left_alone),
		cmocka_unit_test(words_of_two_segments_are_parted_by_a_space),
		cmocka_unit_test(a_cue_stays_through_the_silence_after_it_as_long_as_reading_takes),
		cmocka_unit_test(a_long_pause_and_a_new_speaker_end_a_cue),
		cmocka_unit_test(a_word_that_lasts_a_minute_is_not_shown_for_one),
		cmocka_unit_test(no_words_are_no_cues),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
