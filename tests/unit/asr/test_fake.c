#include "asr_test.h"

#include "asr/engine.h"
#include "base/limits.h"

enum { COUNT = 5 * AUDIO_RATE };

struct fixture {
	struct asr_model *model;
	struct asr_session *session;
	int16_t samples[COUNT];
	struct asr_options options;
};

static int setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_ok(asr_fake_engine.model_open(&(struct asr_model_spec){ .fd = -1, .sessions = 1 }, &f->model, &err),
		  &err);
	assert_ok(asr_fake_engine.session_open(f->model, &f->session, &err), &err);
	for (int i = 0; i < COUNT; i++)
		f->samples[i] = (int16_t)(i * 7919 % 20000 - 10000);
	f->options.threads = 1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	asr_fake_engine.session_close(f->session);
	asr_fake_engine.model_close(f->model);
	free(f);
	return 0;
}

static enum err_code recognise(struct fixture *f, size_t count, asr_abort_fn *abort_fn, struct asr_transcript *ret)
{
	struct err err;
	return asr_fake_engine.recognise(f->session, f->samples, count, &f->options, abort_fn, NULL, ret, &err);
}

static bool always(void *ctx)
{
	(void)ctx;
	return true;
}

static void the_same_samples_are_the_same_words(void **state)
{
	struct fixture *f = *state;
	cleanup_transcript struct asr_transcript a;
	cleanup_transcript struct asr_transcript b;
	assert_int_equal(recognise(f, COUNT, NULL, &a), ERR_OK);
	assert_int_equal(recognise(f, COUNT, NULL, &b), ERR_OK);
	assert_int_equal(a.word_count, 10);
	assert_int_equal(a.text.len, b.text.len);
	assert_memory_equal(a.text.data, b.text.data, a.text.len);
	assert_int_equal(a.segment_count, 2);
}

static void silence_has_no_words(void **state)
{
	struct fixture *f = *state;
	cleanup_transcript struct asr_transcript t;
	memset(f->samples, 0, sizeof f->samples);
	assert_int_equal(recognise(f, COUNT, NULL, &t), ERR_OK);
	assert_int_equal(t.word_count, 0);
	assert_int_equal(recognise(f, 0, NULL, &t), ERR_OK);
}

static void it_stops_when_asked(void **state)
{
	struct fixture *f = *state;
	cleanup_transcript struct asr_transcript t;
	(void)snprintf(f->options.prompt, sizeof f->options.prompt, "%s", "fake:sleep=100000");
	assert_int_equal(recognise(f, COUNT, always, &t), ERR_CANCELLED);
	assert_int_equal(t.word_count, 0);
}

static void it_fails_when_told(void **state)
{
	struct fixture *f = *state;
	cleanup_transcript struct asr_transcript t;
	(void)snprintf(f->options.prompt, sizeof f->options.prompt, "%s", "fake:fail");
	assert_int_equal(recognise(f, COUNT, NULL, &t), ERR_INTERNAL);
}

static void an_unknown_language_is_refused(void **state)
{
	struct fixture *f = *state;
	cleanup_transcript struct asr_transcript t;
	(void)snprintf(f->options.language, sizeof f->options.language, "%s", "xx");
	assert_int_equal(recognise(f, COUNT, NULL, &t), ERR_INVALID);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_same_samples_are_the_same_words),
		T(silence_has_no_words),
		T(it_stops_when_asked),
		T(it_fails_when_told),
		T(an_unknown_language_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
