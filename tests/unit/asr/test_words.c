#include "asr_test.h"

#include "asr/words.h"

static void add(struct asr_transcript *t, const char *language, const struct asr_token *tokens, size_t count)
{
	struct err err;
	struct asr_segment segment = { .avg_logprob = -0.1F };
	snprintf(segment.language, sizeof segment.language, "%s", language);
	assert_ok(asr_words_add(t, &segment, tokens, count, &err), &err);
}

static void assert_word(const struct asr_transcript *t, size_t i, const char *text)
{
	assert_true(i < t->word_count);
	assert_int_equal(t->words[i].text_len, strlen(text));
	assert_memory_equal(asr_word_text(t, &t->words[i]), text, strlen(text));
}

static void tokens_become_words_at_spaces(void **state)
{
	(void)state;
	cleanup_transcript struct asr_transcript t;
	asr_transcript_init(&t);
	const struct asr_token tokens[] = {
		{ " Ask", 0.8F, 100000, 300000 }, { " coun", 0.5F, 300000, 500000 }, { "try", 1.0F, 500000, 700000 },
		{ ",", 0.6F, 700000, 700000 },	  { " you", 0.9F, 900000, 800000 },
	};
	add(&t, "en", tokens, 5);
	assert_int_equal(t.word_count, 3);
	assert_word(&t, 0, "Ask");
	assert_word(&t, 1, "country,");
	assert_false(t.words[0].space_before);
	assert_true(t.words[1].space_before);
	assert_float_equal(t.words[1].confidence, 0.7F, 1e-5F);
	assert_int_equal(t.words[1].end_us, 700000);
	/* The engine said that it ended before it began. */
	assert_int_equal(t.words[2].end_us, t.words[2].start_us);
	assert_int_equal(t.segments[0].start_us, 100000);
	assert_int_equal(t.segments[0].word_count, 3);
}

static void a_character_may_be_split_between_tokens(void **state)
{
	(void)state;
	cleanup_transcript struct asr_transcript t;
	asr_transcript_init(&t);
	const struct asr_token tokens[] = {
		{ "\xe4\xbd", 1.0F, 0, 1 },	{ "\xa0", 1.0F, 1, 2 },	    { "\xe5\xa5\xbd", 1.0F, 2, 3 },
		{ "\xe3\x80\x82", 1.0F, 3, 4 }, { "\xe5\xa5", 1.0F, 4, 5 },
	};
	add(&t, "zh", tokens, 5);
	assert_int_equal(t.word_count, 2);
	assert_word(&t, 0, "你");
	assert_word(&t, 1, "好。");
	assert_false(t.words[1].space_before);
}

static void bytes_that_are_no_text_are_left_out(void **state)
{
	(void)state;
	cleanup_transcript struct asr_transcript t;
	asr_transcript_init(&t);
	const struct asr_token tokens[] = { { " a\xff\x01z", 1.0F, 0, 1 }, { " \xc3", 1.0F, 1, 2 } };
	add(&t, "en", tokens, 2);
	assert_int_equal(t.word_count, 1);
	assert_word(&t, 0, "az");
}

static void no_words_make_no_segment(void **state)
{
	(void)state;
	cleanup_transcript struct asr_transcript t;
	asr_transcript_init(&t);
	const struct asr_token tokens[] = { { " ", 1.0F, 0, 1 }, { "", 1.0F, 0, 1 } };
	add(&t, "en", tokens, 2);
	assert_int_equal(t.segment_count, 0);
}

static void a_word_without_end_is_cut(void **state)
{
	(void)state;
	cleanup_transcript struct asr_transcript t;
	struct asr_token tokens[400];
	asr_transcript_init(&t);
	for (size_t i = 0; i < 400; i++)
		tokens[i] = (struct asr_token){ "haha", 1.0F, 0, 1 };
	add(&t, "en", tokens, 400);
	assert_int_equal(t.text.len, 1600);
	assert_true(t.word_count > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_become_words_at_spaces),
		cmocka_unit_test(a_character_may_be_split_between_tokens),
		cmocka_unit_test(bytes_that_are_no_text_are_left_out),
		cmocka_unit_test(no_words_make_no_segment),
		cmocka_unit_test(a_word_without_end_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
