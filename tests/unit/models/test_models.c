#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/convert.h"
#include "models/manifest.h"
#include "support/made_models.h"
#include "support/scratch.h"

/* Writes a small well-formed Whisper file. */
static void make_whisper(const char *path)
{
	static const char words[] = "!\n<|endoftext|>\n";
	cleanup_strbuf struct strbuf model = STRBUF_INIT(4u << 20);
	cleanup_sink struct sink *sink = NULL;
	char sha256[SHA256_HEX_SIZE];
	made_ct2_whisper(&model);
	struct io_map map = { .data = model.data, .size = model.len };
	struct io_map vocabulary = { .data = words, .size = strlen(words) };
	assert_int_equal(sink_open(path, NULL, &sink, NULL), ERR_OK);
	assert_int_equal(convert_whisper(&map, &vocabulary, WEIGHTS_F16, sink, NULL), ERR_OK);
	assert_int_equal(sink_finish(sink, sha256, NULL), ERR_OK);
}

static struct models *open_here(void)
{
	struct models *m = NULL;
	assert_int_equal(models_open("m", &m, NULL), ERR_OK);
	return m;
}

static enum err_code import(struct models *m, const char *path, const char *name, char *ret_name, struct err *err)
{
	struct models_import_request request = { .path = path, .name = name };
	return models_import(m, &request, ret_name, err);
}

/* -- the folder ---------------------------------------------------------------------------------- */

static void expect_dir(const char *expected)
{
	struct models *m = NULL;
	assert_int_equal(models_open(NULL, &m, NULL), ERR_OK);
	assert_string_equal(models_dir(m), expected);
	models_close(m);
}

static void the_folder_follows_the_rules_of_xdg(void **state)
{
	(void)state;
	struct models *m = NULL;
	struct err err;
	assert_int_equal(setenv("TIRO_MODELS", "/a/b/", 1), 0);
	assert_int_equal(setenv("XDG_DATA_HOME", "/data", 1), 0);
	assert_int_equal(setenv("HOME", "/h", 1), 0);
	expect_dir("/a/b");
	assert_int_equal(unsetenv("TIRO_MODELS"), 0);
	expect_dir("/data/tiro/models");
	assert_int_equal(setenv("XDG_DATA_HOME", "relative", 1), 0);
	expect_dir("/h/.local/share/tiro/models");
	assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);
	expect_dir("/h/.local/share/tiro/models");
	assert_int_equal(unsetenv("HOME"), 0);
	assert_int_equal(models_open(NULL, &m, &err), ERR_USAGE);
	assert_non_null(strstr(err.message, "--models"));
}

static void a_missing_model_says_how_to_get_it(void **state)
{
	(void)state;
	struct models *m = open_here();
	struct err err;
	char path[PATH_MAX] = "untouched";
	assert_int_equal(models_path(m, "default", path, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.message, "tiro models pull base"));
	assert_int_equal(models_path(m, "turbo", path, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.message, "tiro models pull turbo"));
	assert_int_equal(models_path(m, "persian", path, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.message, "tiro models pull base"));
	assert_int_equal(models_path(m, "./no/file.bin", path, &err), ERR_NOT_FOUND);
	assert_string_equal(path, "untouched");
	models_close(m);
}

static void a_model_is_found_by_name_by_alias_by_file_and_by_path(void **state)
{
	(void)state;
	struct models *m = open_here();
	char path[PATH_MAX];
	assert_int_equal(mkdir("m", 0777), 0);
	scratch_write("m/ggml-base-q8_0.bin", "x", 1);
	scratch_write("m/ggml-mine.bin", "x", 1);
	scratch_write("other.bin", "x", 1);
	assert_int_equal(models_path(m, "base", path, NULL), ERR_OK);
	assert_string_equal(path, "m/ggml-base-q8_0.bin");
	assert_int_equal(models_path(m, "whisper-1", path, NULL), ERR_OK);
	assert_int_equal(models_path(m, "ggml-base-q8_0.bin", path, NULL), ERR_OK);
	assert_int_equal(models_path(m, "mine", path, NULL), ERR_OK);
	assert_string_equal(path, "m/ggml-mine.bin");
	assert_int_equal(models_path(m, "./other.bin", path, NULL), ERR_OK);
	int fd = -1;
	assert_int_equal(models_open_file(m, "mine", &fd, NULL), ERR_OK);
	assert_true(fd >= 0);
	(void)close(fd);
	models_close(m);
}

/* -- import and verify --------------------------------------------------------------------------- */

