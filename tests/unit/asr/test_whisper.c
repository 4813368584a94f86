/* With a real model; skipped where it is not installed. */
#include "asr_test.h"

#include <whisper.h>

#include "asr/engine.h"
#include "asr/whisper_priv.h"
#include "base/clock.h"
#include "base/limits.h"
#include "models/weights.h"

enum { COUNT_MAX = LIMIT_PART_MAX_S * AUDIO_RATE };

static struct asr_model *model;
static const char *openvino; /* NULL, then ASR_NO_OPENVINO: everything is tried with both encoders */

struct fixture {
	struct asr_session *session;
	struct asr_options options;
	int16_t samples[COUNT_MAX];
	int64_t stop_us;
};

static enum err_code open_engine(int fd, struct asr_model **ret, struct err *err)
{
	struct asr_model_spec spec = { .fd = fd, .sessions = 1, .openvino = openvino };
	return asr_whisper_engine.model_open(&spec, ret, err);
}

static int setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	assert_ok(asr_whisper_engine.session_open(model, &f->session, &err), &err);
	f->options = (struct asr_options){ .language = "en", .threads = 1, .alone = true };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	asr_whisper_engine.session_close(f->session);
	free(f);
	return 0;
}

/* Reads the speech of a WAV file of the samples; 0 where it is absent. */
static size_t read_sample(struct fixture *f, const char *name)
{
	cleanup_strbuf struct strbuf wav = STRBUF_INIT((size_t)1 << 24);
	int fd = open_sample(name);
	if (fd < 0)
		return 0;
	read_all(fd, &wav);
	size_t count = (wav.len - WAV_HEAD) / sizeof(int16_t);
	memcpy(f->samples, wav.data + WAV_HEAD, count * sizeof(int16_t));
	return count;
}

static enum err_code recognise(struct fixture *f, size_t count, asr_abort_fn *abort_fn, struct asr_transcript *ret)
{
	struct err err;
	return asr_whisper_engine.recognise(f->session, f->samples, count, &f->options, abort_fn, f, ret, &err);
}

static void speech_becomes_words_with_times(void **state)
{
	struct fixture *f = *state;
	cleanup_transcript struct asr_transcript t;
	cleanup_strbuf struct strbuf text = STRBUF_INIT(4096);
	size_t count = read_sample(f, "speech/en-jfk.wav");
	if (count == 0)
		skip();
	f->options.language[0] = '\0';
	assert_int_equal(recognise(f, count, NULL, &t), ERR_OK);
	assert_string_equal(t.language, "en");
	assert_true(t.language_confidence > 0.8F);
	asr_transcript_text(&t, 0, t.word_count, &text);
	assert_non_null(strstr(strbuf_str(&text), "ask what you can do for your country"));
	assert_in_range(t.duration_us, 10900000, 11100000);
	for (size_t i = 0; i < t.word_count; i++) {
		assert_true(t.words[i].end_us >= t.words[i].start_us && t.words[i].end_us <= t.duration_us);
		assert_true(i == 0 || t.words[i].start_us >= t.words[i - 1].start_us);
	}
	/* "country" is the last word and is said in the last two seconds. */
	assert_true(t.words[t.word_count - 1].start_us > 9000000);
}

static void what_an_engine_says_can_be_packed_and_read_back(void **state)
{
	struct fixture *f = *state;
	struct err err;
	cleanup_transcript struct asr_transcript t;
	cleanup_transcript struct asr_transcript back;
	cleanup_strbuf struct strbuf packed = STRBUF_INIT((size_t)1 << 20);
	size_t count = read_sample(f, "speech/en-jfk.wav");
	if (count == 0)
		skip();
	assert_int_equal(recognise(f, count, NULL, &t), ERR_OK);
	asr_transcript_pack(&t, &packed);
	assert_ok(asr_transcript_unpack(packed.data, packed.len, &back, &err), &err);
	assert_int_equal(back.word_count, t.word_count);
}

static void the_encoder_is_the_one_that_was_asked_for(void **state)
{
	(void)state;
	assert_true((model->encoder != NULL) == (openvino == NULL));
}

static void silence_has_no_words(void **state)
{
	struct fixture *f = *state;
	cleanup_transcript struct asr_transcript t;
	cleanup_transcript struct asr_transcript shorter;
	assert_int_equal(recognise(f, 3 * AUDIO_RATE, NULL, &t), ERR_OK);
	assert_int_equal(t.word_count, 0);
	assert_int_equal(recognise(f, 0, NULL, &shorter), ERR_OK);
	assert_int_equal(shorter.word_count, 0);
}

static bool stop_soon(void *ctx)
{
	struct fixture *f = ctx;
	if (f->stop_us == 0)
		f->stop_us = clock_monotonic_us();
	return true;
}

static void it_stops_at_once_and_goes_on_afterwards(void **state)
{
	struct fixture *f = *state;
	cleanup_transcript struct asr_transcript t;
	cleanup_transcript struct asr_transcript again;
	size_t count = read_sample(f, "speech/en-jfk.wav");
	if (count == 0)
		skip();
	assert_int_equal(recognise(f, count, stop_soon, &t), ERR_CANCELLED);
	assert_int_equal(t.word_count, 0);
	assert_true(clock_monotonic_us() - f->stop_us < US_PER_S);
	assert_int_equal(recognise(f, count, NULL, &again), ERR_OK);
	assert_true(again.word_count > 15);
}

