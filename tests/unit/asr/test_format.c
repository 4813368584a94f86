#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "asr/format.h"
#include "base/utf8.h"
#include "make_transcript.h"

enum { MAX = 1 << 24 };

static void write_all(enum asr_format format, const struct asr_transcript *t, struct strbuf *out)
{
	struct asr_writer *w;
	assert_int_equal(asr_writer_new(format, t, out, &w, NULL), ERR_OK);
	asr_writer_end(w);
	asr_writer_free(w);
	assert_int_equal(strbuf_check(out, "test", NULL), ERR_OK);
}

static void expect(enum asr_format format, const struct asr_transcript *t, const char *text)
{
	struct strbuf out cleanup_strbuf = STRBUF_INIT(MAX);
	write_all(format, t, &out);
	assert_string_equal(strbuf_str(&out), text);
}

/* -- strict readers of what is written ------------------------------------------------------------- */

static const char *read_digits(const char *s, int least, int most, int64_t *ret)
{
	int n = 0;
	*ret = 0;
	while (n < most && s[n] >= '0' && s[n] <= '9')
		*ret = *ret * 10 + (s[n++] - '0');
	assert_true(n >= least);
	return s + n;
}

static const char *read_char(const char *s, char c)
{
	assert_int_equal(*s, c);
	return s + 1;
}

static const char *read_time(const char *s, char point, int64_t *ret_ms)
{
	int64_t h;
	int64_t m;
	int64_t sec;
	int64_t ms;
	s = read_char(read_digits(s, 2, 9, &h), ':');
	s = read_char(read_digits(s, 2, 2, &m), ':');
	s = read_char(read_digits(s, 2, 2, &sec), point);
	s = read_digits(s, 3, 3, &ms);
	assert_true(m < 60 && sec < 60);
	*ret_ms = ((h * 60 + m) * 60 + sec) * 1000 + ms;
	return s;
}

/* Reads "time --> time" and one or two lines of text and the empty line; *last_ms is the end of the cue before. */
static const char *read_cue(const char *s, char point, int64_t *last_ms)
{
	int64_t start_ms;
	int64_t end_ms;
	s = read_time(s, point, &start_ms);
	assert_memory_equal(s, " --> ", 5);
	s = read_char(read_time(s + 5, point, &end_ms), '\n');
	assert_true(start_ms > *last_ms && end_ms > start_ms);
	*last_ms = end_ms;
	int lines = 0;
	for (; *s != '\n'; lines++) {
		size_t len = strcspn(s, "\n");
		assert_true(len > 0 && utf8_is_valid(s, len));
		assert_null(memmem(s, len, "-->", 3));
		s += len + 1;
	}
	assert_in_range(lines, 1, 2);
	return s + 1;
}

static size_t read_srt(const char *s)
{
	int64_t last_ms = -1;
	int64_t number;
	size_t count = 0;
	while (*s) {
		s = read_char(read_digits(s, 1, 9, &number), '\n');
		assert_int_equal(number, ++count);
		s = read_cue(s, ',', &last_ms);
	}
	return count;
}

static size_t read_vtt(const char *s)
{
	int64_t last_ms = -1;
	size_t count = 0;
	assert_memory_equal(s, "WEBVTT\n\n", 8);
	for (s += 8; *s; count++)
		s = read_cue(s, '.', &last_ms);
	return count;
}

static const char *read_json(const char *s);

static const char *read_json_string(const char *s)
{
	for (s = read_char(s, '"'); *s != '"'; s++) {
		assert_true((unsigned char)*s >= 0x20);
		if (*s == '\\')
			assert_non_null(strchr("\"\\nrtu", *++s));
	}
	return s + 1;
}

static const char *skip_space(const char *s)
{
	return s + strspn(s, " \n");
}

static const char *read_json_list(const char *s, char close)
{
	s = skip_space(s + 1);
	while (*s != close) {
		if (close == '}')
			s = read_char(read_json_string(s), ':');
		s = skip_space(read_json(s));
		if (*s != ',')
			break;
		s = skip_space(s + 1);
		assert_true(*s != close);
	}
	return read_char(s, close);
}

static const char *read_json(const char *s)
{
	s = skip_space(s);
	if (*s == '{')
		return read_json_list(s, '}');
	if (*s == '[')
		return read_json_list(s, ']');
	if (*s == '"')
		return read_json_string(s);
	size_t n = strspn(s, "-0123456789.");
	assert_true(n > 0);
	return s + n;
}

static void check_format(enum asr_format format, const char *s)
{
	if (format == ASR_FORMAT_SRT)
		(void)read_srt(s);
	else if (format == ASR_FORMAT_VTT)
		(void)read_vtt(s);
	else if (format == ASR_FORMAT_JSON)
		assert_string_equal(read_json(s), "\n");
}

/* -- tests ----------------------------------------------------------------------------------------- */

static void random_transcripts_are_valid_in_every_format_however_they_come(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 100; seed++) {
		enum asr_format format = (enum asr_format)(seed % (ASR_FORMAT_TSV + 1));
		struct asr_transcript t;
		struct asr_writer *w;
		struct strbuf early = STRBUF_INIT(MAX);
		struct strbuf whole = STRBUF_INIT(MAX);
		uint32_t random = seed;
		asr_transcript_init(&t);
		assert_int_equal(asr_writer_new(format, &t, &early, &w, NULL), ERR_OK);
		for (uint32_t i = next_random(&random, 20); i > 0; i--) {
			add_random(&t, &random, next_random(&random, 30));
			asr_writer_update(w);
		}
		asr_writer_end(w);
		asr_writer_free(w);
		write_all(format, &t, &whole);
		assert_string_equal(strbuf_str(&early), strbuf_str(&whole));
		check_format(format, strbuf_str(&whole));
		strbuf_done(&early);
		strbuf_done(&whole);
		asr_transcript_done(&t);
	}
}

