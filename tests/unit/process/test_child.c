#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "process/child.h"

enum { LAST = 99 };

struct owner {
	struct child *child;
	struct err why;
	int frames, fds, exits;
	bool close_in_frame;
	bool at_ease_in_frame; /* it owes nothing any more */
	bool pause_in_frame; /* until the timer fires */
	uv_timer_t timer;
};

static void on_timer(uv_timer_t *timer)
{
	struct owner *owner = timer->data;
	assert_int_equal(owner->exits, 0);
	child_pause(owner->child, false);
	uv_close((uv_handle_t *)timer, NULL);
}

static void on_frame(void *ctx, struct frame *frame)
{
	struct owner *owner = ctx;
	owner->frames++;
	owner->fds += frame->fd_count;
	if (owner->close_in_frame)
		child_close(owner->child);
	if (owner->at_ease_in_frame)
		child_set_deadline(owner->child, 0);
	if (owner->pause_in_frame) {
		owner->pause_in_frame = false;
		child_pause(owner->child, true);
		(void)uv_timer_start(&owner->timer, on_timer, 200, 0);
	}
}

static void on_exit_of_child(void *ctx, const struct err *why)
{
	struct owner *owner = ctx;
	owner->why = *why;
	owner->exits++;
	child_close(owner->child);
}

static const struct child_events events = { .on_frame = on_frame, .on_exit = on_exit_of_child };

static void start(uv_loop_t *loop, struct owner *owner)
{
	struct child_spec spec = { .program = "tiro-echo", .events = &events, .owner = owner };
	struct err err;
	assert_int_equal(uv_loop_init(loop), 0);
	assert_int_equal(child_start(loop, &spec, &owner->child, &err), ERR_OK);
	assert_true(child_pid(owner->child) > 0);
}

static void give(struct owner *owner, uint32_t type, size_t len, int fd)
{
	static char payload[LIMIT_FRAME_PAYLOAD];
	struct frame frame = {
		.type = type, .payload = payload, .len = len, .fds = { fd, -1 }, .fd_count = fd >= 0 ? 1 : 0
	};
	struct err err;
	assert_int_equal(child_send(owner->child, &frame, &err), ERR_OK);
}

static void finish(uv_loop_t *loop)
{
	(void)uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(loop), 0);
}

static void more_frames_than_the_socket_holds_all_arrive(void **state)
{
	(void)state;
	uv_loop_t loop;
	struct owner owner = { 0 };
	cleanup_close int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	start(&loop, &owner);
	for (int i = 0; i < 100; i++)
		give(&owner, 1, LIMIT_FRAME_PAYLOAD, fd);
	give(&owner, LAST, 0, -1);
	finish(&loop);
	assert_int_equal(owner.frames, 101);
	assert_int_equal(owner.fds, 100);
	assert_int_equal(owner.exits, 1);
	assert_int_equal(owner.why.code, ERR_CRASHED);
	assert_string_equal(owner.why.message, "the process ended with status 3");
}

static void a_child_may_be_closed_in_its_callback(void **state)
{
	(void)state;
	uv_loop_t loop;
	struct owner owner = { .close_in_frame = true };
	start(&loop, &owner);
	give(&owner, 1, 10, -1);
	give(&owner, LAST, 10, -1);
	finish(&loop);
	assert_int_equal(owner.frames, 1);
	assert_int_equal(owner.exits, 0);
}

static void a_child_that_is_closed_at_once_leaves_nothing(void **state)
{
	(void)state;
	uv_loop_t loop;
	struct owner owner = { 0 };
	start(&loop, &owner);
	child_close(owner.child);
	finish(&loop);
	assert_int_equal(owner.exits, 0);
}

static void what_a_child_said_before_it_went_waits_while_paused(void **state)
{
	(void)state;
	uv_loop_t loop;
	struct owner owner = { .pause_in_frame = true };
	start(&loop, &owner);
	(void)uv_timer_init(&loop, &owner.timer);
	owner.timer.data = &owner;
	give(&owner, 1, 10, -1);
	give(&owner, 2, 10, -1);
	give(&owner, LAST, 10, -1);
	finish(&loop);
	assert_int_equal(owner.frames, 3);
	assert_int_equal(owner.exits, 1);
}

static void a_child_that_says_nothing_is_killed_at_its_deadline(void **state)
{
	(void)state;
	uv_loop_t loop;
	struct owner owner = { 0 };
	start(&loop, &owner);
	child_set_deadline(owner.child, 100);
	finish(&loop);
	assert_int_equal(owner.exits, 1);
	assert_int_equal(owner.why.code, ERR_TIMEOUT);
}

/* As after Ctrl-Z: the deadline is long past when the loop goes on, but the answer is there. */
static void a_deadline_that_passed_while_we_were_stopped_kills_nobody(void **state)
{
	(void)state;
	enum { DEADLINE_MS = 400 };
	uv_loop_t loop;
	struct owner owner = { .at_ease_in_frame = true };
	start(&loop, &owner);
	child_set_deadline(owner.child, DEADLINE_MS);
	give(&owner, 1, 10, -1);
	give(&owner, LAST, 10, -1);
	/* The child's end interrupts a sleep. */
	for (int64_t end_us = clock_monotonic_us() + 2 * DEADLINE_MS * US_PER_MS; clock_monotonic_us() < end_us;)
		clock_sleep_us(end_us - clock_monotonic_us());
	finish(&loop);
	assert_int_equal(owner.frames, 2);
	assert_int_equal(owner.why.code, ERR_CRASHED);
}

static void a_program_that_is_not_there_is_named(void **state)
{
	(void)state;
	char path[PATH_MAX];
	struct err err;
	uv_loop_t loop;
	struct child *child = NULL;
	struct child_spec spec = { .program = "tiro-nothing", .events = &events };
	assert_int_equal(child_find_program("tiro-nothing", path, &err), ERR_UNAVAILABLE);
	assert_non_null(strstr(err.message, "tiro-nothing"));
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(child_start(&loop, &spec, &child, &err), ERR_UNAVAILABLE);
	assert_null(child);
	finish(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_frames_than_the_socket_holds_all_arrive),
		cmocka_unit_test(a_child_may_be_closed_in_its_callback),
		cmocka_unit_test(a_child_that_is_closed_at_once_leaves_nothing),
		cmocka_unit_test(what_a_child_said_before_it_went_waits_while_paused),
		cmocka_unit_test(a_child_that_says_nothing_is_killed_at_its_deadline),
		cmocka_unit_test(a_deadline_that_passed_while_we_were_stopped_kills_nobody),
		cmocka_unit_test(a_program_that_is_not_there_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
