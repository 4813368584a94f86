/* The engine in the worker's hands: a real process with the fake recogniser, which prompts make misbehave. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/io.h"
#include "jobs/hands.h"

enum { THREADS = 2, SAMPLES = 16000, WAIT_S = 30, WATCH_MS = 1000, PART_LIMIT_MS = 6 * WATCH_MS };

/* What came of a part. */
struct part {
	struct hand *hand;
	int answers;
	struct err why;
};

struct fixture {
	uv_loop_t loop;
	struct hands *hands;
	int pcm_fd;
	int told_free;
	struct part parts[THREADS];
};

#define assert_ok(call)                                                                                                \
	do {                                                                                                           \
		struct err why = { .message = "" };                                                                    \
		if ((call) != ERR_OK)                                                                                  \
			fail_msg("%s: %s", err_name(why.code), why.message);                                           \
	} while (0)

static void on_free_thread(void *owner)
{
	((struct fixture *)owner)->told_free++;
}

static void start(struct fixture *f)
{
	struct hands_spec spec = { .engine = { .threads = THREADS, .fake = true, .speech_model_fd = f->pcm_fd },
				   .part_timeout_us = PART_LIMIT_MS * US_PER_MS,
				   .on_free = on_free_thread,
				   .owner = f };
	assert_ok(hands_new(&f->loop, &spec, &f->hands, &why));
}

static int setup(void **state)
{
	static struct fixture fixture;
	static const int16_t silence[SAMPLES];
	struct fixture *f = &fixture;
	*f = (struct fixture){ .pcm_fd = -1 };
	assert_int_equal(uv_loop_init(&f->loop), 0);
	assert_ok(io_memfd("part", &f->pcm_fd, &why));
	assert_ok(io_write_all(f->pcm_fd, silence, sizeof silence, &why));
	assert_ok(io_memfd_seal(f->pcm_fd, &why));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	hands_close(f->hands);
	(void)uv_run(&f->loop, UV_RUN_DEFAULT);
	(void)close(f->pcm_fd);
	return uv_loop_close(&f->loop);
}

