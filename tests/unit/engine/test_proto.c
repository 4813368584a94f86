/* Messages between node and engine: what is packed comes out again, what is malformed does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "engine/proto.h"

static void an_open_message_comes_out_as_it_went_in(void **state)
{
	(void)state;
	cleanup_free struct engine_open *in = calloc(1, sizeof *in);
	cleanup_free struct engine_open *out = calloc(1, sizeof *out);
	in->fake = true;
	in->threads = 7;
	in->has_pages = true;
	(void)snprintf(in->tessdata, sizeof in->tessdata, "/usr/share/tessdata");
	cleanup_strbuf struct strbuf bytes = STRBUF_INIT(LIMIT_FRAME_PAYLOAD);
	struct err err;
	engine_open_pack(in, &bytes);
	assert_int_equal(engine_open_unpack(bytes.data, bytes.len, out, &err), ERR_OK);
	assert_int_equal(out->threads, 7);
	assert_true(out->fake && out->has_pages);
	assert_string_equal(out->tessdata, in->tessdata);
	assert_string_equal(out->openvino, "");
}

static void every_cut_message_is_refused(void **state)
{
	(void)state;
	struct asr_options options = { .language = "de", .threads = 2, .prompt = "Tiro" };
	cleanup_strbuf struct strbuf bytes = STRBUF_INIT(LIMIT_FRAME_PAYLOAD);
	engine_options_pack(&options, &bytes);
	struct asr_options out;
	struct err err;
	assert_int_equal(engine_options_unpack(bytes.data, bytes.len, &out, &err), ERR_OK);
	assert_string_equal(out.prompt, "Tiro");
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_equal(engine_options_unpack(bytes.data, len, &out, &err), ERR_PROTOCOL);
	strbuf_add_char(&bytes, 'x');
	assert_int_equal(engine_options_unpack(bytes.data, bytes.len, &out, &err), ERR_PROTOCOL);
}

static enum err_code pass_raster(uint32_t width, uint32_t height, uint32_t channels, uint32_t stride)
{
	struct engine_page_task task = {
		.raster = { .width = width, .height = height, .channels = channels, .stride = stride }
	};
	cleanup_strbuf struct strbuf bytes = STRBUF_INIT(LIMIT_FRAME_PAYLOAD);
	engine_page_task_pack(&task, &bytes);
	struct engine_page_task out;
	struct err err;
	return engine_page_task_unpack(bytes.data, bytes.len, &out, &err);
}

static void a_raster_that_lies_about_its_size_is_refused(void **state)
{
	(void)state;
	assert_int_equal(pass_raster(100, 200, 3, 300), ERR_OK);
	assert_int_equal(pass_raster(0, 200, 1, 100), ERR_PROTOCOL);
	assert_int_equal(pass_raster(100, 200, 2, 300), ERR_PROTOCOL);
	assert_int_equal(pass_raster(100, 200, 3, 299), ERR_PROTOCOL);
	assert_int_equal(pass_raster(LIMIT_PAGE_SIDE + 1, 1, 1, LIMIT_PAGE_SIDE + 1), ERR_PROTOCOL);
	assert_int_equal(pass_raster(30000, 30000, 1, 30000), ERR_PROTOCOL);
	assert_int_equal(pass_raster(100, 200, 1, UINT32_MAX), ERR_PROTOCOL);
}

static void an_outcome_carries_its_result_or_its_reason(void **state)
{
	(void)state;
	struct engine_outcome in = { .busy_us = 5, .result = "abc", .result_len = 3 };
	struct engine_outcome out;
	struct err err;
	cleanup_strbuf struct strbuf bytes = STRBUF_INIT(LIMIT_FRAME_PAYLOAD);
	engine_outcome_pack(&in, &bytes);
	assert_int_equal(engine_outcome_unpack(bytes.data, bytes.len, &out, &err), ERR_OK);
	assert_int_equal(out.why.code, ERR_OK);
	assert_memory_equal(out.result, "abc", 3);
	strbuf_clear(&bytes);
	in = (struct engine_outcome){ 0 };
	(void)err_set(&in.why, ERR_CANCELLED, "the part was cancelled");
	engine_outcome_pack(&in, &bytes);
	assert_int_equal(engine_outcome_unpack(bytes.data, bytes.len, &out, &err), ERR_OK);
	assert_int_equal(out.why.code, ERR_CANCELLED);
	assert_string_equal(out.why.message, "the part was cancelled");
	assert_null(out.result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_open_message_comes_out_as_it_went_in),
		cmocka_unit_test(every_cut_message_is_refused),
		cmocka_unit_test(a_raster_that_lies_about_its_size_is_refused),
		cmocka_unit_test(an_outcome_carries_its_result_or_its_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
