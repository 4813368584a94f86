#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "files/kind.h"

static enum file_kind kind_of(const char *bytes, size_t len)
{
	const char *name = NULL;
	enum file_kind kind = file_kind_of(bytes, len, &name);
	assert_non_null(name);
	return kind;
}

static void recordings_are_let_through(void **state)
{
	(void)state;
	assert_int_equal(kind_of("RIFF\x24\0\0\0WAVEfmt ", 16), FILE_KIND_SOUND);
	assert_int_equal(kind_of("\0\0\0\x20"
				 "ftypisom",
				 12),
			 FILE_KIND_SOUND);
	assert_int_equal(kind_of("ID3\x04\0\0", 6), FILE_KIND_SOUND);
	assert_int_equal(kind_of("OggS\0", 5), FILE_KIND_SOUND);
}

static void what_has_no_mark_is_left_to_the_decoder(void **state)
{
	(void)state;
	assert_int_equal(kind_of("\xff\xfb\x90\x64\0", 5), FILE_KIND_UNKNOWN); /* MP3 without a tag */
	assert_int_equal(kind_of("\xff\xf1\x50\x80", 4), FILE_KIND_UNKNOWN); /* AAC */
	assert_int_equal(kind_of("\x47\x40\0\x10", 4), FILE_KIND_UNKNOWN); /* MPEG-TS */
	assert_int_equal(kind_of("", 0), FILE_KIND_UNKNOWN);
}

static void pages_and_others_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(kind_of("%PDF-1.7", 8), FILE_KIND_PAGE);
	assert_int_equal(kind_of("\x89PNG\r\n\x1a\n", 8), FILE_KIND_PAGE);
	assert_int_equal(kind_of("RIFF\x24\0\0\0WEBPVP8 ", 16), FILE_KIND_PAGE);
	assert_int_equal(kind_of("\0\0\0\x1c"
				 "ftypavif",
				 12),
			 FILE_KIND_PAGE);
	assert_int_equal(kind_of("PK\x03\x04zip", 7), FILE_KIND_OTHER);
	assert_int_equal(kind_of("\x7f"
				 "ELF",
				 4),
			 FILE_KIND_OTHER);
	assert_int_equal(kind_of("PK\x03", 3), FILE_KIND_UNKNOWN); /* cut before the mark ends: no text either */
}

static void text_is_known_by_having_no_controls(void **state)
{
	(void)state;
	char long_text[FILE_KIND_BYTES];
	assert_int_equal(kind_of("Hello\r\n\tworld", 13), FILE_KIND_TEXT);
	assert_int_equal(kind_of("\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85", 8), FILE_KIND_TEXT);
	assert_int_equal(kind_of("Hello\0", 6), FILE_KIND_UNKNOWN);
	assert_int_equal(kind_of("Hello\xff", 6), FILE_KIND_UNKNOWN);
	/* A character that is cut where the first bytes end. */
	memset(long_text, 'a', sizeof long_text);
	long_text[sizeof long_text - 1] = '\xd8';
	assert_int_equal(kind_of(long_text, sizeof long_text), FILE_KIND_TEXT);
	assert_int_equal(kind_of(long_text + 1, sizeof long_text - 1), FILE_KIND_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recordings_are_let_through),
		cmocka_unit_test(what_has_no_mark_is_left_to_the_decoder),
		cmocka_unit_test(pages_and_others_are_told_apart),
		cmocka_unit_test(text_is_known_by_having_no_controls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
