#include "asr/whisper_encoder_graph.h"

#include "asr_test.h"

enum { LAYERS = 2, STATE = 64, MELS = 80, PER_LAYER = 15, OUTSIDE = 6, MATRICES_PER_LAYER = 6, CONVOLUTIONS = 2 };

static struct weights_head head_of(uint32_t file_type)
{
	return (struct weights_head){ .n_audio_ctx = 1500,
				      .n_audio_state = STATE,
				      .n_audio_head = 2,
				      .n_audio_layer = LAYERS,
				      .n_mels = MELS,
				      .file_type = file_type };
}

static size_t count_content(const struct encoder_graph *graph, enum encoder_content content)
{
	size_t count = 0;
	for (size_t i = 0; i < graph->count; i++)
		count += graph->constants[i].content == content;
	return count;
}

static void write_graph(uint32_t file_type, struct encoder_graph *ret)
{
	struct err err;
	struct weights_head head = head_of(file_type);
	assert_ok(encoder_graph_write(&head, ret, &err), &err);
}

static void every_tensor_of_the_encoder_has_its_place(void **state)
{
	(void)state;
	cleanup_encoder_graph struct encoder_graph graph = { 0 };
	write_graph(WEIGHTS_FILE_F16, &graph);
	assert_int_equal(count_content(&graph, ENCODER_HALVES), LAYERS * MATRICES_PER_LAYER);
	assert_int_equal(count_content(&graph, ENCODER_HALVES) + count_content(&graph, ENCODER_FLOATS),
			 LAYERS * PER_LAYER + OUTSIDE);
	for (size_t i = 0; i < graph.count; i++) {
		for (size_t j = 0; j < i; j++)
			assert_true(graph.constants[i].content == ENCODER_NUMBERS ||
				    strcmp(graph.constants[i].tensor, graph.constants[j].tensor) != 0);
	}
}

static void constants_lie_aligned_one_behind_the_other(void **state)
{
	(void)state;
	static const uint64_t sizes[] = { [ENCODER_NUMBERS] = 8,
					  [ENCODER_FLOATS] = 4,
					  [ENCODER_HALVES] = 2,
					  [ENCODER_Q8_VALUES] = 1,
					  [ENCODER_Q8_SCALES] = 2 };
	cleanup_encoder_graph struct encoder_graph graph = { 0 };
	write_graph(WEIGHTS_FILE_Q8_0, &graph);
	uint64_t end = 0;
	for (size_t i = 0; i < graph.count; i++) {
		const struct encoder_constant *c = &graph.constants[i];
		assert_int_equal(c->offset % 64, 0);
		assert_true(c->offset >= end && c->elements > 0);
		end = c->offset + c->elements * sizes[c->content];
	}
	assert_true(graph.weights_bytes >= end && graph.weights_bytes < end + 64);
}

static void weights_of_8_bits_stay_so(void **state)
{
	(void)state;
	cleanup_encoder_graph struct encoder_graph graph = { 0 };
	write_graph(WEIGHTS_FILE_Q8_0, &graph);
	assert_int_equal(count_content(&graph, ENCODER_HALVES), 0);
	assert_int_equal(count_content(&graph, ENCODER_Q8_VALUES), LAYERS * MATRICES_PER_LAYER);
	assert_int_equal(count_content(&graph, ENCODER_Q8_SCALES), LAYERS * MATRICES_PER_LAYER);
}

static void a_graph_of_the_largest_head_fits(void **state)
{
	(void)state;
	struct err err;
	struct weights_head head = head_of(WEIGHTS_FILE_Q8_0);
	head.n_audio_layer = 256;
	head.n_audio_state = 16384;
	head.n_audio_head = 256;
	cleanup_encoder_graph struct encoder_graph graph = { 0 };
	assert_ok(encoder_graph_write(&head, &graph, &err), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tensor_of_the_encoder_has_its_place),
		cmocka_unit_test(constants_lie_aligned_one_behind_the_other),
		cmocka_unit_test(weights_of_8_bits_stay_so),
		cmocka_unit_test(a_graph_of_the_largest_head_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
