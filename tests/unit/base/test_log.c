#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"

/* Standard error, redirected into memory for one test. */
struct capture {
	int saved;
	int file;
};

static struct capture capture_start(void)
{
	struct capture capture = { .saved = dup(STDERR_FILENO) };
	assert_int_equal(io_memfd("stderr", &capture.file, NULL), ERR_OK);
	assert_true(dup2(capture.file, STDERR_FILENO) >= 0);
	return capture;
}

/* Puts standard error back; the text is cut to what fits. */
static void capture_end(struct capture *capture, char *ret_text, size_t size)
{
	assert_true(dup2(capture->saved, STDERR_FILENO) >= 0);
	ssize_t n = pread(capture->file, ret_text, size - 1, 0);
	assert_true(n >= 0);
	ret_text[n] = '\0';
	(void)close(capture->saved);
	(void)close(capture->file);
}

static void a_line_has_its_level_before_the_message(void **state)
{
	(void)state;
	char text[200];
	struct capture capture = capture_start();
	log_line(LOG_ERROR, "could not open \"%s\"", "a");
	log_line(LOG_WARNING, "slow");
	capture_end(&capture, text, sizeof text);
	assert_string_equal(text, "error: could not open \"a\"\nwarning: slow\n");
}

static void lines_above_the_level_are_dropped(void **state)
{
	(void)state;
	char text[200];
	struct capture capture = capture_start();
	log_line(LOG_INFO, "not yet");
	log_set_level(LOG_INFO);
	log_line(LOG_INFO, "now");
	log_line(LOG_DEBUG, "never");
	log_set_level(LOG_WARNING);
	capture_end(&capture, text, sizeof text);
	assert_string_equal(text, "info: now\n");
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
	(void)state;
	char message[3000];
	memset(message, 'm', sizeof message - 1);
	message[sizeof message - 1] = '\0';
	char text[4000];
	struct capture capture = capture_start();
	log_line(LOG_ERROR, "%s", message);
	capture_end(&capture, text, sizeof text);
	size_t len = strlen(text);
	assert_in_range(len, 500, 1024);
	assert_int_equal(text[len - 1], '\n');
	assert_int_equal(text[len - 2], 'm');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_its_level_before_the_message),
		cmocka_unit_test(lines_above_the_level_are_dropped),
		cmocka_unit_test(a_long_line_is_cut_and_still_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
