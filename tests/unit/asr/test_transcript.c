#include "asr_test.h"

#include "asr/transcript.h"

static void add_word(struct asr_transcript *t, int64_t start_us, int64_t end_us, const char *text)
{
	struct err err;
	struct asr_word word = { .start_us = start_us,
				 .end_us = end_us,
				 .confidence = 0.5F,
				 .space_before = t->word_count > 0,
				 .speaker = ASR_NO_SPEAKER };
	assert_ok(asr_transcript_add_word(t, &word, text, strlen(text), &err), &err);
}

static void add_segment(struct asr_transcript *t, uint32_t first, uint32_t count)
{
	struct err err;
	struct asr_segment segment = { .start_us = t->words[first].start_us,
				       .end_us = t->words[first + count - 1].end_us,
				       .first_word = first,
				       .word_count = count,
				       .avg_logprob = -0.25F,
				       .no_speech_prob = 0.01F,
				       .compression_ratio = 1.5F,
				       .temperature = 0.4F,
				       .language = "fa" };
	assert_ok(asr_transcript_add_segment(t, &segment, &err), &err);
}

static void make_transcript(struct asr_transcript *t)
{
	asr_transcript_init(t);
	memcpy(t->language, "fa", sizeof "fa");
	t->language_confidence = 0.75F;
	t->duration_us = 3000000;
	add_word(t, 0, 500000, "سلام");
	add_word(t, 500000, 900000, "دنیا");
	add_word(t, 1500000, 2000000, "one.");
	add_segment(t, 0, 2);
	add_segment(t, 2, 1);
}

static void what_was_packed_is_unpacked(void **state)
{
	(void)state;
	struct err err;
	cleanup_transcript struct asr_transcript t;
	cleanup_transcript struct asr_transcript back;
	cleanup_strbuf struct strbuf packed = STRBUF_INIT(4096);
	cleanup_strbuf struct strbuf again = STRBUF_INIT(4096);
	cleanup_strbuf struct strbuf text = STRBUF_INIT(4096);
	make_transcript(&t);
	asr_transcript_pack(&t, &packed);
	assert_ok(asr_transcript_unpack(packed.data, packed.len, &back, &err), &err);
	asr_transcript_pack(&back, &again);
	assert_int_equal(packed.len, again.len);
	assert_memory_equal(packed.data, again.data, packed.len);
	assert_int_equal(back.segments[1].first_word, 2);
	asr_transcript_text(&back, 0, back.word_count, &text);
	assert_string_equal(strbuf_str(&text), "سلام دنیا one.");
}

static void a_cut_message_is_refused(void **state)
{
	(void)state;
	struct err err;
	cleanup_transcript struct asr_transcript t;
	cleanup_strbuf struct strbuf packed = STRBUF_INIT(4096);
	make_transcript(&t);
	asr_transcript_pack(&t, &packed);
	for (size_t len = 0; len < packed.len; len++) {
		/* A copy of just that length, so that a sanitizer sees any read behind it. */
		cleanup_free char *cut = malloc(len + 1);
		memcpy(cut, packed.data, len);
		struct asr_transcript back;
		assert_int_equal(asr_transcript_unpack(cut, len, &back, &err), ERR_PROTOCOL);
		assert_null(back.words);
	}
}

static enum err_code unpack_changed(void (*change)(struct asr_transcript *t))
{
	struct err err;
	cleanup_transcript struct asr_transcript t;
	cleanup_transcript struct asr_transcript back;
	cleanup_strbuf struct strbuf packed = STRBUF_INIT(4096);
	make_transcript(&t);
	change(&t);
	asr_transcript_pack(&t, &packed);
	return asr_transcript_unpack(packed.data, packed.len, &back, &err);
}

static void step_back(struct asr_transcript *t)
{
	t->words[1].start_us = -5;
}

static void end_before_start(struct asr_transcript *t)
{
	t->words[2].end_us = t->words[2].start_us - 1;
}

static void break_utf8(struct asr_transcript *t)
{
	t->text.data[1] = 'x';
}

static void leave_a_word_out(struct asr_transcript *t)
{
	t->segment_count = 1;
}

static void cover_too_much(struct asr_transcript *t)
{
	t->segments[1].word_count = 2;
}

static void be_too_sure(struct asr_transcript *t)
{
	t->words[0].confidence = 1.5F;
}

static void name_no_language(struct asr_transcript *t)
{
	memcpy(t->language, "../x", sizeof "../x");
}

static void what_no_engine_of_ours_says_is_refused(void **state)
{
	(void)state;
	assert_int_equal(unpack_changed(step_back), ERR_PROTOCOL);
	assert_int_equal(unpack_changed(end_before_start), ERR_PROTOCOL);
	assert_int_equal(unpack_changed(break_utf8), ERR_PROTOCOL);
	assert_int_equal(unpack_changed(leave_a_word_out), ERR_PROTOCOL);
	assert_int_equal(unpack_changed(cover_too_much), ERR_PROTOCOL);
	assert_int_equal(unpack_changed(be_too_sure), ERR_PROTOCOL);
	assert_int_equal(unpack_changed(name_no_language), ERR_PROTOCOL);
}

static void a_word_beyond_its_size_is_refused(void **state)
{
	(void)state;
	struct err err;
	cleanup_transcript struct asr_transcript t;
	cleanup_free char *text = calloc(1, 70000);
	asr_transcript_init(&t);
	memset(text, 'a', 70000);
	assert_int_equal(asr_transcript_add_word(&t, &(struct asr_word){ 0 }, text, 70000, &err), ERR_TOO_BIG);
	assert_int_equal(t.word_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_packed_is_unpacked),
		cmocka_unit_test(a_cut_message_is_refused),
		cmocka_unit_test(what_no_engine_of_ours_says_is_refused),
		cmocka_unit_test(a_word_beyond_its_size_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
