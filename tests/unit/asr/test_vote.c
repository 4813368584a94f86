#include "asr_test.h"

#include "asr/vote.h"

static const struct asr_language_score sure_en[] = { { "en", 0.97F }, { "de", 0.02F } };
static const struct asr_language_score sure_fa[] = { { "fa", 0.95F }, { "ur", 0.04F } };
static const struct asr_language_score unsure[] = { { "nn", 0.45F }, { "en", 0.35F }, { "de", 0.1F } };

static void nothing_heard_is_no_language(void **state)
{
	(void)state;
	struct asr_vote vote = { 0 };
	char language[ASR_LANGUAGE_SIZE];
	assert_float_equal(asr_vote_language(&vote, NULL, 0, language), 0.0F, 0.0F);
	assert_string_equal(language, "");
	assert_false(asr_vote_is_settled(&vote));
}

static void one_part_alone_has_its_own_language(void **state)
{
	(void)state;
	struct asr_vote vote = { 0 };
	char language[ASR_LANGUAGE_SIZE];
	asr_vote_add(&vote, sure_fa, 2, 3.0);
	assert_true(asr_vote_language(&vote, sure_fa, 2, language) > 0.9F);
	assert_string_equal(language, "fa");
}

static void an_unsure_part_follows_the_recording(void **state)
{
	(void)state;
	struct asr_vote vote = { 0 };
	char language[ASR_LANGUAGE_SIZE];
	asr_vote_add(&vote, unsure, 3, 4.0);
	(void)asr_vote_language(&vote, unsure, 3, language);
	assert_string_equal(language, "nn");
	asr_vote_add(&vote, sure_en, 2, 20.0);
	asr_vote_add(&vote, sure_en, 2, 20.0);
	(void)asr_vote_language(&vote, unsure, 3, language);
	assert_string_equal(language, "en");
	(void)asr_vote_language(&vote, NULL, 0, language);
	assert_string_equal(language, "en");
}

static void a_sure_part_may_differ(void **state)
{
	(void)state;
	struct asr_vote vote = { 0 };
	char language[ASR_LANGUAGE_SIZE];
	for (int i = 0; i < 10; i++)
		asr_vote_add(&vote, sure_en, 2, 20.0);
	asr_vote_add(&vote, sure_fa, 2, 15.0);
	(void)asr_vote_language(&vote, sure_fa, 2, language);
	assert_string_equal(language, "fa");
}

static void one_language_settles_and_two_do_not(void **state)
{
	(void)state;
	struct asr_vote one = { 0 };
	struct asr_vote two = { 0 };
	for (int i = 0; i < 4; i++) {
		asr_vote_add(&one, sure_en, 2, 20.0);
		asr_vote_add(&two, i % 2 ? sure_en : sure_fa, 2, 20.0);
		assert_true(i == 3 || !asr_vote_is_settled(&one) || i == 2);
	}
	assert_true(asr_vote_is_settled(&one));
	assert_false(asr_vote_is_settled(&two));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_heard_is_no_language),
		cmocka_unit_test(one_part_alone_has_its_own_language),
		cmocka_unit_test(an_unsure_part_follows_the_recording),
		cmocka_unit_test(a_sure_part_may_differ),
		cmocka_unit_test(one_language_settles_and_two_do_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
