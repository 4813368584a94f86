#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "models/convert.h"
#include "models/mel.h"
#include "models/vocabulary.h"
#include "support/made_models.h"
#include "support/scratch.h"

static const char words[] = "!\n\xC4\xA0the\n\n\xC3\xA9\n<|endoftext|>\n<|startoftranscript|>\n";

static struct io_map as_map(const struct strbuf *bytes)
{
	return (struct io_map){ .data = bytes->data, .size = bytes->len };
}

/* Converts into "out.bin" and reads it back. */
static enum err_code convert(const struct strbuf *model, const char *vocabulary, enum weights_type type,
			     struct strbuf *ret, struct err *err)
{
	cleanup_sink struct sink *sink = NULL;
	char sha256[SHA256_HEX_SIZE];
	struct io_map map = as_map(model);
	struct io_map vocabulary_map = { .data = vocabulary, .size = strlen(vocabulary) };
	assert_int_equal(sink_open("out.bin", NULL, &sink, NULL), ERR_OK);
	enum err_code code = convert_whisper(&map, &vocabulary_map, type, sink, err);
	if (!code)
		code = sink_finish(sink, sha256, err);
	if (!code)
		scratch_read("out.bin", ret);
	return code;
}

static void a_converted_model_is_well_formed(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf model = STRBUF_INIT(4u << 20);
	cleanup_strbuf struct strbuf out = STRBUF_INIT(4u << 20);
	struct weights_summary summary;
	struct err err;
	made_ct2_whisper(&model);
	if (convert(&model, words, WEIGHTS_F16, &out, &err))
		fail_msg("%s", err.message);
	if (weights_check(out.data, out.len, &summary, &err))
		fail_msg("%s", err.message);
	assert_int_equal(summary.vocabulary, 4);
	assert_int_equal(summary.tensors, 11 + 15 + 24);
	assert_int_equal(summary.head.n_vocab, MADE_VOCAB);
	assert_int_equal(summary.head.n_text_head, 2);
	assert_int_equal(summary.head.n_mels, MADE_MELS);
	assert_int_equal(summary.head.file_type, WEIGHTS_FILE_F16);
}

static void quantising_makes_matrices_smaller_and_keeps_the_form(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf model = STRBUF_INIT(4u << 20);
	cleanup_strbuf struct strbuf full = STRBUF_INIT(4u << 20);
	cleanup_strbuf struct strbuf small = STRBUF_INIT(4u << 20);
	struct weights_summary summary;
	struct err err;
	made_ct2_whisper(&model);
	enum err_code code = convert(&model, words, WEIGHTS_Q8_0, &small, &err);
	if (code == ERR_UNAVAILABLE)
		skip();
	assert_int_equal(code, ERR_OK);
	assert_int_equal(convert(&model, words, WEIGHTS_F16, &full, &err), ERR_OK);
	assert_int_equal(weights_check(small.data, small.len, &summary, &err), ERR_OK);
	assert_string_equal(weights_file_type_name(summary.head.file_type), "q8_0");
	/* 34 bytes for 32 values instead of 64. */
	size_t values = MADE_VOCAB * MADE_STATE + 2 * (2 * MADE_FFN * MADE_STATE) + 2 * (4 * MADE_STATE * MADE_STATE) +
			4 * MADE_STATE * MADE_STATE;
	assert_int_equal(full.len - small.len, values / 32 * 30);
}

static void a_model_cut_anywhere_in_its_head_or_first_tensors_is_refused(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf model = STRBUF_INIT(4u << 20);
	cleanup_strbuf struct strbuf out = STRBUF_INIT(4u << 20);
	struct weights_summary summary;
	made_ct2_whisper(&model);
	assert_int_equal(convert(&model, words, WEIGHTS_F16, &out, NULL), ERR_OK);
	/* Every offset up to the first tensors, then in steps; never one of them passes. */
	for (size_t len = 0; len < out.len; len += len < 8000 ? 1 : 97) {
		cleanup_free char *copy = malloc(len ? len : 1);
		memcpy(copy, out.data, len);
		assert_int_equal(weights_check(copy, len, &summary, NULL), ERR_CORRUPT);
	}
	strbuf_add_char(&out, 'x');
	assert_int_equal(weights_check(out.data, out.len, &summary, NULL), ERR_CORRUPT);
}

static void flipped_bytes_in_the_head_never_read_too_far(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf model = STRBUF_INIT(4u << 20);
	cleanup_strbuf struct strbuf out = STRBUF_INIT(4u << 20);
	struct weights_summary summary;
	made_ct2_whisper(&model);
	assert_int_equal(convert(&model, words, WEIGHTS_F16, &out, NULL), ERR_OK);
	for (size_t i = 0; i < 7000; i++) {
		char saved = out.data[i];
		out.data[i] = (char)(saved ^ 0xFF);
		enum err_code code = weights_check(out.data, out.len, &summary, NULL);
		assert_true(code == ERR_OK || code == ERR_CORRUPT);
		out.data[i] = saved;
	}
}

static void a_missing_tensor_is_named(void **state)
{
	(void)state;
	cleanup_strbuf struct strbuf model = STRBUF_INIT(4u << 20);
	cleanup_strbuf struct strbuf out = STRBUF_INIT(4u << 20);
	struct err err;
	made_ct2_whisper(&model);
	char *name = memmem(model.data, model.len, "encoder/conv2/bias", 18);
	assert_non_null(name);
	name[0] = 'E';
	assert_int_equal(convert(&model, words, WEIGHTS_F16, &out, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.message, "encoder/conv2/bias"));
}

