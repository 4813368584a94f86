#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "process/channel.h"

static char buffer[LIMIT_FRAME_PAYLOAD];

struct pair {
	int near;
	int far;
};

static struct pair open_pair(void)
{
	int fds[2];
	struct err err;
	assert_int_equal(channel_pair(fds, &err), ERR_OK);
	return (struct pair){ fds[0], fds[1] };
}

static enum err_code receive(int fd, struct frame *ret, enum channel_event *ret_event)
{
	struct err err;
	return channel_recv(fd, buffer, ret, ret_event, &err);
}

static void a_frame_arrives_whole_with_its_descriptors(void **state)
{
	(void)state;
	struct pair pair = open_pair();
	cleanup_close int near = pair.near;
	cleanup_close int far = pair.far;
	cleanup_close int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	static char payload[LIMIT_FRAME_PAYLOAD];
	memset(payload, 'x', sizeof payload);
	struct frame sent = {
		.type = 5, .tag = 9, .payload = payload, .len = sizeof payload, .fds = { file, file }, .fd_count = 2
	};
	struct frame got;
	enum channel_event event;
	struct err err;
	assert_int_equal(channel_send(near, &sent, NULL, &err), ERR_OK);
	assert_int_equal(receive(far, &got, &event), ERR_OK);
	assert_int_equal(event, CHANNEL_FRAME);
	assert_int_equal(got.type, 5);
	assert_int_equal(got.tag, 9);
	assert_int_equal(got.len, sizeof payload);
	assert_memory_equal(got.payload, payload, sizeof payload);
	assert_int_equal(got.fd_count, 2);
	assert_true(fcntl(got.fds[0], F_GETFD) & FD_CLOEXEC);
	int first = got.fds[0];
	frame_close_fds(&got);
	assert_int_equal(fcntl(first, F_GETFD), -1);
}

static void a_frame_over_its_limit_is_not_sent(void **state)
{
	(void)state;
	struct pair pair = open_pair();
	cleanup_close int near = pair.near;
	cleanup_close int far = pair.far;
	(void)far;
	struct frame frame = { .payload = buffer, .len = LIMIT_FRAME_PAYLOAD + 1 };
	struct err err;
	assert_int_equal(channel_send(near, &frame, NULL, &err), ERR_INTERNAL);
}

static void a_frame_that_is_too_short_or_too_long_is_refused(void **state)
{
	(void)state;
	struct pair pair = open_pair();
	cleanup_close int near = pair.near;
	cleanup_close int far = pair.far;
	static char bytes[LIMIT_FRAME_PAYLOAD + 64];
	struct frame got;
	enum channel_event event;
	assert_int_equal(send(near, bytes, 7, 0), 7);
	assert_int_equal(receive(far, &got, &event), ERR_PROTOCOL);
	assert_int_equal(send(near, bytes, sizeof bytes, 0), sizeof bytes);
	assert_int_equal(receive(far, &got, &event), ERR_PROTOCOL);
}

static int open_descriptors(void)
{
	int count = 0;
	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void descriptors_over_the_limit_are_refused_and_closed(void **state)
{
	(void)state;
	struct pair pair = open_pair();
	cleanup_close int near = pair.near;
	cleanup_close int far = pair.far;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 8)];
	} control = { 0 };
	char bytes[16] = { 0 };
	struct iovec part = { bytes, sizeof bytes };
	struct msghdr msg = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int) * 8),
			       .cmsg_level = SOL_SOCKET,
			       .cmsg_type = SCM_RIGHTS };
	for (size_t i = 0; i < 8; i++)
		memcpy(CMSG_DATA(c) + i * sizeof near, &near, sizeof near);
	struct frame got;
	enum channel_event event;
	int before = open_descriptors();
	assert_int_equal(sendmsg(near, &msg, 0), sizeof bytes);
	assert_int_equal(receive(far, &got, &event), ERR_PROTOCOL);
	assert_int_equal(open_descriptors(), before);
}

