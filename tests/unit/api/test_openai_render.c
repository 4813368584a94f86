/* Transcripts in the formats of OpenAI's API, read back as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "api/openai/openai.h"
#include "base/cleanup.h"

static struct asr_transcript t;
static struct strbuf body = STRBUF_INIT((size_t)1 << 20);

/* A segment of words, which are divided by blanks here; `spaced`: in the text too. */
static void add_segment(const char *words, bool spaced, int16_t speaker)
{
	struct err err;
	struct asr_segment segment = { .start_us = (int64_t)t.segment_count * 1000000,
				       .end_us = (int64_t)t.segment_count * 1000000 + 900000,
				       .first_word = (uint32_t)t.word_count,
				       .avg_logprob = -0.25F,
				       .compression_ratio = 1.5F };
	for (const char *at = words; *at;) {
		size_t len = strcspn(at, " ");
		const struct asr_word word = { .start_us = segment.start_us,
					       .end_us = segment.end_us,
					       .confidence = 0.5F,
					       .space_before = spaced && t.word_count > 0,
					       .speaker = speaker };
		assert_int_equal(asr_transcript_add_word(&t, &word, at, len, &err), ERR_OK);
		segment.word_count++;
		at += len + (at[len] == ' ');
	}
	assert_int_equal(asr_transcript_add_segment(&t, &segment, &err), ERR_OK);
}

static int setup(void **state)
{
	(void)state;
	asr_transcript_init(&t);
	strbuf_clear(&body);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	asr_transcript_done(&t);
	strbuf_done(&body);
	return 0;
}

static void render(const struct openai_wish *wish)
{
	struct err err;
	if (openai_render(wish, &t, "", &body, &err) != ERR_OK)
		fail_msg("%s", err.message);
}

static json_t *rendered(const struct openai_wish *wish)
{
	render(wish);
	json_t *json = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	return json;
}

static const char *text_of(json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));
	assert_non_null(text);
	return text;
}

/* The deltas of a stream, put together, and the text of its end. */
static void check_stream(const char *expected)
{
	cleanup_strbuf struct strbuf deltas = STRBUF_INIT(4096);
	char *line = NULL, *rest = NULL;
	bool is_done = false;
	render(&(struct openai_wish){ .format = OPENAI_JSON, .is_stream = true });
	for (line = strtok_r(body.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		assert_memory_equal(line, "data: ", 6);
		json_t *event = json_loads(line + 6, 0, NULL);
		assert_non_null(event);
		is_done = strcmp(text_of(event, "type"), "transcript.text.done") == 0;
		if (is_done)
			assert_string_equal(text_of(event, "text"), expected);
		else
			strbuf_add_str(&deltas, text_of(event, "delta"));
		json_decref(event);
	}
	assert_true(is_done);
	assert_string_equal(strbuf_str(&deltas), expected);
}

static void the_pieces_of_a_stream_are_the_text(void **state)
{
	(void)state;
	add_segment("one two", true, ASR_NO_SPEAKER);
	add_segment("three", true, ASR_NO_SPEAKER);
	check_stream("one two three");
}

static void a_script_without_blanks_gets_none(void **state)
{
	(void)state;
	(void)snprintf(t.language, sizeof t.language, "zh");
	add_segment("\u4f60 \u597d", false, ASR_NO_SPEAKER);
	add_segment("\u4e16 \u754c", false, ASR_NO_SPEAKER);
	check_stream("\u4f60\u597d\u4e16\u754c");
	strbuf_clear(&body);
	json_t *json = rendered(&(struct openai_wish){ .format = OPENAI_VERBOSE_JSON, .segments = true });
	assert_string_equal(text_of(json_array_get(json_object_get(json, "segments"), 0), "text"), "\u4f60\u597d");
	assert_string_equal(text_of(json, "language"), "chinese");
	json_decref(json);
}

static void verbose_has_what_was_asked_for(void **state)
{
	(void)state;
	(void)snprintf(t.language, sizeof t.language, "en");
	t.duration_us = 1900001;
	add_segment("one two", true, ASR_NO_SPEAKER);
	json_t *json = rendered(&(struct openai_wish){ .format = OPENAI_VERBOSE_JSON, .words = true });
	assert_null(json_object_get(json, "segments"));
	json_t *words = json_object_get(json, "words");
	assert_int_equal(json_array_size(words), 2);
	assert_string_equal(text_of(json_array_get(words, 1), "word"), "two");
	/* Begun seconds count. */
	json_t *usage = json_object_get(json, "usage");
	assert_int_equal(json_integer_value(json_object_get(usage, "seconds")), 2);
	json_decref(json);
	strbuf_clear(&body);
	json = rendered(&(struct openai_wish){ .format = OPENAI_VERBOSE_JSON, .segments = true });
	assert_null(json_object_get(json, "words"));
	static const char *const members[] = { "id",
					       "seek",
					       "start",
					       "end",
					       "text",
					       "tokens",
					       "temperature",
					       "avg_logprob",
					       "compression_ratio",
					       "no_speech_prob" };
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		assert_non_null(json_object_get(json_array_get(json_object_get(json, "segments"), 0), members[i]));
	json_decref(json);
}

static void voices_have_letters(void **state)
{
	(void)state;
	add_segment("one", true, 0);
	add_segment("two", true, 27);
	add_segment("three", true, ASR_NO_SPEAKER);
	json_t *json = rendered(&(struct openai_wish){ .format = OPENAI_DIARIZED_JSON });
	json_t *segments = json_object_get(json, "segments");
	assert_string_equal(text_of(json_array_get(segments, 0), "speaker"), "A");
	assert_string_equal(text_of(json_array_get(segments, 1), "speaker"), "B1");
	assert_string_equal(text_of(json_array_get(segments, 2), "speaker"), "A");
	assert_string_equal(text_of(json_array_get(segments, 2), "id"), "seg_003");
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_pieces_of_a_stream_are_the_text, setup, teardown),
		cmocka_unit_test_setup_teardown(a_script_without_blanks_gets_none, setup, teardown),
		cmocka_unit_test_setup_teardown(verbose_has_what_was_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(voices_have_letters, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
