#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "store/dialect.h"

static void expand(enum dialect dialect, const char *sql, const char *wanted)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT(DIALECT_SQL_MAX);
	struct err err;
	assert_int_equal(dialect_expand(dialect, sql, &out, &err), ERR_OK);
	assert_string_equal(strbuf_str(&out), wanted);
}

static void parameters_are_numbers_in_both(void **state)
{
	(void)state;
	expand(DIALECT_POSTGRES, "SELECT $2, $1, '$', $x", "SELECT $2, $1, '$', $x");
	expand(DIALECT_SQLITE, "SELECT $2, $1, '$', $x", "SELECT ?2, ?1, '$', $x");
}

static void words_become_what_the_table_says(void **state)
{
	(void)state;
	expand(DIALECT_SQLITE, "x {int} {bytes}{skip_locked}", "x INTEGER BLOB");
	expand(DIALECT_POSTGRES, "x {int} {bytes}{skip_locked}", "x bigint byteaFOR NO KEY UPDATE SKIP LOCKED");
}

static void a_word_takes_an_argument(void **state)
{
	(void)state;
	expand(DIALECT_SQLITE, "{pairs $3}",
	       "(SELECT json_extract(value, '$[0]') AS a, json_extract(value, '$[1]') AS b FROM json_each(?3))");
	expand(DIALECT_POSTGRES, "{pairs $3}",
	       "(SELECT (value->>0)::bigint AS a, (value->>1)::bigint AS b FROM jsonb_array_elements($3::jsonb))");
}

static void an_unknown_or_open_word_is_a_defect(void **state)
{
	(void)state;
	static const char *const bad[] = { "{nothing}", "{int", "{", "{}", "x { int}" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cleanup_strbuf struct strbuf out = STRBUF_INIT(DIALECT_SQL_MAX);
		struct err err;
		assert_int_equal(dialect_expand(DIALECT_SQLITE, bad[i], &out, &err), ERR_INTERNAL);
	}
}

static void a_statement_without_end_is_too_big(void **state)
{
	(void)state;
	char sql[DIALECT_SQL_MAX + 2];
	memset(sql, 'x', sizeof sql - 1);
	sql[sizeof sql - 1] = '\0';
	cleanup_strbuf struct strbuf out = STRBUF_INIT(DIALECT_SQL_MAX);
	struct err err;
	assert_int_equal(dialect_expand(DIALECT_SQLITE, sql, &out, &err), ERR_TOO_BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_numbers_in_both),
		cmocka_unit_test(words_become_what_the_table_says),
		cmocka_unit_test(a_word_takes_an_argument),
		cmocka_unit_test(an_unknown_or_open_word_is_a_defect),
		cmocka_unit_test(a_statement_without_end_is_too_big),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