static void a_whisper_file_is_imported_under_its_own_or_a_given_name(void **state)
{
	(void)state;
	struct models *m = open_here();
	char name[NAME_MAX + 1], path[PATH_MAX];
	make_whisper("ggml-persian-q5_0.bin");
	assert_int_equal(import(m, "ggml-persian-q5_0.bin", NULL, name, NULL), ERR_OK);
	assert_string_equal(name, "persian-q5_0");
	assert_int_equal(models_path(m, "persian-q5_0", path, NULL), ERR_OK);
	assert_int_equal(import(m, "./ggml-persian-q5_0.bin", "fa", name, NULL), ERR_OK);
	assert_int_equal(models_path(m, "fa", path, NULL), ERR_OK);
	assert_int_equal(scratch_count("m"), 2);
	models_close(m);
}

static void what_is_no_whisper_is_refused_with_the_reason_and_leaves_nothing(void **state)
{
	(void)state;
	struct models *m = open_here();
	char name[NAME_MAX + 1];
	struct err err;
	cleanup_strbuf struct strbuf whole = STRBUF_INIT(4u << 20);
	scratch_write("text.bin", "hello", 5);
	scratch_write("empty.bin", "", 0);
	assert_int_equal(import(m, "text.bin", NULL, name, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.message, "text.bin"));
	assert_non_null(strstr(err.message, "not a ggml Whisper model"));
	assert_int_equal(import(m, "empty.bin", NULL, name, &err), ERR_CORRUPT);
	make_whisper("whole.bin");
	scratch_read("whole.bin", &whole);
	scratch_write("cut.bin", whole.data, whole.len - 1);
	assert_int_equal(import(m, "cut.bin", NULL, name, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.message, "cut short"));
	assert_int_equal(import(m, "m", NULL, name, &err), ERR_INVALID);
	assert_int_equal(import(m, "absent.bin", NULL, name, &err), ERR_NOT_FOUND);
	assert_int_equal(scratch_count("m"), 0);
	models_close(m);
}

static void a_name_that_is_taken_or_unfit_is_refused(void **state)
{
	(void)state;
	struct models *m = open_here();
	char name[NAME_MAX + 1];
	static const char *const bad[] = { "base", "large-v3-turbo", "base-q8_0", "../x", "", ".hidden", "a b", "-x" };
	make_whisper("w.bin");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(import(m, "w.bin", bad[i], name, NULL), ERR_INVALID);
	assert_int_equal(scratch_count("m"), 0);
	models_close(m);
}

static const struct model_entry *find_entry(const struct model_entry *entries, size_t count, const char *file)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(entries[i].file, file) == 0)
			return &entries[i];
	}
	return NULL;
}

static void verify_tells_bad_from_unknown(void **state)
{
	(void)state;
	struct models *m = open_here();
	cleanup_free struct model_entry *entries = NULL;
	char name[NAME_MAX + 1];
	size_t count;
	struct model_check check;
	make_whisper("w.bin");
	assert_int_equal(import(m, "w.bin", "mine", name, NULL), ERR_OK);
	scratch_write("m/ggml-base-q8_0.bin", "not it", 6);
	scratch_write("m/notes.txt", "hello", 5);
	scratch_write("m/.hidden", "hello", 5);
	assert_int_equal(models_list(m, &entries, &count, NULL), ERR_OK);
	const struct model_entry *base = find_entry(entries, count, "ggml-base-q8_0.bin");
	const struct model_entry *mine = find_entry(entries, count, "ggml-mine.bin");
	const struct model_entry *notes = find_entry(entries, count, "notes.txt");
	assert_non_null(base);
	assert_non_null(mine);
	assert_non_null(notes);
	assert_null(find_entry(entries, count, ".hidden"));
	assert_true(base->installed && mine->installed);
	assert_false(find_entry(entries, count, "ggml-large-v3.bin")->installed);
	assert_int_equal(models_verify(m, base, &check, NULL), ERR_OK);
	assert_int_equal(check.state, MODEL_BAD);
	assert_int_equal(models_verify(m, mine, &check, NULL), ERR_OK);
	assert_int_equal(check.state, MODEL_UNKNOWN);
	assert_non_null(strstr(check.reason, "f16"));
	assert_int_equal(models_verify(m, notes, &check, NULL), ERR_OK);
	assert_int_equal(check.state, MODEL_BAD);
	models_close(m);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)
	const struct CMUnitTest tests[] = {
		TEST(the_folder_follows_the_rules_of_xdg),
		TEST(a_missing_model_says_how_to_get_it),
		TEST(a_model_is_found_by_name_by_alias_by_file_and_by_path),
		TEST(a_whisper_file_is_imported_under_its_own_or_a_given_name),
		TEST(what_is_no_whisper_is_refused_with_the_reason_and_leaves_nothing),
		TEST(a_name_that_is_taken_or_unfit_is_refused),
		TEST(verify_tells_bad_from_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