static void a_language_that_it_does_not_know_is_refused(void **state)
{
	struct fixture *f = *state;
	cleanup_transcript struct asr_transcript t;
	(void)snprintf(f->options.language, sizeof f->options.language, "%s", "xx");
	assert_int_equal(recognise(f, AUDIO_RATE, NULL, &t), ERR_INVALID);
}

static void languages_come_with_the_best_first(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct asr_language_score scores[3];
	size_t count = read_sample(f, "speech/en-jfk.wav");
	size_t found;
	if (count == 0)
		skip();
	assert_ok(asr_whisper_engine.detect(f->session, f->samples, count, 1, scores, 3, &found, &err), &err);
	assert_int_equal(found, 3);
	assert_string_equal(scores[0].language, "en");
	assert_true(scores[0].probability > scores[1].probability && scores[1].probability >= scores[2].probability);
}

static void what_is_no_model_is_refused(void **state)
{
	(void)state;
	struct err err;
	struct asr_model *none = NULL;
	int fd;
	assert_ok(io_memfd("model", &fd, &err), &err);
	assert_int_equal(open_engine(fd, &none, &err), ERR_BAD_MEDIA);
	assert_ok(io_write_all(fd, "lmgg and so on and so on and so on and so on and so on", 54, &err), &err);
	assert_int_equal(open_engine(fd, &none, &err), ERR_BAD_MEDIA);
	close(fd);
	assert_null(none);
}

static void a_model_that_ends_early_is_refused(void **state)
{
	(void)state;
	struct err err;
	struct asr_model *none = NULL;
	cleanup_free char *half = malloc((size_t)40 << 20);
	int fd = open_model("ggml-base-q8_0.bin");
	assert_ok(io_pread_all(fd, half, (size_t)40 << 20, 0, &err), &err);
	close(fd);
	assert_ok(io_memfd("model", &fd, &err), &err);
	assert_ok(io_write_all(fd, half, (size_t)40 << 20, &err), &err);
	assert_int_equal(open_engine(fd, &none, &err), ERR_CORRUPT);
	close(fd);
}

/* Each of these made whisper.cpp write outside of its memory: they must not come as far as to it. */
static void a_head_that_is_no_whisper_models_is_refused(void **state)
{
	(void)state;
	static const struct weights_head base = { 51865, 1500, 512, 8, 6, 448, 512, 8, 6, 80, WEIGHTS_FILE_Q8_0 };
	struct weights_head heads[] = { base, base, base, base, base };
	heads[0].n_vocab = 1000;
	heads[1].n_vocab = 1000000;
	heads[2].n_text_ctx = 1;
	heads[3].n_mels = 8;
	heads[4].n_text_state = 1024;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct err err;
		struct asr_model *none = NULL;
		const uint32_t magic = WEIGHTS_MAGIC;
		cleanup_close int fd = -1;
		assert_ok(io_memfd("model", &fd, &err), &err);
		assert_ok(io_write_all(fd, &magic, sizeof magic, &err), &err);
		assert_ok(io_write_all(fd, &heads[i], sizeof heads[i], &err), &err);
		/* A head that passes gets ERR_CORRUPT, for nothing follows it. */
		assert_int_equal(open_engine(fd, &none, &err), ERR_BAD_MEDIA);
	}
}

static void every_language_of_whisper_has_its_name_both_ways(void **state)
{
	(void)state;
	assert_in_range(whisper_lang_max_id(), 98, ASR_WHISPER_LANGUAGES);
	for (int i = 0; i <= whisper_lang_max_id(); i++) {
		char code[ASR_LANGUAGE_SIZE];
		const char *name = asr_language_name(whisper_lang_str(i));
		assert_non_null(name);
		assert_string_equal(name, whisper_lang_str_full(i));
		assert_true(asr_language_code(name, code));
		assert_string_equal(code, whisper_lang_str(i));
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Every test with one of the encoders. */
static int run_all(const char *with_openvino)
{
	const struct CMUnitTest tests[] = {
		T(speech_becomes_words_with_times),
		T(what_an_engine_says_can_be_packed_and_read_back),
		T(the_encoder_is_the_one_that_was_asked_for),
		T(silence_has_no_words),
		T(it_stops_at_once_and_goes_on_afterwards),
		T(a_language_that_it_does_not_know_is_refused),
		T(languages_come_with_the_best_first),
		T(what_is_no_model_is_refused),
		T(a_model_that_ends_early_is_refused),
		T(a_head_that_is_no_whisper_models_is_refused),
		T(every_language_of_whisper_has_its_name_both_ways),
	};
	openvino = with_openvino;
	struct err err;
	int fd = open_model("ggml-base-q8_0.bin");
	if (fd < 0)
		return TEST_SKIPPED;
	enum err_code code = open_engine(fd, &model, &err);
	close(fd);
	if (code) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	asr_whisper_engine.model_close(model);
	return failed;
}

int main(void)
{
	int first = run_all(NULL);
	return first ? first : run_all(ASR_NO_OPENVINO);
}
