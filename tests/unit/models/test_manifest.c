#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "models/manifest.h"

static bool is_hash(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static void every_row_is_complete(void **state)
{
	(void)state;
	size_t count;
	const struct model_info *rows = models_known(&count);
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++) {
		assert_non_null(rows[i].name);
		assert_non_null(rows[i].about);
		assert_true(rows[i].size_bytes > 0);
		assert_true(strcmp(rows[i].licence, "MIT") == 0 || strcmp(rows[i].licence, "Apache-2.0") == 0);
		assert_null(strchr(rows[i].file, '/'));
		assert_non_null(rows[i].sources[0]);
		assert_ptr_equal(models_find(rows[i].name), &rows[i]);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(rows[i].file, rows[k].file);
	}
}

static void every_source_has_a_hash_and_a_cited_one_says_where(void **state)
{
	(void)state;
	size_t count;
	const struct model_info *rows = models_known(&count);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < MODEL_SOURCES_MAX && rows[i].sources[k]; k++) {
			const struct model_source *s = rows[i].sources[k];
			assert_true(is_hash(s->sha256));
			assert_true((s->url != NULL) != (s->wheels[0].requirement != NULL));
			assert_true((s->origin == HASH_CITED) == (s->evidence != NULL));
			if (s->url)
				assert_int_equal(strncmp(s->url, "https://", 8), 0);
			for (size_t w = 0; w < SOURCE_WHEELS_MAX && s->wheels[w].requirement; w++) {
				assert_true(is_hash(s->wheels[w].sha256));
				assert_non_null(strstr(s->wheels[w].requirement, "=="));
				assert_non_null(strstr(s->wheels[w].file, ".whl"));
				assert_non_null(s->wheels[w].members[0].path);
			}
		}
	}
}

static size_t pick(const char *const *words, size_t count, const struct model_info *ret[16])
{
	size_t picked = 0;
	assert_int_equal(models_select(words, count, ret, 16, &picked, NULL), ERR_OK);
	return picked;
}

static void no_word_means_all_that_a_first_start_needs(void **state)
{
	(void)state;
	const struct model_info *got[16];
	assert_int_equal(pick(NULL, 0, got), 4);
	assert_string_equal(got[0]->name, "base");
	assert_string_equal(got[1]->name, "silero-vad");
	assert_string_equal(got[2]->name, "ppocr-v6-det");
	assert_string_equal(got[3]->name, "ppocr-v6-rec");
}

static void a_speech_model_brings_speech_detection_along_once(void **state)
{
	(void)state;
	const struct model_info *got[16];
	const char *const words[] = { "large-v3-turbo", "base", "default" };
	assert_int_equal(pick(words, 3, got), 3);
	assert_string_equal(got[0]->name, "turbo");
	assert_string_equal(got[1]->name, "silero-vad");
	assert_string_equal(got[2]->name, "base");
}

static void pages_and_ppocr_mean_both_page_models(void **state)
{
	(void)state;
	const struct model_info *got[16];
	const char *const words[] = { "pages", "ppocr" };
	assert_int_equal(pick(words, 2, got), 2);
	assert_int_equal(got[0]->kind, MODEL_PAGE_DETECTOR);
	assert_int_equal(got[1]->kind, MODEL_PAGE_RECOGNISER);
}

static void an_unknown_word_is_named(void **state)
{
	(void)state;
	const struct model_info *got[16];
	const char *const words[] = { "huge", "" };
	size_t count;
	struct err err;
	assert_int_equal(models_select(words, 1, got, 16, &count, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.message, "\"huge\""));
	assert_int_equal(models_select(words + 1, 1, got, 16, &count, &err), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_complete),
		cmocka_unit_test(every_source_has_a_hash_and_a_cited_one_says_where),
		cmocka_unit_test(no_word_means_all_that_a_first_start_needs),
		cmocka_unit_test(a_speech_model_brings_speech_detection_along_once),
		cmocka_unit_test(pages_and_ppocr_mean_both_page_models),
		cmocka_unit_test(an_unknown_word_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
