#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/ct2.h"
#include "support/made_models.h"

/* A small file with a scalar, a matrix and an alias. */
static void small_file(struct strbuf *out)
{
	made_uint(out, 6, 4);
	made_ct2_name(out, "WhisperSpec");
	made_uint(out, 3, 4);
	made_uint(out, 2, 4);
	made_ct2_i16(out, "heads", 8);
	made_ct2_f16(out, "a/weight", 2, 3, 0);
	made_uint(out, 1, 4);
	made_ct2_name(out, "b/weight");
	made_ct2_name(out, "a/weight");
}

/* Reads a copy of exactly that size, so that a sanitizer sees any byte too far. */
static enum err_code read_exactly(const char *bytes, size_t size, struct err *err)
{
	cleanup_free char *copy = malloc(size ? size : 1);
	struct ct2 model;
	memcpy(copy, bytes, size);
	enum err_code code = ct2_read(copy, size, &model, err);
	if (!code)
		ct2_done(&model);
	return code;
}

static void variables_are_found_with_their_dimensions(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf file = STRBUF_INIT(1000);
	struct ct2 model;
	small_file(&file);
	assert_int_equal(ct2_read(file.data, file.len, &model, NULL), ERR_OK);
	assert_string_equal(model.spec, "WhisperSpec");
	assert_int_equal(model.count, 2);
	const struct tensor *matrix = ct2_find(&model, "a/weight");
	assert_non_null(matrix);
	assert_int_equal(matrix->type, TENSOR_F16);
	assert_int_equal(matrix->dims, 2);
	assert_int_equal(matrix->dim[0], 2);
	assert_int_equal(matrix->dim[1], 3);
	assert_int_equal(matrix->bytes, 12);
	const struct tensor *scalar = ct2_find(&model, "heads");
	assert_non_null(scalar);
	assert_int_equal(scalar->dims, 0);
	assert_int_equal(scalar->data[0], 8);
	assert_null(ct2_find(&model, "b/weight"));
	ct2_done(&model);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf file = STRBUF_INIT(1000);
	small_file(&file);
	for (size_t len = 0; len < file.len; len++) {
		struct err err = { .code = ERR_OK };
		assert_int_equal(read_exactly(file.data, len, &err), ERR_CORRUPT);
		assert_true(err.message[0] != '\0');
	}
	assert_int_equal(read_exactly(file.data, file.len, NULL), ERR_OK);
}

static void bytes_after_the_end_are_refused(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf file = STRBUF_INIT(1000);
	small_file(&file);
	strbuf_add_char(&file, 0);
	assert_int_equal(read_exactly(file.data, file.len, NULL), ERR_CORRUPT);
}

static void a_flipped_byte_never_reads_too_far(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf file = STRBUF_INIT(1000);
	small_file(&file);
	for (size_t i = 0; i < file.len; i++) {
		char saved = file.data[i];
		for (int flip = 1; flip < 256; flip += 127) {
			file.data[i] = (char)(saved ^ flip);
			enum err_code code = read_exactly(file.data, file.len, NULL);
			assert_true(code == ERR_OK || code == ERR_CORRUPT);
		}
		file.data[i] = saved;
	}
}

static void a_size_that_is_not_that_of_the_dimensions_is_refused(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf file = STRBUF_INIT(1000);
	struct err err;
	made_uint(&file, 6, 4);
	made_ct2_name(&file, "WhisperSpec");
	made_uint(&file, 3, 4);
	made_uint(&file, 1, 4);
	made_ct2_name(&file, "a/weight");
	made_uint(&file, 2, 1);
	made_uint(&file, 0xFFFFFFFF, 4);
	made_uint(&file, 0xFFFFFFFF, 4);
	made_uint(&file, 4, 1);
	made_uint(&file, 2, 4);
	made_uint(&file, 0, 2);
	made_uint(&file, 0, 4);
	assert_int_equal(ct2_read(file.data, file.len, &(struct ct2){ 0 }, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.message, "a/weight"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_are_found_with_their_dimensions),
		cmocka_unit_test(a_file_cut_anywhere_is_refused),
		cmocka_unit_test(bytes_after_the_end_are_refused),
		cmocka_unit_test(a_flipped_byte_never_reads_too_far),
		cmocka_unit_test(a_size_that_is_not_that_of_the_dimensions_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
