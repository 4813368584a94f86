#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"

static void texts_are_those_of_the_rfc(void **state)
{
	(void)state;
	static const char *const rows[][2] = { { "", "" },
					       { "f", "Zg==" },
					       { "fo", "Zm8=" },
					       { "foo", "Zm9v" },
					       { "foob", "Zm9vYg==" },
					       { "fooba", "Zm9vYmE=" },
					       { "foobar", "Zm9vYmFy" } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[BASE64_SIZE(6)], bytes[8];
		size_t len = strlen(rows[i][0]);
		base64_encode(rows[i][0], len, text);
		assert_string_equal(text, rows[i][1]);
		assert_true(base64_decode(text, bytes, len));
		assert_memory_equal(bytes, rows[i][0], len);
	}
}

static void other_spellings_are_refused(void **state)
{
	(void)state;
	char bytes[4];
	assert_false(base64_decode("Zm8", bytes, 2)); /* no padding */
	assert_false(base64_decode("Zm9=", bytes, 2)); /* bits that do not count */
	assert_false(base64_decode("Zm9v", bytes, 2)); /* longer */
	assert_false(base64_decode("Zm 8", bytes, 2));
	assert_false(base64_decode("Zm8\n", bytes, 2));
	assert_false(base64_decode("_-8=", bytes, 2)); /* the alphabet of URLs */
	assert_false(base64_decode("====", bytes, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_those_of_the_rfc),
		cmocka_unit_test(other_spellings_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
