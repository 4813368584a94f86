/* Hints, and what of tesseract's data they name, over a folder of empty files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "ocr/language.h"

static const char *const files[] = { "eng", "deu", "fra", "rus", "fas", "chi_sim", "Latin" };
static char folder[] = "test_language_XXXXXX";
static struct ocr_installed *installed;

static void path_of(const char *file, char path[256])
{
	(void)snprintf(path, 256, "%s/%s.traineddata", folder, file);
}

static int set_up(void **state)
{
	struct err err;
	char path[256];
	(void)state;

	if (!mkdtemp(folder))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		path_of(files[i], path);
		FILE *f = fopen(path, "w");
		if (!f || fclose(f))
			return -1;
	}
	return ocr_installed_scan(folder, &installed, &err) ? -1 : 0;
}

static int tear_down(void **state)
{
	char path[256];
	(void)state;

	ocr_installed_free(installed);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		path_of(files[i], path);
		(void)remove(path);
	}
	return rmdir(folder);
}

static void assert_data(const char *hint, const char *data, const char *code)
{
	struct ocr_choice choice;
	struct err err;

	assert_int_equal(ocr_choice_by_hint(installed, hint, &choice, &err), ERR_OK);
	assert_string_equal(choice.data, data);
	assert_string_equal(choice.code, code);
}

static void a_hint_names_the_data(void **state)
{
	(void)state;
	assert_data("en", "eng", "en");
	assert_data("fa", "fas", "fa");
	assert_data("zh", "chi_sim", "zh");
	assert_data("de+en", "deu+eng", "de");
}

static void cyrillic_is_read_with_latin_words(void **state)
{
	(void)state;
	assert_data("ru", "rus+eng", "ru");
	assert_data("ru+en", "rus+eng", "ru");
}

static void many_latin_languages_are_read_with_the_data_of_their_script(void **state)
{
	(void)state;
	assert_data("fr+en+de", "Latin", "fr");
	assert_data("fr+en+ru", "fra+eng+rus", "fr");
}

static void what_is_missing_is_named_beside_what_is_there(void **state)
{
	struct ocr_choice choice = { .code = "u" };
	struct err err;
	(void)state;

	assert_int_equal(ocr_choice_by_hint(installed, "pl", &choice, &err), ERR_INVALID);
	assert_string_equal(err.message, "language \"pl\" is not installed; installed are: en, de, fr, ru, fa, zh");
	assert_int_equal(ocr_choice_by_hint(installed, "de+", &choice, &err), ERR_INVALID);
	assert_int_equal(ocr_choice_by_hint(installed, "../../x", &choice, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "is not known"));
	assert_string_equal(choice.code, "u");
}

static void a_folder_without_data_is_told(void **state)
{
	struct ocr_installed *none = NULL;
	struct err err;
	(void)state;

	assert_int_equal(ocr_installed_scan("no-such-folder", &none, &err), ERR_UNAVAILABLE);
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hint_names_the_data),
		cmocka_unit_test(cyrillic_is_read_with_latin_words),
		cmocka_unit_test(many_latin_languages_are_read_with_the_data_of_their_script),
		cmocka_unit_test(what_is_missing_is_named_beside_what_is_there),
		cmocka_unit_test(a_folder_without_data_is_told),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