static void a_full_socket_says_so(void **state)
{
	(void)state;
	struct pair pair = open_pair();
	cleanup_close int near = pair.near;
	cleanup_close int far = pair.far;
	struct frame frame = { .payload = buffer, .len = LIMIT_FRAME_PAYLOAD };
	struct err err;
	bool full = false;
	assert_int_equal(fcntl(near, F_SETFL, O_NONBLOCK), 0);
	int sent = 0;
	for (; !full && sent < 1000; sent++)
		assert_int_equal(channel_send(near, &frame, &full, &err), ERR_OK);
	assert_true(full);
	struct frame got;
	enum channel_event event;
	assert_int_equal(fcntl(far, F_SETFL, O_NONBLOCK), 0);
	for (; sent > 1; sent--) {
		assert_int_equal(receive(far, &got, &event), ERR_OK);
		assert_int_equal(event, CHANNEL_FRAME);
	}
	assert_int_equal(receive(far, &got, &event), ERR_OK);
	assert_int_equal(event, CHANNEL_EMPTY);
}

static void last_words_arrive_though_the_sender_did_not_read(void **state)
{
	(void)state;
	struct pair pair = open_pair();
	cleanup_close int near = pair.near;
	struct frame frame = { .type = 1 };
	struct err err;
	assert_int_equal(channel_send(near, &frame, NULL, &err), ERR_OK); /* never read */
	frame.type = 2;
	assert_int_equal(channel_send(pair.far, &frame, NULL, &err), ERR_OK);
	(void)close(pair.far);
	struct frame got;
	enum channel_event event;
	assert_int_equal(receive(near, &got, &event), ERR_OK);
	assert_int_equal(event, CHANNEL_FRAME);
	assert_int_equal(got.type, 2);
	assert_int_equal(receive(near, &got, &event), ERR_OK);
	assert_int_equal(event, CHANNEL_CLOSED);
	assert_int_equal(channel_send(near, &frame, NULL, &err), ERR_CRASHED);
}

enum { CROWD = 60, MAY_OPEN = 16 };

/* A process without privileges that may have few descriptors open sends more than that; its exit status tells. */
static int send_a_crowd(int channel, int file)
{
	const struct rlimit few = { MAY_OPEN, MAY_OPEN };
	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return 2;
	if (setrlimit(RLIMIT_NOFILE, &few) != 0)
		return 2;
	for (uint32_t i = 0; i < CROWD; i++) {
		struct frame frame = { .type = i, .fds = { file }, .fd_count = 1 };
		struct err err;
		if (channel_send(channel, &frame, NULL, &err) != ERR_OK)
			return 1;
	}
	return 0;
}

static void more_descriptors_than_a_sender_may_open_wait_for_their_receiver(void **state)
{
	(void)state;
	struct pair pair = open_pair();
	cleanup_close int near = pair.near;
	cleanup_close int far = pair.far;
	cleanup_close int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t sender = fork();
	if (sender == 0)
		_exit(send_a_crowd(near, file));
	(void)close(steal_fd(&near));
	/* Long enough that all but those that wait are under way. */
	clock_sleep_us(US_PER_S / 5);
	int frames = 0;
	for (;;) {
		struct frame got;
		enum channel_event event;
		assert_int_equal(receive(far, &got, &event), ERR_OK);
		if (event != CHANNEL_FRAME)
			break;
		assert_int_equal(got.fd_count, 1);
		frame_close_fds(&got);
		frames++;
	}
	int status;
	assert_int_equal(waitpid(sender, &status, 0), sender);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(frames, CROWD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_arrives_whole_with_its_descriptors),
		cmocka_unit_test(a_frame_over_its_limit_is_not_sent),
		cmocka_unit_test(a_frame_that_is_too_short_or_too_long_is_refused),
		cmocka_unit_test(descriptors_over_the_limit_are_refused_and_closed),
		cmocka_unit_test(a_full_socket_says_so),
		cmocka_unit_test(last_words_arrive_though_the_sender_did_not_read),
		cmocka_unit_test(more_descriptors_than_a_sender_may_open_wait_for_their_receiver),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
