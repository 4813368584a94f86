#include "asr_test.h"

#include "asr/cutter.h"
#include "base/limits.h"
#include "tone_vad.h"

enum { PARTS_MAX = 64, S = AUDIO_RATE, SLACK = AUDIO_RATE / 10, PAD = 3 * S / 10 };

struct kept {
	size_t count;
	struct asr_part parts[PARTS_MAX];
	int64_t samples;
	int64_t last_end;
};

/* Checks what holds for every part, and keeps it. */
static enum err_code keep(void *ctx, const struct asr_part *part, struct err *err)
{
	struct kept *kept = ctx;
	(void)err;
	assert_true(kept->count < PARTS_MAX);
	assert_int_equal(part->index, kept->count);
	assert_true(part->sample_count > 0 && part->sample_count <= LIMIT_PART_MAX_S * AUDIO_RATE);
	uint32_t at = 0;
	for (uint32_t i = 0; i < part->span_count; i++) {
		assert_int_equal(part->spans[i].part, at);
		assert_true(part->spans[i].length > 0);
		assert_true(part->spans[i].source >= kept->last_end);
		at += part->spans[i].length;
		kept->last_end = part->spans[i].source + part->spans[i].length;
	}
	assert_int_equal(at, part->sample_count);
	kept->samples += part->sample_count;
	kept->parts[kept->count++] = *part;
	return ERR_OK;
}

struct fixture {
	struct asr_vad_weights *weights;
	struct asr_cutter *cutter;
	struct kept kept;
};

static int setup(void **state)
{
	struct err err;
	struct fixture *f = calloc(1, sizeof *f);
	f->weights = tone_vad_new();
	assert_ok(asr_cutter_new(f->weights, keep, &f->kept, &f->cutter, &err), &err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	asr_cutter_free(f->cutter);
	asr_vad_weights_free(f->weights);
	free(f);
	return 0;
}

/* Pushes seconds of tone or silence in pieces that fit no chunk. */
static void push(struct fixture *f, double seconds, bool speech)
{
	enum { PIECE = 16 * 61 };
	struct err err;
	int16_t samples[PIECE] = { 0 };
	if (speech)
		tone(samples, PIECE);
	for (size_t left = (size_t)(seconds * AUDIO_RATE); left > 0;) {
		size_t n = left < PIECE ? left : PIECE;
		assert_ok(asr_cutter_push(f->cutter, samples, n, &err), &err);
		left -= n;
	}
}

static void finish(struct fixture *f)
{
	struct err err;
	assert_ok(asr_cutter_finish(f->cutter, &err), &err);
}

static void silence_of_any_length_makes_no_part(void **state)
{
	struct fixture *f = *state;
	push(f, 600, false);
	finish(f);
	assert_int_equal(f->kept.count, 0);
}

static void clicks_make_no_part(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 20; i++) {
		push(f, 0.05, true);
		push(f, 1, false);
	}
	finish(f);
	assert_int_equal(f->kept.count, 0);
}

static void silence_is_left_out_and_padding_is_kept(void **state)
{
	struct fixture *f = *state;
	push(f, 5, false);
	push(f, 2, true);
	push(f, 30, false);
	push(f, 3, true);
	push(f, 5, false);
	finish(f);
	assert_int_equal(f->kept.count, 1);
	const struct asr_part *part = &f->kept.parts[0];
	assert_int_equal(part->span_count, 2);
	assert_in_range(part->spans[0].source, 5 * S - PAD - SLACK, 5 * S - PAD + SLACK);
	assert_in_range(part->spans[0].length, 2 * S + 2 * PAD - SLACK, 2 * S + 2 * PAD + SLACK);
	assert_in_range(part->spans[1].source, 37 * S - PAD - SLACK, 37 * S - PAD + SLACK);
}

static void parts_are_cut_at_pauses(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 20; i++) {
		push(f, 5.5, true);
		push(f, 1, false);
	}
	finish(f);
	/* Three times 6.1 s is within the limit of 20 s. */
	assert_int_equal(f->kept.count, 7);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(f->kept.parts[i].span_count, 3);
}

static void a_short_pause_is_a_place_to_cut(void **state)
{
	struct fixture *f = *state;
	push(f, 12, true);
	push(f, 0.5, false);
	push(f, 12, true);
	finish(f);
	assert_int_equal(f->kept.count, 2);
	assert_in_range(f->kept.parts[0].sample_count, 12 * S, 12 * S + S / 2);
	/* Nothing is lost and nothing is heard twice. */
	assert_in_range(f->kept.samples, 24 * S + S / 2 - SLACK, 24 * S + S / 2 + SLACK);
}

static void speech_without_a_pause_is_cut_before_the_limit(void **state)
{
	struct fixture *f = *state;
	push(f, 300, true);
	finish(f);
	assert_true(f->kept.count >= 11);
	assert_in_range(f->kept.samples, 300 * S - SLACK, 300 * S);
	for (size_t i = 0; i < f->kept.count; i++)
		assert_int_equal(f->kept.parts[i].span_count, 1);
}

static void a_part_that_one_run_has_filled_is_closed(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 5; i++) {
		push(f, 27.3, true);
		push(f, 0.6, false);
	}
	finish(f);
	assert_int_equal(f->kept.count, 5);
	assert_in_range(f->kept.samples, 5 * 27 * S, 5 * 28 * S);
}

static void the_end_of_the_recording_ends_the_last_part(void **state)
{
	struct fixture *f = *state;
	push(f, 1.2345, true);
	finish(f);
	assert_int_equal(f->kept.count, 1);
	assert_int_equal(f->kept.parts[0].sample_count, (int)(1.2345 * S));
}

static enum err_code refuse(void *ctx, const struct asr_part *part, struct err *err)
{
	(void)ctx;
	(void)part;
	return err_set(err, ERR_CANCELLED, "no more");
}

static void an_error_of_the_receiver_ends_the_stream(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct asr_cutter *cutter;
	cleanup_free int16_t *samples = malloc(60 * S * sizeof *samples);
	tone(samples, 60 * S);
	assert_ok(asr_cutter_new(f->weights, refuse, NULL, &cutter, &err), &err);
	assert_int_equal(asr_cutter_push(cutter, samples, 60 * S, &err), ERR_CANCELLED);
	asr_cutter_free(cutter);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(silence_of_any_length_makes_no_part),	     T(clicks_make_no_part),
		T(silence_is_left_out_and_padding_is_kept),  T(parts_are_cut_at_pauses),
		T(a_short_pause_is_a_place_to_cut),	     T(speech_without_a_pause_is_cut_before_the_limit),
		T(a_part_that_one_run_has_filled_is_closed), T(the_end_of_the_recording_ends_the_last_part),
		T(an_error_of_the_receiver_ends_the_stream),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
