/*
 * A jail program that has been taken over and lies to its node; the file's size says how. It stands beside the test
 * under the name of the real one.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "jail/worker.h"
#include "liar.h"
#include "process/child.h"
#include "process/pack.h"

static struct strbuf fields = STRBUF_INIT(LIMIT_FRAME_PAYLOAD);
static struct err err;

static void tell(struct jail_worker *worker, enum jail_message type, int fd)
{
	if (jail_worker_send(worker, type, &fields, fd, &err) != ERR_OK)
		_exit(1);
}

static void tell_info(struct jail_worker *worker, int channels)
{
	struct jail_audio_info info = {
		.duration_us = -1, .channels = channels, .sample_rate = 16000, .audio_tracks = 1, .codec = "lies"
	};
	jail_pack_audio_info(&fields, &info);
	tell(worker, JAIL_AUDIO_INFO, -1);
}

static void tell_part(struct jail_worker *worker, uint32_t index, size_t bytes, bool sealed)
{
	struct asr_part part = { .index = index, .sample_count = 100, .span_count = 1 };
	part.spans[0] = (struct asr_span){ .source = 0, .part = 0, .length = 100 };
	int fd;
	if (io_memfd("lies", &fd, &err) != ERR_OK || ftruncate(fd, (off_t)bytes) != 0 ||
	    (sealed && io_memfd_seal(fd, &err) != ERR_OK))
		_exit(1);
	jail_pack_part(&fields, &part);
	tell(worker, JAIL_PART, fd);
	(void)close(fd);
}

static void tell_time(struct jail_worker *worker, int64_t us)
{
	jail_pack_time(&fields, us);
	tell(worker, JAIL_PROGRESS, -1);
}

/* Until it is killed: on a busy machine the first ones may be answered before the last ones are sent. */
static void ask_often(struct jail_worker *worker)
{
	for (;;) {
		struct jail_range range = { .offset = 0, .len = 1 };
		jail_pack_range(&fields, &range);
		tell(worker, JAIL_READ, -1);
	}
}

static void ask_outside(struct jail_worker *worker)
{
	struct jail_range range = { .offset = UINT64_MAX - 5, .len = LIMIT_RANGE_BYTES };
	jail_pack_range(&fields, &range);
	tell(worker, JAIL_READ, -1);
}

static void fail_with_control_characters(struct jail_worker *worker)
{
	struct err why;
	(void)err_set(&why, ERR_BAD_MEDIA, "red \033[31m \xC2\x9B and \xFF");
	jail_worker_fail(worker, &why);
}

static void lie(struct jail_worker *worker, enum lie lie)
{
	bool early = lie == LIE_PART_BEFORE_INFO || lie == LIE_CHANNELS || lie == LIE_SILENT_END;
	if (!early)
		tell_info(worker, 1);
	switch (lie) {
	case LIE_SEGFAULT:
		(void)signal(SIGSEGV, SIG_DFL); /* a sanitizer would make an exit of it */
		(void)raise(SIGSEGV);
		break;
	case LIE_FORBIDDEN_CALL:
		(void)raise(SIGSYS);
		break;
	case LIE_UNKNOWN_MESSAGE:
		tell(worker, (enum jail_message)77, -1);
		break;
	case LIE_PART_BEFORE_INFO:
		tell_part(worker, 0, 200, true);
		break;
	case LIE_PART_TOO_SHORT:
		tell_part(worker, 0, 199, true);
		break;
	case LIE_PART_UNSEALED:
		tell_part(worker, 0, 200, false);
		break;
	case LIE_PART_OUT_OF_ORDER:
		tell_part(worker, 1, 200, true);
		break;
	case LIE_TOO_MANY_PARTS:
		for (uint32_t i = 0; i <= JAIL_PARTS_AHEAD; i++)
			tell_part(worker, i, 200, true);
		break;
	case LIE_TIME_GOES_BACK:
		tell_time(worker, 1000);
		tell_time(worker, 999);
		break;
	case LIE_CHANNELS:
		tell_info(worker, 1000);
		break;
	case LIE_READS:
		ask_often(worker);
		break;
	case LIE_READ_OUTSIDE:
		ask_outside(worker);
		break;
	case LIE_CONTROL_CHARACTERS:
		fail_with_control_characters(worker);
		break;
	case LIE_SILENT_END:
	case LIE_COUNT:
		break;
	}
}

int main(void)
{
	struct jail_worker *worker = jail_worker_start();
	struct jail_open open;
	int fd;
	if (jail_worker_open(worker, JAIL_KIND_AUDIO, &open, &fd, &err) != ERR_OK)
		_exit(1);
	lie(worker, (enum lie)open.size);
	if (open.size == LIE_SILENT_END || open.size == LIE_CONTROL_CHARACTERS)
		_exit(0);
	/* Stays, so that it is the lie that ends it. */
	struct frame frame;
	while (jail_worker_next(worker, &frame, &err) == ERR_OK)
		frame_close_fds(&frame);
	while (true)
		(void)pause();
}
