#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "blob/note.h"

enum { OUT_MAX = 1000 };

static const char place[] = "part/1";
static const char text[] = "what was said";

static struct data_key new_key(void)
{
	struct data_key key;
	struct err err;
	assert_int_equal(data_key_new(&key, &err), ERR_OK);
	return key;
}

static void seal(const struct data_key *key, const char *bytes, size_t len, struct strbuf *out)
{
	struct err err;
	assert_int_equal(note_seal(key, place, bytes, len, out, &err), ERR_OK);
}

static enum err_code open_at(const struct data_key *key, const char *where, const struct strbuf *sealed,
			     struct strbuf *out)
{
	struct err err;
	return note_open(key, where, sealed->data, sealed->len, out, &err);
}

static void a_note_comes_back_as_it_was(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, sizeof text };
	cleanup_data_key struct data_key key = new_key();
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		cleanup_strbuf struct strbuf sealed = STRBUF_INIT(OUT_MAX);
		cleanup_strbuf struct strbuf plain = STRBUF_INIT(OUT_MAX);
		seal(&key, text, sizes[i], &sealed);
		assert_int_equal(sealed.len, sizes[i] + NOTE_OVERHEAD);
		assert_int_equal(open_at(&key, place, &sealed, &plain), ERR_OK);
		assert_int_equal(plain.len, sizes[i]);
		assert_memory_equal(strbuf_str(&plain), text, sizes[i]);
	}
}

static void both_append_to_what_is_there(void **state)
{
	(void)state;
	cleanup_data_key struct data_key key = new_key();
	cleanup_strbuf struct strbuf sealed = STRBUF_INIT(OUT_MAX);
	cleanup_strbuf struct strbuf plain = STRBUF_INIT(OUT_MAX);
	struct err err;
	strbuf_add_str(&sealed, "head");
	strbuf_add_str(&plain, "he said: ");
	seal(&key, text, strlen(text), &sealed);
	assert_memory_equal(sealed.data, "head", 4);
	assert_int_equal(note_open(&key, place, sealed.data + 4, sealed.len - 4, &plain, &err), ERR_OK);
	assert_string_equal(strbuf_str(&plain), "he said: what was said");
}

static void the_same_text_is_never_sealed_alike(void **state)
{
	(void)state;
	cleanup_data_key struct data_key key = new_key();
	cleanup_strbuf struct strbuf first = STRBUF_INIT(OUT_MAX);
	cleanup_strbuf struct strbuf second = STRBUF_INIT(OUT_MAX);
	seal(&key, text, sizeof text, &first);
	seal(&key, text, sizeof text, &second);
	assert_memory_not_equal(first.data + 1, second.data + 1, first.len - 1);
}

static void a_note_opens_with_its_own_key_at_its_own_place_only(void **state)
{
	(void)state;
	cleanup_data_key struct data_key key = new_key();
	cleanup_data_key struct data_key other = new_key();
	cleanup_strbuf struct strbuf sealed = STRBUF_INIT(OUT_MAX);
	cleanup_strbuf struct strbuf plain = STRBUF_INIT(OUT_MAX);
	seal(&key, text, sizeof text, &sealed);
	assert_int_equal(open_at(&other, place, &sealed, &plain), ERR_CORRUPT);
	assert_int_equal(open_at(&key, "part/2", &sealed, &plain), ERR_CORRUPT);
	assert_int_equal(open_at(&key, "part/", &sealed, &plain), ERR_CORRUPT);
	assert_int_equal(plain.len, 0);
	assert_int_equal(open_at(&key, place, &sealed, &plain), ERR_OK);
}

static void a_note_with_any_bit_changed_or_cut_off_does_not_open(void **state)
{
	(void)state;
	cleanup_data_key struct data_key key = new_key();
	cleanup_strbuf struct strbuf sealed = STRBUF_INIT(OUT_MAX);
	cleanup_strbuf struct strbuf plain = STRBUF_INIT(OUT_MAX);
	struct err err;
	seal(&key, text, sizeof text, &sealed);
	for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
		sealed.data[bit / 8] = (char)(sealed.data[bit / 8] ^ 1 << bit % 8);
		assert_int_equal(open_at(&key, place, &sealed, &plain), ERR_CORRUPT);
		sealed.data[bit / 8] = (char)(sealed.data[bit / 8] ^ 1 << bit % 8);
	}
	for (size_t len = 0; len < sealed.len; len++)
		assert_int_equal(note_open(&key, place, sealed.data, len, &plain, &err), ERR_CORRUPT);
	assert_int_equal(plain.len, 0);
}

static void an_output_without_room_is_an_error(void **state)
{
	(void)state;
	cleanup_data_key struct data_key key = new_key();
	cleanup_strbuf struct strbuf sealed = STRBUF_INIT(OUT_MAX);
	cleanup_strbuf struct strbuf small = STRBUF_INIT(sizeof text - 1);
	cleanup_strbuf struct strbuf smaller = STRBUF_INIT(sizeof text + NOTE_OVERHEAD - 1);
	struct err err;
	seal(&key, text, sizeof text, &sealed);
	assert_int_equal(open_at(&key, place, &sealed, &small), ERR_TOO_BIG);
	assert_int_equal(note_seal(&key, place, text, sizeof text, &smaller, &err), ERR_TOO_BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_note_comes_back_as_it_was),
		cmocka_unit_test(both_append_to_what_is_there),
		cmocka_unit_test(the_same_text_is_never_sealed_alike),
		cmocka_unit_test(a_note_opens_with_its_own_key_at_its_own_place_only),
		cmocka_unit_test(a_note_with_any_bit_changed_or_cut_off_does_not_open),
		cmocka_unit_test(an_output_without_room_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