static void a_vocabulary_is_the_same_as_lines_and_as_json(void **state)
{
	(void)state;
	static const char json[] = "[\"!\", \"\\u0120the\", \"\", \"\\u00e9\", \"<|endoftext|>\", \"<|x|>\"]";
	static const char expected[] = "\4\0\0\0\1\0\0\0!\4\0\0\0 the\0\0\0\0\1\0\0\0\xE9";
	const char *const forms[] = { words, json };
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		cleanup_strbuf struct strbuf out = STRBUF_INIT(1000);
		cleanup_sink struct sink *sink = NULL;
		char sha256[SHA256_HEX_SIZE];
		assert_int_equal(sink_open("v", NULL, &sink, NULL), ERR_OK);
		vocabulary_put(sink, forms[i], strlen(forms[i]));
		assert_int_equal(sink_finish(sink, sha256, NULL), ERR_OK);
		scratch_read("v", &out);
		assert_int_equal(out.len, sizeof expected - 1);
		assert_memory_equal(out.data, expected, out.len);
	}
}

static void a_vocabulary_without_end_or_with_foreign_characters_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
					   "a\nb\n",
					   "\xE4\xB8\xAD\n<|endoftext|>",
					   "\xFF\n<|endoftext|>",
					   "[\"a\"]",
					   "[1, \"<|endoftext|>\"]",
					   "[",
					   "a b\n<|endoftext|>\n" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cleanup_sink struct sink *sink = NULL;
		char sha256[SHA256_HEX_SIZE];
		assert_int_equal(sink_open("v", NULL, &sink, NULL), ERR_OK);
		vocabulary_put(sink, bad[i], strlen(bad[i]));
		assert_int_equal(sink_finish(sink, sha256, NULL), ERR_CORRUPT);
	}
}

static void mel_triangles_have_unit_area_and_no_negative_zero(void **state)
{
	(void)state;
	float filters[80 * MEL_COLUMNS];
	mel_filters(80, filters);
	for (int band = 0; band < 80; band++) {
		double area = 0;
		for (int column = 0; column < MEL_COLUMNS; column++) {
			float value = filters[band * MEL_COLUMNS + column];
			assert_false(signbit(value));
			area += (double)value * MEL_RATE / MEL_FFT;
		}
		/* Narrow triangles meet few bins, so the sum is only near the area. */
		assert_true(area > 0.5 && area < 1.5);
	}
	/* Spot values of the published table. */
	assert_true(fabsf(filters[1] - 0.024862593f) < 1e-8f);
	assert_true(filters[0] == 0 && filters[3] == 0);
}

static void silero_s_tensors_become_its_vad_file(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint32_t dim[3];
	} tensors[] = {
		{ "model.stft.forward_basis_buffer", { 2, 1, 4 } },
		{ "model.encoder.0.reparam_conv.weight", { 2, 3, 3 } },
		{ "model.encoder.0.reparam_conv.bias", { 2, 0, 0 } },
		{ "model.encoder.1.reparam_conv.weight", { 2, 3, 3 } },
		{ "model.encoder.1.reparam_conv.bias", { 2, 0, 0 } },
		{ "model.encoder.2.reparam_conv.weight", { 2, 3, 3 } },
		{ "model.encoder.2.reparam_conv.bias", { 2, 0, 0 } },
		{ "model.encoder.3.reparam_conv.weight", { 2, 3, 3 } },
		{ "model.encoder.3.reparam_conv.bias", { 2, 0, 0 } },
		{ "model.decoder.rnn.weight_ih", { 4, 2, 0 } },
		{ "model.decoder.rnn.weight_hh", { 4, 2, 0 } },
		{ "model.decoder.rnn.bias_ih", { 4, 0, 0 } },
		{ "model.decoder.rnn.bias_hh", { 4, 0, 0 } },
		{ "model.decoder.decoder.2.weight", { 1, 4, 1 } },
		{ "model.decoder.decoder.2.bias", { 1, 0, 0 } },
	};
	for (size_t left_out = 0; left_out <= ARRAY_LEN(tensors); left_out++) {
		cleanup_strbuf struct strbuf graph = STRBUF_INIT(1u << 20);
		cleanup_strbuf struct strbuf file = STRBUF_INIT(1u << 20);
		cleanup_sink struct sink *sink = NULL;
		struct err err;
		for (size_t i = 0; i < ARRAY_LEN(tensors); i++) {
			if (i != left_out)
				made_onnx_tensor(&graph, tensors[i].name, tensors[i].dim);
		}
		made_onnx_file(&file, &graph);
		struct io_map map = as_map(&file);
		assert_int_equal(sink_open("v", NULL, &sink, NULL), ERR_OK);
		bool whole = left_out == ARRAY_LEN(tensors);
		assert_int_equal(convert_silero(&map, sink, &err), whole ? ERR_OK : ERR_CORRUPT);
		if (!whole)
			assert_non_null(strstr(err.message, tensors[left_out].name));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)
	const struct CMUnitTest tests[] = {
		TEST(a_converted_model_is_well_formed),
		TEST(quantising_makes_matrices_smaller_and_keeps_the_form),
		TEST(a_model_cut_anywhere_in_its_head_or_first_tensors_is_refused),
		TEST(flipped_bytes_in_the_head_never_read_too_far),
		TEST(a_missing_tensor_is_named),
		TEST(a_vocabulary_is_the_same_as_lines_and_as_json),
		TEST(a_vocabulary_without_end_or_with_foreign_characters_is_refused),
		TEST(mel_triangles_have_unit_area_and_no_negative_zero),
		TEST(silero_s_tensors_become_its_vad_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
