#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "infer/net.h"

/* y = x * w, over rows of four numbers. */
static const char times_xml[] =
	"<?xml version=\"1.0\"?><net name=\"times\" version=\"11\"><layers>"
	"<layer id=\"0\" name=\"x\" type=\"Parameter\" version=\"opset1\"><data shape=\"?,4\" element_type=\"f32\"/>"
	"<output><port id=\"0\" precision=\"FP32\"/></output></layer>"
	"<layer id=\"1\" name=\"w\" type=\"Const\" version=\"opset1\"><data element_type=\"f32\" shape=\"4\" "
	"offset=\"0\" "
	"size=\"16\"/><output><port id=\"0\" precision=\"FP32\"/></output></layer>"
	"<layer id=\"2\" name=\"y\" type=\"Multiply\" version=\"opset1\"><data auto_broadcast=\"numpy\"/>"
	"<input><port id=\"0\"/><port id=\"1\"/></input><output><port id=\"2\" precision=\"FP32\"/></output></layer>"
	"<layer id=\"3\" name=\"r\" type=\"Result\" version=\"opset1\"><input><port id=\"0\"/></input></layer>"
	"</layers><edges><edge from-layer=\"0\" from-port=\"0\" to-layer=\"2\" to-port=\"0\"/>"
	"<edge from-layer=\"1\" from-port=\"0\" to-layer=\"2\" to-port=\"1\"/>"
	"<edge from-layer=\"2\" from-port=\"2\" to-layer=\"3\" to-port=\"0\"/></edges></net>";

static struct infer_runtime *runtime;

static enum err_code compile(const char *xml, struct infer_net **ret, struct err *err)
{
	static const float factors[4] = { 1.0F, 2.0F, -4.0F, 0.5F };
	struct infer_weights *weights = NULL;
	uint8_t *bytes = NULL;
	assert_int_equal(infer_weights_new(runtime, sizeof factors, &weights, &bytes, err), ERR_OK);
	memcpy(bytes, factors, sizeof factors);
	struct infer_source source = { .name = "test's net", .xml = xml, .xml_len = strlen(xml), .weights = weights };
	enum err_code code = infer_net_new(runtime, &source, 1, ret, err);
	infer_weights_free(weights);
	return code;
}

static void check_rows(struct infer_request *request, int64_t rows)
{
	struct err err;
	float *x = NULL;
	struct infer_output y;
	const int64_t dims[2] = { rows, 4 };
	assert_int_equal(infer_input(request, 0, dims, 2, &x, &err), ERR_OK);
	for (int64_t i = 0; i < rows * 4; i++)
		x[i] = (float)i;
	assert_int_equal(infer_run(request, &y, &err), ERR_OK);
	assert_int_equal(y.rank, 2);
	assert_int_equal(y.dims[0], rows);
	assert_int_equal(y.dims[1], 4);
	for (int64_t row = 0; row < rows; row++) {
		assert_float_equal(y.data[row * 4 + 1], 2.0F * (float)(row * 4 + 1), 0.01F);
		assert_float_equal(y.data[row * 4 + 2], -4.0F * (float)(row * 4 + 2), 0.01F);
	}
}

static void a_network_in_memory_runs_over_inputs_of_any_length(void **state)
{
	(void)state;
	struct err err;
	struct infer_net *net = NULL;
	struct infer_request *request = NULL;
	assert_int_equal(compile(times_xml, &net, &err), ERR_OK);
	assert_int_equal(infer_request_new(net, &request, &err), ERR_OK);
	check_rows(request, 1);
	check_rows(request, 5);
	check_rows(request, 2);
	infer_request_free(request);
	infer_net_free(net);
}

static void what_is_no_network_is_refused_by_name(void **state)
{
	(void)state;
	struct err err;
	struct infer_net *net = NULL;
	assert_int_equal(compile("<?xml version=\"1.0\"?><net/>", &net, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.message, "test's net"));
	struct infer_source missing = { .name = "test's net", .path = "/nowhere/net.onnx" };
	assert_int_equal(infer_net_new(runtime, &missing, 1, &net, &err), ERR_CORRUPT);
	assert_null(net);
}

static void a_folder_without_the_library_is_said_to_be_so(void **state)
{
	(void)state;
	struct err err;
	struct infer_runtime *none = NULL;
	/* Before any other load: the library stays in the process. */
	assert_int_equal(infer_runtime_new("/nowhere", &none, &err), ERR_UNAVAILABLE);
	assert_non_null(strstr(err.message, "/nowhere"));
	assert_null(none);
}

static void what_was_never_made_can_be_freed(void **state)
{
	(void)state;
	infer_request_free(NULL);
	infer_net_free(NULL);
	infer_weights_free(NULL);
	infer_runtime_free(NULL);
}

int main(void)
{
	const struct CMUnitTest before[] = { cmocka_unit_test(a_folder_without_the_library_is_said_to_be_so) };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_in_memory_runs_over_inputs_of_any_length),
		cmocka_unit_test(what_is_no_network_is_refused_by_name),
		cmocka_unit_test(what_was_never_made_can_be_freed),
	};
	struct err err;
	int failed = cmocka_run_group_tests(before, NULL, NULL);
	if (infer_runtime_new(NULL, &runtime, &err) != ERR_OK) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	failed += cmocka_run_group_tests(tests, NULL, NULL);
	infer_runtime_free(runtime);
	return failed;
}