/* Turns the loop until `condition`. */
#define wait_until(f, condition)                                                                                       \
	do {                                                                                                           \
		int64_t until = clock_monotonic_us() + WAIT_S * US_PER_S;                                              \
		while (!(condition)) {                                                                                 \
			(void)uv_run(&(f)->loop, UV_RUN_NOWAIT);                                                       \
			if (clock_monotonic_us() > until)                                                              \
				fail_msg("not within %d s: %s", WAIT_S, #condition);                                   \
			clock_sleep_us(500);                                                                           \
		}                                                                                                      \
	} while (0)

static bool is_ready(const struct fixture *f)
{
	struct err why;
	return hands_are_ready(f->hands, &why);
}

static void on_done(void *arg, struct asr_transcript *speech, int64_t busy_us, const struct err *why)
{
	struct part *part = arg;
	(void)busy_us;
	assert_true((speech != NULL) == (why->code == ERR_OK));
	part->answers++;
	part->why = *why;
}

static void recognise(struct fixture *f, int i, const char *prompt)
{
	struct asr_options options = { .language = "en", .threads = 1 };
	(void)snprintf(options.prompt, sizeof options.prompt, "%s", prompt);
	f->parts[i] = (struct part){ .answers = 0 };
	assert_ok(hands_recognise(f->hands, f->pcm_fd, &options, on_done, &f->parts[i], &f->parts[i].hand, &why));
}

static void a_thread_is_free_again_once_its_part_is_recognised(void **state)
{
	struct fixture *f = *state;
	start(f);
	wait_until(f, is_ready(f));
	assert_int_equal(hands_free(f->hands), THREADS);
	recognise(f, 0, "");
	recognise(f, 1, "fake:fail");
	assert_int_equal(hands_free(f->hands), 0);
	int told = f->told_free;
	wait_until(f, f->parts[0].answers && f->parts[1].answers);
	assert_int_equal(f->parts[0].why.code, ERR_OK);
	assert_int_equal(f->parts[1].why.code, ERR_INTERNAL);
	assert_int_equal(hands_free(f->hands), THREADS);
	assert_int_equal(f->told_free, told + THREADS);
}

static void an_engine_that_dies_loses_what_it_has_in_hand_and_comes_again(void **state)
{
	struct fixture *f = *state;
	struct err why;
	start(f);
	wait_until(f, is_ready(f));
	recognise(f, 0, "fake:sleep=60000");
	recognise(f, 1, "fake:crash");
	wait_until(f, f->parts[1].answers);
	/* Which of them it died of nobody knows. */
	assert_int_equal(f->parts[0].why.code, ERR_CRASHED);
	assert_int_equal(f->parts[1].why.code, ERR_CRASHED);
	assert_int_equal(hands_free(f->hands), 0);
	assert_false(hands_are_ready(f->hands, &why));
	assert_int_equal(why.code, ERR_CRASHED);
	wait_until(f, is_ready(f));
	recognise(f, 0, "");
	wait_until(f, f->parts[0].answers);
	assert_int_equal(f->parts[0].why.code, ERR_OK);
	assert_int_equal(f->parts[1].answers, 1);
}

static void an_engine_is_stopped_for_a_part_that_hangs_and_only_that_one_is_to_blame(void **state)
{
	struct fixture *f = *state;
	start(f);
	wait_until(f, is_ready(f));
	recognise(f, 0, "fake:sleep=60000");
	/* The watch looks once a second: the second part is younger than the limit when the first is found too old. */
	int64_t then = clock_monotonic_us() + (PART_LIMIT_MS - WATCH_MS / 4) * US_PER_MS;
	wait_until(f, clock_monotonic_us() >= then);
	recognise(f, 1, "fake:sleep=60000");
	wait_until(f, f->parts[0].answers);
	assert_int_equal(f->parts[0].why.code, ERR_TIMEOUT);
	assert_int_equal(f->parts[1].answers, 1);
	assert_int_equal(f->parts[1].why.code, ERR_INTERRUPTED);
	wait_until(f, is_ready(f));
	assert_int_equal(hands_free(f->hands), THREADS);
}

static void a_part_that_was_dropped_frees_its_thread_and_is_not_told(void **state)
{
	struct fixture *f = *state;
	start(f);
	wait_until(f, is_ready(f));
	recognise(f, 0, "fake:sleep=60000");
	hands_drop(f->parts[0].hand);
	wait_until(f, hands_free(f->hands) == THREADS);
	assert_int_equal(f->parts[0].answers, 0);
}

static void an_engine_that_does_not_get_ready_is_not_tried_all_the_time(void **state)
{
	struct fixture *f = *state;
	struct err why;
	const char *folder = getenv("TIRO_LIBEXEC_DIR");
	char programs[] = "/tmp/tiro-test-XXXXXX";
	char real[PATH_MAX], engine[PATH_MAX + 16], path[64];
	(void)snprintf(real, sizeof real, "%s", folder ? folder : ".");
	(void)snprintf(engine, sizeof engine, "%s/tiro-engine", real);
	assert_non_null(mkdtemp(programs));
	(void)snprintf(path, sizeof path, "%s/tiro-engine", programs);
	assert_int_equal(symlink("/bin/false", path), 0);
	assert_int_equal(setenv("TIRO_LIBEXEC_DIR", programs, 1), 0);
	start(f);
	int64_t begun = clock_monotonic_us();
	wait_until(f, !hands_are_ready(f->hands, &why) && why.code != ERR_OK);
	assert_int_equal(hands_free(f->hands), 0);
	/* Not whenever the watch comes by, once a second. */
	wait_until(f, clock_monotonic_us() - begun > 5 * US_PER_S / 2);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(engine, path), 0);
	wait_until(f, is_ready(f));
	assert_true(clock_monotonic_us() - begun > 7 * US_PER_S / 2);
	assert_int_equal(setenv("TIRO_LIBEXEC_DIR", real, 1), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(programs), 0);
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LOOP(a_thread_is_free_again_once_its_part_is_recognised),
		WITH_LOOP(an_engine_that_dies_loses_what_it_has_in_hand_and_comes_again),
		WITH_LOOP(an_engine_is_stopped_for_a_part_that_hangs_and_only_that_one_is_to_blame),
		WITH_LOOP(a_part_that_was_dropped_frees_its_thread_and_is_not_told),
		WITH_LOOP(an_engine_that_does_not_get_ready_is_not_tried_all_the_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