static void a_format_is_found_by_its_name_only(void **state)
{
	(void)state;
	enum asr_format format = ASR_FORMAT_TEXT;
	assert_true(asr_format_by_name("vtt", &format));
	assert_int_equal(format, ASR_FORMAT_VTT);
	assert_true(asr_format_by_name("txt", &format));
	assert_int_equal(format, ASR_FORMAT_TEXT);
	assert_false(asr_format_by_name("SRT", &format));
	assert_false(asr_format_by_name("", &format));
}

static void nothing_said_is_an_empty_document(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	t.duration_us = 1500 * US_PER_MS;
	expect(ASR_FORMAT_TEXT, &t, "");
	expect(ASR_FORMAT_SRT, &t, "");
	expect(ASR_FORMAT_VTT, &t, "WEBVTT\n\n");
	expect(ASR_FORMAT_TSV, &t, "start\tend\ttext\n");
	expect(ASR_FORMAT_JSON, &t,
	       "{\"segments\":[]\n,\"text\":\"\",\"language\":\"\",\"language_confidence\":0,\"duration\":1.5}\n");
}

static void text_starts_a_line_after_a_sentence_and_after_a_pause(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	add_sentence(&t, "He came", 0, 300);
	add_sentence(&t, "~in time.", 600, 300);
	add_sentence(&t, "~Then he", 1200, 300);
	add_sentence(&t, "~left", 9000, 300);
	expect(ASR_FORMAT_TEXT, &t, "He came in time.\nThen he\nleft\n");
}

static void tsv_keeps_a_segment_in_its_row(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	add_word(&t, "a\tb\nc", 1, 1500);
	end_segment(&t);
	expect(ASR_FORMAT_TSV, &t, "start\tend\ttext\n1\t1500\ta b c\n");
}

static void json_has_segments_and_words_with_times(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	memcpy(t.language, "en", 3);
	t.language_confidence = 1;
	add_sentence(&t, "Say \"hi\".", 250, 500);
	t.words[1].speaker = 1;
	expect(ASR_FORMAT_JSON, &t,
	       "{\"segments\":[\n"
	       "{\"id\":0,\"start\":0.25,\"end\":1.25,\"text\":\"Say \\\"hi\\\".\",\"language\":\"en\","
	       "\"avg_logprob\":-0.25,\"compression_ratio\":1.5,\"no_speech_prob\":0,\"temperature\":0,"
	       "\"words\":[{\"word\":\"Say\",\"start\":0.25,\"end\":0.75,\"confidence\":0.9},"
	       "{\"word\":\"\\\"hi\\\".\",\"start\":0.75,\"end\":1.25,\"confidence\":0.9,\"speaker\":1}]}]\n"
	       ",\"text\":\"Say \\\"hi\\\".\",\"language\":\"en\",\"language_confidence\":1,\"duration\":1.25}\n");
}

static void srt_counts_its_cues_and_hours_above_99(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	add_sentence(&t, "It is late.", 0, 500);
	add_sentence(&t, "It is a-->b later.", (int64_t)100 * 3600000, 500);
	expect(ASR_FORMAT_SRT, &t,
	       "1\n00:00:00,000 --> 00:00:01,500\nIt is late.\n\n"
	       "2\n100:00:00,000 --> 100:00:02,000\nIt is a->b later.\n\n");
}

static void vtt_escapes_markup_and_names_speakers(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	asr_transcript_init(&t);
	add_sentence(&t, "R&D <i> a-->b", 0, 500);
	for (size_t i = 0; i < t.word_count; i++)
		t.words[i].speaker = 1;
	expect(ASR_FORMAT_VTT, &t,
	       "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n<v Speaker 2>R&amp;D &lt;i&gt; a--&gt;b\n\n");
}

static void a_full_buffer_is_told(void **state)
{
	(void)state;
	struct asr_transcript t cleanup_transcript;
	struct strbuf out cleanup_strbuf = STRBUF_INIT(16);
	struct asr_writer *w;
	asr_transcript_init(&t);
	add_sentence(&t, "More than sixteen bytes of text.", 0, 400);
	assert_int_equal(asr_writer_new(ASR_FORMAT_JSON, &t, &out, &w, NULL), ERR_OK);
	asr_writer_end(w);
	asr_writer_free(w);
	assert_int_equal(strbuf_check(&out, "the transcript", NULL), ERR_TOO_BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_transcripts_are_valid_in_every_format_however_they_come),
		cmocka_unit_test(a_format_is_found_by_its_name_only),
		cmocka_unit_test(nothing_said_is_an_empty_document),
		cmocka_unit_test(text_starts_a_line_after_a_sentence_and_after_a_pause),
		cmocka_unit_test(tsv_keeps_a_segment_in_its_row),
		cmocka_unit_test(json_has_segments_and_words_with_times),
		cmocka_unit_test(srt_counts_its_cues_and_hours_above_99),
		cmocka_unit_test(vtt_escapes_markup_and_names_speakers),
		cmocka_unit_test(a_full_buffer_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
