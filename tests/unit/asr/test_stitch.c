#include "asr_test.h"

#include "asr/stitch.h"

enum { S = 16000 };

static void add_word(struct asr_transcript *t, int64_t start_ms, int64_t end_ms, const char *text)
{
	struct err err;
	struct asr_word word = { .start_us = start_ms * 1000,
				 .end_us = end_ms * 1000,
				 .space_before = t->word_count > 0,
				 .speaker = ASR_NO_SPEAKER };
	assert_ok(asr_transcript_add_word(t, &word, text, strlen(text), &err), &err);
}

static void end_segment(struct asr_transcript *t, const char *language)
{
	struct err err;
	uint32_t first = 0;
	for (size_t i = 0; i < t->segment_count; i++)
		first += t->segments[i].word_count;
	struct asr_segment segment = { .start_us = t->words[first].start_us,
				       .end_us = t->words[t->word_count - 1].end_us,
				       .first_word = first,
				       .word_count = (uint32_t)t->word_count - first };
	snprintf(segment.language, sizeof segment.language, "%s", language);
	assert_ok(asr_transcript_add_segment(t, &segment, &err), &err);
}

/* Seconds 10..12 and 60..63 of a recording. */
static const struct asr_span spans[] = { { 10 * S, 0, 2 * S }, { 60 * S, 2 * S, 3 * S } };

static void times_go_back_to_the_recording(void **state)
{
	(void)state;
	struct err err;
	cleanup_transcript struct asr_transcript part;
	cleanup_transcript struct asr_transcript all;
	asr_transcript_init(&part);
	asr_transcript_init(&all);
	add_word(&part, 500, 1500, "one");
	add_word(&part, 2500, 3000, "two");
	end_segment(&part, "en");
	assert_ok(asr_stitch(&all, &part, spans, 2, 1000000, &err), &err);
	assert_int_equal(all.words[0].start_us, 11500000);
	assert_int_equal(all.words[1].start_us, 61500000);
	assert_int_equal(all.words[1].end_us, 62000000);
	/* 48 s of silence were cut out between them. */
	assert_int_equal(all.segment_count, 2);
	assert_int_equal(all.segments[0].end_us, 12500000);
	assert_int_equal(all.segments[1].start_us, 61500000);
}

static void a_word_stays_on_one_side_of_cut_silence(void **state)
{
	(void)state;
	struct err err;
	cleanup_transcript struct asr_transcript part;
	cleanup_transcript struct asr_transcript all;
	asr_transcript_init(&part);
	asr_transcript_init(&all);
	add_word(&part, 1000, 2100, "mostly-before");
	add_word(&part, 1900, 2800, "mostly-after");
	add_word(&part, 4000, 9000, "too-long");
	end_segment(&part, "en");
	assert_ok(asr_stitch(&all, &part, spans, 2, 0, &err), &err);
	assert_int_equal(all.words[0].end_us, 12000000);
	assert_int_equal(all.words[1].start_us, 60000000);
	assert_int_equal(all.words[1].end_us, 60800000);
	assert_int_equal(all.words[2].end_us, 63000000);
}

static void short_silence_keeps_a_segment_whole(void **state)
{
	(void)state;
	static const struct asr_span near[] = { { 0, 0, 2 * S }, { 2 * S + S / 2, 2 * S, S } };
	struct err err;
	cleanup_transcript struct asr_transcript part;
	cleanup_transcript struct asr_transcript all;
	asr_transcript_init(&part);
	asr_transcript_init(&all);
	add_word(&part, 0, 1000, "one");
	add_word(&part, 2000, 3000, "two");
	end_segment(&part, "en");
	assert_ok(asr_stitch(&all, &part, near, 2, 0, &err), &err);
	assert_int_equal(all.segment_count, 1);
	assert_int_equal(all.segments[0].end_us, 3500000);
}

static void parts_are_joined_in_order_with_a_space(void **state)
{
	(void)state;
	static const struct asr_span first = { 0, 0, 2 * S };
	static const struct asr_span second = { 2 * S - 100, 0, 2 * S };
	struct err err;
	cleanup_transcript struct asr_transcript part;
	cleanup_transcript struct asr_transcript all;
	cleanup_strbuf struct strbuf text = STRBUF_INIT(100);
	asr_transcript_init(&part);
	asr_transcript_init(&all);
	add_word(&part, 0, 2000, "one");
	end_segment(&part, "en");
	memcpy(part.language, "en", sizeof "en");
	assert_ok(asr_stitch(&all, &part, &first, 1, 0, &err), &err);
	assert_ok(asr_stitch(&all, &part, &second, 1, 0, &err), &err);
	asr_transcript_text(&all, 0, 2, &text);
	assert_string_equal(strbuf_str(&text), "one one");
	assert_string_equal(all.language, "en");
	assert_true(all.words[1].start_us >= all.words[0].end_us);
}

static void languages_without_spaces_are_joined_without(void **state)
{
	(void)state;
	static const struct asr_span first = { 0, 0, S };
	static const struct asr_span second = { S, 0, S };
	struct err err;
	cleanup_transcript struct asr_transcript part;
	cleanup_transcript struct asr_transcript all;
	cleanup_strbuf struct strbuf text = STRBUF_INIT(100);
	asr_transcript_init(&part);
	asr_transcript_init(&all);
	add_word(&part, 0, 500, "好");
	end_segment(&part, "zh");
	assert_ok(asr_stitch(&all, &part, &first, 1, 0, &err), &err);
	assert_ok(asr_stitch(&all, &part, &second, 1, 0, &err), &err);
	asr_transcript_text(&all, 0, 2, &text);
	assert_string_equal(strbuf_str(&text), "好好");
}

static void words_without_a_place_are_refused(void **state)
{
	(void)state;
	struct err err;
	cleanup_transcript struct asr_transcript part;
	cleanup_transcript struct asr_transcript all;
	asr_transcript_init(&part);
	asr_transcript_init(&all);
	assert_ok(asr_stitch(&all, &part, NULL, 0, 0, &err), &err);
	add_word(&part, 0, 500, "one");
	end_segment(&part, "en");
	assert_int_equal(asr_stitch(&all, &part, NULL, 0, 0, &err), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_go_back_to_the_recording),
		cmocka_unit_test(a_word_stays_on_one_side_of_cut_silence),
		cmocka_unit_test(short_silence_keeps_a_segment_whole),
		cmocka_unit_test(parts_are_joined_in_order_with_a_space),
		cmocka_unit_test(languages_without_spaces_are_joined_without),
		cmocka_unit_test(words_without_a_place_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
