#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/onnx.h"
#include "support/made_models.h"

static const uint32_t two_by_three[3] = { 2, 3, 0 };
static const uint32_t four[3] = { 4, 0, 0 };

static void small_file(struct strbuf *out)
{
	cleanup_strbuf struct strbuf graph = STRBUF_INIT(1000);
	made_bytes(&graph, 2, "main", 4);
	made_onnx_tensor(&graph, "w", two_by_three);
	made_onnx_tensor(&graph, "b", four);
	made_onnx_file(out, &graph);
}

static enum err_code read_exactly(const char *bytes, size_t size, struct err *err)
{
	cleanup_free char *copy = malloc(size ? size : 1);
	struct onnx model;
	memcpy(copy, bytes, size);
	enum err_code code = onnx_read(copy, size, &model, err);
	if (!code)
		onnx_done(&model);
	return code;
}

static void initialisers_are_found_with_their_dimensions(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf file = STRBUF_INIT(1000);
	struct onnx model;
	small_file(&file);
	assert_int_equal(onnx_read(file.data, file.len, &model, NULL), ERR_OK);
	assert_int_equal(model.count, 2);
	const struct tensor *w = onnx_find(&model, "w");
	assert_non_null(w);
	assert_int_equal(w->type, TENSOR_F32);
	assert_int_equal(w->dims, 2);
	assert_int_equal(w->dim[0], 2);
	assert_int_equal(w->dim[1], 3);
	assert_int_equal(w->bytes, 24);
	assert_non_null(onnx_find(&model, "b"));
	assert_null(onnx_find(&model, "ww"));
	onnx_done(&model);
}

static void packed_dimensions_are_read_too(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf tensor = STRBUF_INIT(1000);
	cleanup_strbuf struct strbuf graph = STRBUF_INIT(1000);
	cleanup_strbuf struct strbuf file = STRBUF_INIT(1000);
	struct onnx model;
	made_bytes(&tensor, 1, "\x02\x01", 2);
	made_number(&tensor, 2, 1);
	made_bytes(&tensor, 8, "t", 1);
	made_bytes(&tensor, 9, "12345678", 8);
	made_bytes(&graph, 5, tensor.data, tensor.len);
	made_onnx_file(&file, &graph);
	assert_int_equal(onnx_read(file.data, file.len, &model, NULL), ERR_OK);
	const struct tensor *t = onnx_find(&model, "t");
	assert_non_null(t);
	assert_int_equal(t->dims, 2);
	assert_int_equal(t->dim[0], 2);
	assert_int_equal(t->dim[1], 1);
	onnx_done(&model);
}

static void a_file_cut_inside_its_graph_is_refused(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf file = STRBUF_INIT(1000);
	small_file(&file);
	/* The graph is the last field; the ones before it end at these offsets and make a file without a graph. */
	for (size_t len = 0; len < file.len; len++) {
		bool at_field = len == 2 || len == 11;
		assert_int_equal(read_exactly(file.data, len, NULL), at_field ? ERR_OK : ERR_CORRUPT);
	}
}

static void a_flipped_byte_never_reads_too_far(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf file = STRBUF_INIT(1000);
	small_file(&file);
	for (size_t i = 0; i < file.len; i++) {
		char saved = file.data[i];
		for (int flip = 1; flip < 256; flip++) {
			file.data[i] = (char)(saved ^ flip);
			enum err_code code = read_exactly(file.data, file.len, NULL);
			assert_true(code == ERR_OK || code == ERR_CORRUPT);
		}
		file.data[i] = saved;
	}
}

static void a_tensor_smaller_than_its_dimensions_is_refused(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf tensor = STRBUF_INIT(1000);
	cleanup_strbuf struct strbuf graph = STRBUF_INIT(1000);
	cleanup_strbuf struct strbuf file = STRBUF_INIT(1000);
	struct err err;
	made_number(&tensor, 1, 1000000);
	made_number(&tensor, 2, 1);
	made_bytes(&tensor, 8, "big", 3);
	made_bytes(&tensor, 9, "1234", 4);
	made_bytes(&graph, 5, tensor.data, tensor.len);
	made_onnx_file(&file, &graph);
	assert_int_equal(read_exactly(file.data, file.len, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.message, "big"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(initialisers_are_found_with_their_dimensions),
		cmocka_unit_test(packed_dimensions_are_read_too),
		cmocka_unit_test(a_file_cut_inside_its_graph_is_refused),
		cmocka_unit_test(a_flipped_byte_never_reads_too_far),
		cmocka_unit_test(a_tensor_smaller_than_its_dimensions_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
