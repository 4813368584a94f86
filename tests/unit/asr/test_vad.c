#include "asr_test.h"

#include "tone_vad.h"

static float noise(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return (float)(int32_t)*seed / 2147483648.0F;
}

static void both_builds_of_the_network_agree(void **state)
{
	(void)state;
#ifdef __x86_64__
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
		skip();
	struct err err;
	uint32_t seed = 1;
	struct asr_vad_weights *w = calloc(1, sizeof *w);
	float *values = (float *)w;
	for (size_t i = 0; i < sizeof *w / sizeof *values; i++)
		values[i] = 0.1F * noise(&seed);
	/* What lies behind a layer's last input is zero, as the loader leaves it. */
	for (int layer = 0; layer < LAYERS; layer++)
		for (int o = 0; o < 128; o++)
			for (int i = TAPS * layers[layer].in; i < PADDED(TAPS * WIDEST); i++)
				w->conv[layer].weights[o][i] = 0.0F;
	struct asr_vad *a;
	struct asr_vad *b;
	assert_ok(asr_vad_new(w, &a, &err), &err);
	assert_ok(asr_vad_new(w, &b, &err), &err);
	a->net = asr_vad_net;
	b->net = asr_vad_net_avx2;
	for (int chunk = 0; chunk < 50; chunk++) {
		int16_t samples[ASR_VAD_CHUNK];
		for (int i = 0; i < ASR_VAD_CHUNK; i++)
			samples[i] = (int16_t)(20000.0F * noise(&seed));
		assert_float_equal(asr_vad_next(a, samples), asr_vad_next(b, samples), 1e-4F);
	}
	asr_vad_free(a);
	asr_vad_free(b);
	asr_vad_weights_free(w);
#endif
}

static void a_tone_is_heard_and_silence_is_not(void **state)
{
	(void)state;
	struct err err;
	int16_t samples[ASR_VAD_CHUNK] = { 0 };
	struct asr_vad_weights *w = tone_vad_new();
	struct asr_vad *vad;
	assert_ok(asr_vad_new(w, &vad, &err), &err);
	assert_true(asr_vad_next(vad, samples) < 0.1F);
	tone(samples, ASR_VAD_CHUNK);
	assert_true(asr_vad_next(vad, samples) > 0.9F);
	memset(samples, 0, sizeof samples);
	(void)asr_vad_next(vad, samples);
	assert_true(asr_vad_next(vad, samples) < 0.1F);
	asr_vad_free(vad);
	asr_vad_weights_free(w);
}

static void what_is_no_model_is_refused(void **state)
{
	(void)state;
	struct err err;
	struct asr_vad_weights *w = NULL;
	assert_int_equal(asr_vad_weights_load("", 0, &w, &err), ERR_CORRUPT);
	assert_int_equal(asr_vad_weights_load("lmgg silero", 11, &w, &err), ERR_CORRUPT);
	assert_null(w);
}

static void a_damaged_model_is_refused(void **state)
{
	(void)state;
	struct err err;
	struct asr_vad_weights *w = NULL;
	cleanup_strbuf struct strbuf file = STRBUF_INIT((size_t)1 << 24);
	int fd = open_model("ggml-silero-v6.2.0.bin");
	if (fd < 0)
		skip();
	read_all(fd, &file);
	assert_ok(asr_vad_weights_load(file.data, file.len, &w, &err), &err);
	asr_vad_weights_free(w);
	w = NULL;
	for (size_t len = 0; len < file.len; len += 9973)
		assert_int_equal(asr_vad_weights_load(file.data, len, &w, &err), ERR_CORRUPT);
	/* The name of the first tensor. */
	file.data[110] ^= 1;
	assert_int_equal(asr_vad_weights_load(file.data, file.len, &w, &err), ERR_CORRUPT);
	assert_null(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_builds_of_the_network_agree),
		cmocka_unit_test(a_tone_is_heard_and_silence_is_not),
		cmocka_unit_test(what_is_no_model_is_refused),
		cmocka_unit_test(a_damaged_model_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
