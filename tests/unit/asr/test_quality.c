#include "asr_test.h"

#include "asr/quality.h"

/* A transcript of words with one segment over them. */
static void make(struct asr_transcript *t, const char *text, double seconds, float logprob)
{
	struct err err;
	char copy[1024];
	char *rest = copy;
	asr_transcript_init(t);
	t->duration_us = (int64_t)(seconds * 1e6);
	snprintf(copy, sizeof copy, "%s", text);
	for (char *word; (word = strsep(&rest, " "));) {
		struct asr_word w = { .end_us = t->duration_us, .space_before = t->word_count > 0 };
		assert_ok(asr_transcript_add_word(t, &w, word, strlen(word), &err), &err);
	}
	struct asr_segment segment = { .word_count = (uint32_t)t->word_count, .avg_logprob = logprob };
	assert_ok(asr_transcript_add_segment(t, &segment, &err), &err);
}

static bool is_good(const char *text, double seconds, float logprob)
{
	cleanup_transcript struct asr_transcript t;
	struct asr_quality q;
	make(&t, text, seconds, logprob);
	asr_quality_measure(&t, &q);
	return asr_quality_is_good(&q);
}

static bool is_no_speech(const char *text, float logprob)
{
	cleanup_transcript struct asr_transcript t;
	struct asr_quality q;
	make(&t, text, 4.0, logprob);
	asr_quality_measure(&t, &q);
	return asr_quality_is_no_speech(&t, &q);
}

static void plain_text_is_good(void **state)
{
	(void)state;
	assert_true(is_good("ask what you can do for your country", 3.0, -0.2F));
}

static void loops_are_not_good(void **state)
{
	(void)state;
	assert_false(is_good("and so and so and so and so", 5.0, -0.1F));
	assert_false(is_good("no no no no no", 5.0, -0.1F));
	assert_true(is_good("no no no", 5.0, -0.1F));
}

static void a_model_in_doubt_is_not_good(void **state)
{
	(void)state;
	assert_false(is_good("ask what you can do", 3.0, -1.3F));
}

static void more_words_than_can_be_said_are_not_good(void **state)
{
	(void)state;
	assert_false(is_good("one two three four five six seven eight nine ten", 1.0, -0.1F));
}

static void a_sentence_that_nothing_was_heard_of_is_unsaid(void **state)
{
	(void)state;
	cleanup_transcript struct asr_transcript t;
	make(&t, "the cabbage juice changes color", 5.0, -0.2F);
	assert_false(asr_quality_is_unsaid(&t, &t.segments[0]));
	/* All words but the first lie where the audio ends. */
	for (size_t i = 0; i < t.word_count; i++)
		t.words[i].start_us = i == 0 ? 4850000 : t.duration_us;
	assert_true(asr_quality_is_unsaid(&t, &t.segments[0]));
	/* A last word or two may be cut short by the end. */
	t.segments[0].word_count = 2;
	assert_false(asr_quality_is_unsaid(&t, &t.segments[0]));
}

static void a_loop_scores_below_doubt(void **state)
{
	(void)state;
	cleanup_transcript struct asr_transcript loop;
	cleanup_transcript struct asr_transcript doubt;
	struct asr_quality a;
	struct asr_quality b;
	make(&loop, "and so and so and so and so", 5.0, -0.1F);
	make(&doubt, "and so my fellow citizens", 5.0, -1.2F);
	asr_quality_measure(&loop, &a);
	asr_quality_measure(&doubt, &b);
	assert_true(asr_quality_score(&a) < asr_quality_score(&b));
}

static void marks_are_no_speech(void **state)
{
	(void)state;
	assert_true(is_no_speech("[BLANK_AUDIO]", -0.1F));
	assert_true(is_no_speech("(soft music)", -0.1F));
	assert_true(is_no_speech("♪ ♪♪ ...", -0.1F));
	assert_false(is_no_speech("Hello.", -0.1F));
	assert_false(is_no_speech("(laughs) hello", -0.1F));
	assert_false(is_no_speech("—да", -0.1F));
}

static void what_models_write_over_noise_is_no_speech(void **state)
{
	(void)state;
	assert_true(is_no_speech("Thanks for watching.", -0.9F));
	assert_false(is_no_speech("Thanks for watching.", -0.2F));
	assert_true(is_no_speech("Let's go.", -1.6F));
	assert_false(is_no_speech("Let's go.", -0.6F));
	assert_true(is_no_speech("one", -0.9F));
}

static bool is_echo(const char *text, float logprob)
{
	cleanup_transcript struct asr_transcript t;
	struct asr_quality q;
	make(&t, text, 4.0, logprob);
	asr_quality_measure(&t, &q);
	return asr_quality_is_echo(&t, &q);
}

static void noise_behind_words_is_no_word(void **state)
{
	(void)state;
	assert_true(is_echo("Thank you.", -0.2F));
	assert_true(is_echo("I'm sorry.", -0.7F));
	assert_false(is_echo("I'm sorry.", -0.3F));
	assert_false(is_echo("ask what you can do for your country", -0.7F));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_is_good),
		cmocka_unit_test(loops_are_not_good),
		cmocka_unit_test(a_model_in_doubt_is_not_good),
		cmocka_unit_test(more_words_than_can_be_said_are_not_good),
		cmocka_unit_test(a_sentence_that_nothing_was_heard_of_is_unsaid),
		cmocka_unit_test(a_loop_scores_below_doubt),
		cmocka_unit_test(marks_are_no_speech),
		cmocka_unit_test(what_models_write_over_noise_is_no_speech),
		cmocka_unit_test(noise_behind_words_is_no_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
