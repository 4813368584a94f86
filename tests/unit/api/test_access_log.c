#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "api/access_log.h"
#include "base/io.h"
#include "base/log.h"

enum { TEXT_BYTES = 256 * 1024 };

/* A loop, a log on it, and standard error in memory. */
struct place {
	uv_loop_t loop;
	struct access_log *log;
	int saved, file;
	char text[TEXT_BYTES];
};

static int make(void **state)
{
	static struct place place;
	struct err err;
	place = (struct place){ .saved = dup(STDERR_FILENO) };
	assert_int_equal(uv_loop_init(&place.loop), 0);
	assert_int_equal(access_log_new(&place.loop, &place.log, &err), ERR_OK);
	assert_int_equal(io_memfd("stderr", &place.file, &err), ERR_OK);
	assert_true(dup2(place.file, STDERR_FILENO) >= 0);
	log_set_level(LOG_INFO);
	*state = &place;
	return 0;
}

static int done(void **state)
{
	struct place *place = *state;
	log_set_level(LOG_WARNING);
	assert_true(dup2(place->saved, STDERR_FILENO) >= 0);
	(void)close(place->saved);
	(void)close(place->file);
	access_log_free(place->log);
	(void)uv_run(&place->loop, UV_RUN_DEFAULT);
	return uv_loop_close(&place->loop);
}

static const char *written(struct place *place)
{
	ssize_t n = pread(place->file, place->text, sizeof place->text - 1, 0);
	assert_true(n >= 0);
	place->text[n] = '\0';
	return place->text;
}

static const struct http_access access_of_one = { .method = HTTP_METHOD_GET,
						  .pattern = "/a/{id}",
						  .status = 404,
						  .received_bytes = 1,
						  .sent_bytes = 22,
						  .duration_us = 3004,
						  .request_id = "mine" };

#define LINE "info: access method=GET route=/a/{id} status=404 in=1 out=22 ms=3.004 from=::1 id=mine\n"

static void lines_are_written_together_when_the_loop_has_had_its_turn(void **state)
{
	struct place *place = *state;
	access_log_add(place->log, &access_of_one, "::1");
	access_log_add(place->log, &access_of_one, "::1");
	assert_string_equal(written(place), "");
	(void)uv_run(&place->loop, UV_RUN_ONCE);
	assert_string_equal(written(place), LINE LINE);
}

static void a_line_that_waits_keeps_the_loop_from_waiting(void **state)
{
	struct place *place = *state;
	access_log_add(place->log, &access_of_one, "::1");
	assert_int_equal(uv_backend_timeout(&place->loop), 0);
	(void)uv_run(&place->loop, UV_RUN_DEFAULT); /* and it ends */
	assert_string_equal(written(place), LINE);
}

static void more_than_fits_is_written_before_the_turn_ends(void **state)
{
	struct place *place = *state;
	enum { MANY = 2000 };
	for (int i = 0; i < MANY; i++)
		access_log_add(place->log, &access_of_one, "::1");
	assert_true(strlen(written(place)) > 0);
	(void)uv_run(&place->loop, UV_RUN_ONCE);
	assert_int_equal(strlen(written(place)), MANY * (sizeof LINE - 1));
}

static void what_waits_is_written_when_the_log_is_closed(void **state)
{
	struct place *place = *state;
	access_log_add(place->log, &access_of_one, "::1");
	access_log_free(place->log);
	place->log = NULL;
	assert_string_equal(written(place), LINE);
}

static void a_client_that_hung_up_is_told(void **state)
{
	struct place *place = *state;
	struct http_access access = access_of_one;
	access.hung_up = true;
	access_log_add(place->log, &access, "::1");
	(void)uv_run(&place->loop, UV_RUN_ONCE);
	assert_non_null(strstr(written(place), "from=::1 hung_up=1 id=mine\n"));
}

static void above_the_level_nothing_is_written(void **state)
{
	struct place *place = *state;
	log_set_level(LOG_WARNING);
	access_log_add(place->log, &access_of_one, "::1");
	(void)uv_run(&place->loop, UV_RUN_ONCE);
	assert_string_equal(written(place), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_are_written_together_when_the_loop_has_had_its_turn, make, done),
		cmocka_unit_test_setup_teardown(a_line_that_waits_keeps_the_loop_from_waiting, make, done),
		cmocka_unit_test_setup_teardown(more_than_fits_is_written_before_the_turn_ends, make, done),
		cmocka_unit_test_setup_teardown(what_waits_is_written_when_the_log_is_closed, make, done),
		cmocka_unit_test_setup_teardown(a_client_that_hung_up_is_told, make, done),
		cmocka_unit_test_setup_teardown(above_the_level_nothing_is_written, make, done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
