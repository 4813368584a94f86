#include "asr_test.h"

#include "asr/engine.h"

static void assert_code(const char *text, const char *expected)
{
	char code[ASR_LANGUAGE_SIZE];
	assert_true(asr_language_code(text, code));
	assert_string_equal(code, expected);
}

static void codes_and_names_are_known_in_any_case(void **state)
{
	(void)state;
	assert_code("en", "en");
	assert_code("PERSIAN", "fa");
	assert_code("Farsi", "fa");
	assert_code("haitian creole", "ht");
	assert_code("Yue", "yue");
}

static void a_region_does_not_matter(void **state)
{
	(void)state;
	assert_code("pt-BR", "pt");
	assert_code("fa_IR", "fa");
}

static void other_texts_are_no_language(void **state)
{
	(void)state;
	char code[ASR_LANGUAGE_SIZE];
	assert_false(asr_language_code("", code));
	assert_false(asr_language_code("xx", code));
	assert_false(asr_language_code("english-", code));
	assert_false(asr_language_code("auto", code));
}

static void a_code_in_any_case_has_an_english_name(void **state)
{
	(void)state;
	assert_string_equal(asr_language_name("en"), "english");
	assert_string_equal(asr_language_name("FA"), "persian");
	assert_string_equal(asr_language_name("yue"), "cantonese");
	assert_null(asr_language_name("english"));
	assert_null(asr_language_name("xx"));
	assert_null(asr_language_name(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_and_names_are_known_in_any_case),
		cmocka_unit_test(a_region_does_not_matter),
		cmocka_unit_test(other_texts_are_no_language),
		cmocka_unit_test(a_code_in_any_case_has_an_english_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
