#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"

/* True if the mapping that holds `address` has the flag in /proc/self/smaps ("dd": not dumped, "wf": wiped on fork). */
static bool mapping_has(const void *address, const char *flag)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	assert_non_null(maps);
	char line[512];
	bool inside = false, found = false;
	while (fgets(line, sizeof line, maps)) {
		char *end, *last;
		uintptr_t from = (uintptr_t)strtoull(line, &end, 16);
		if (*end == '-') {
			uintptr_t to = (uintptr_t)strtoull(end + 1, &last, 16);
			if (*last == ' ')
				inside = from <= (uintptr_t)address && (uintptr_t)address < to;
		}
		if (inside && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, flag) != NULL;
	}
	(void)fclose(maps);
	return found;
}

static void a_secret_keeps_its_text_until_it_is_done(void **state)
{
	(void)state;
	struct secret secret = { 0 };
	assert_string_equal(secret_reveal(&secret), "");
	assert_int_equal(secret_set(&secret, "abc\0def", 7, NULL), ERR_OK);
	assert_int_equal(secret.len, 7);
	assert_string_equal(secret_reveal(&secret), "abc");
	secret_done(&secret);
	assert_null(secret.bytes);
	secret_done(&secret);
}

static void a_secret_is_left_out_of_core_dumps_and_children(void **state)
{
	(void)state;
	cleanup_secret struct secret secret = { 0 };
	assert_int_equal(secret_set(&secret, "abc", 3, NULL), ERR_OK);
	assert_true(mapping_has(secret.bytes, " dd"));
	assert_true(mapping_has(secret.bytes, " wf"));
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(secret.bytes[0] == '\0' ? 0 : 1);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void every_byte_counts_in_a_comparison(void **state)
{
	(void)state;
	char a[40], b[40];
	memset(a, 7, sizeof a);
	memcpy(b, a, sizeof b);
	assert_true(secret_equal(a, b, sizeof a));
	assert_true(secret_equal(a, b, 0));
	for (size_t i = 0; i < sizeof a; i++) {
		b[i] ^= 0x80;
		assert_false(secret_equal(a, b, sizeof a));
		b[i] ^= 0x80;
	}
	secret_wipe(a, sizeof a);
	memset(b, 0, sizeof b);
	assert_memory_equal(a, b, sizeof a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_keeps_its_text_until_it_is_done),
		cmocka_unit_test(a_secret_is_left_out_of_core_dumps_and_children),
		cmocka_unit_test(every_byte_counts_in_a_comparison),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
