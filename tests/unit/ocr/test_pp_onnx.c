#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ocr/pp_onnx.h"

/* ir_version 8, a graph of 3 bytes, a 32-bit and a 64-bit field, then the metadata k1 -> v1 and k2 -> "xyz". */
static const uint8_t model[] = { 0x08, 8,   0x3a, 3,	1, 2,	 3, 0x1d, 1,   2,    3, 4,   0x21, 1,
				 2,    3,   4,	  5,	6, 7,	 8, 0x72, 8,   0x0a, 2, 'k', '1',  0x12,
				 2,    'v', '1',  0x72, 9, 0x0a, 2, 'k',  '2', 0x12, 3, 'x', 'y',  'z' };

static bool find(const void *bytes, size_t len, const char *key, const char *expected)
{
	const char *value;
	size_t value_len;
	if (!pp_onnx_metadata(bytes, len, key, &value, &value_len))
		return false;
	assert_int_equal(value_len, strlen(expected));
	assert_memory_equal(value, expected, value_len);
	return true;
}

static void metadata_is_found_behind_other_fields(void **state)
{
	(void)state;
	assert_true(find(model, sizeof(model), "k1", "v1"));
	assert_true(find(model, sizeof(model), "k2", "xyz"));
}

static void a_key_that_is_not_there_is_not_found(void **state)
{
	(void)state;
	assert_false(find(model, sizeof(model), "k", ""));
	assert_false(find(model, sizeof(model), "k11", ""));
	assert_false(find("", 0, "k1", ""));
}

/* Each cut lies in memory of its own size, so that the sanitizer sees a read beyond it. */
static void a_cut_file_is_not_read_beyond_its_end(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(model); len++) {
		uint8_t *cut = malloc(len ? len : 1);
		assert_non_null(cut);
		memcpy(cut, model, len);
		assert_false(find(cut, len, "k2", "xyz"));
		free(cut);
	}
}

static void a_length_beyond_the_end_is_refused(void **state)
{
	(void)state;
	const uint8_t lying[] = { 0x72, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 'k' };
	const uint8_t inner[] = { 0x72, 4, 0x0a, 200, 'k', '1' };

	assert_false(find(lying, sizeof(lying), "k", ""));
	assert_false(find(inner, sizeof(inner), "k1", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metadata_is_found_behind_other_fields),
		cmocka_unit_test(a_key_that_is_not_there_is_not_found),
		cmocka_unit_test(a_cut_file_is_not_read_beyond_its_end),
		cmocka_unit_test(a_length_beyond_the_end_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
