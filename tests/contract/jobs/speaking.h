/* A pipeline with a worker that recognises: a real jail and speech detector, the fake recogniser in a real engine
 * process. */
#ifndef TIRO_TESTS_CONTRACT_JOBS_SPEAKING_H
#define TIRO_TESTS_CONTRACT_JOBS_SPEAKING_H

#include <fcntl.h>

#include "base/io.h"
#include "pipeline.h"

/* COPIES times twelve seconds are six parts. */
enum { THREADS = 2, WAV_HEAD = 44, COPIES = 11 };

static int vad_fd = -1;

static inline void put_le32(char *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (char)(value >> (8 * i) & 0xFF);
}

/* A recording of `copies` times eleven seconds, with a second of silence between. */
static inline void make_speech(int copies)
{
	static const char silence[16000 * 2];
	char head[WAV_HEAD] = "RIFF\0\0\0\0WAVEfmt \20\0\0\0\1\0\1\0\200>\0\0\0}\0\0\2\0\20\0data";
	cleanup_strbuf struct strbuf sample = STRBUF_INIT((size_t)1 << 20);
	assert_ok(io_read_file(TEST_SOURCE_ROOT "/.deps/samples/jfk.wav", &sample, &why));
	const char *data = memmem(sample.data, sample.len, "data", 4);
	assert_non_null(data);
	data += 8;
	size_t bytes = (size_t)(sample.data + sample.len - data);
	uint32_t total = (uint32_t)(copies * (int)(bytes + sizeof silence));
	put_le32(head + 4, total + WAV_HEAD - 8);
	put_le32(head + 40, total);
	strbuf_clear(&speech);
	strbuf_add(&speech, head, sizeof head);
	for (int i = 0; i < copies; i++) {
		strbuf_add(&speech, data, bytes);
		strbuf_add(&speech, silence, sizeof silence);
	}
}

static inline void start_worker(void)
{
	struct worker_spec spec = { .files = &files,
				    .queue = queue,
				    .pool = pool,
				    .engine = { .threads = THREADS, .fake = true, .speech_model_fd = vad_fd },
				    .vad_fd = vad_fd };
	assert_ok(worker_new(&loop, &spec, &worker, &why));
}

/* -- following ----------------------------------------------------------------------------------------------- */

struct watch {
	struct follower *follower;
	int64_t last_id;
	int progress_events;
	bool ended;
	bool running; /* some part is done */
	char end[EVENT_NAME_MAX + 1];
};

static inline void on_event(void *owner, const struct event *event)
{
	struct watch *w = owner;
	assert_true(event->id > w->last_id);
	w->last_id = event->id;
	if (strcmp(event->name, "job_progress") == 0) {
		w->progress_events++;
		w->running = strstr(event->data, "parts_done") != NULL;
		return;
	}
	(void)snprintf(w->end, sizeof w->end, "%s", event->name);
	w->ended = w->running = true;
}

static inline void follow(struct watch *w, const struct uuid *file)
{
	*w = (struct watch){ 0 };
	assert_ok(event_follow(hub, file, 0, on_event, w, &w->follower, &why));
}

static inline int open_vad(void)
{
	char path[512];
	const char *dir = getenv("TIRO_MODELS");
	(void)snprintf(path, sizeof path, "%s/ggml-silero-v6.2.0.bin", dir ? dir : TEST_SOURCE_ROOT "/.deps/models");
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* RUN_PIPELINE, where the speech detector is here. */
#define RUN_SPEAKING(tests)                                                                                            \
	__extension__({                                                                                                \
		int failed = STORE_SKIPPED;                                                                            \
		vad_fd = open_vad();                                                                                   \
		if (vad_fd < 0)                                                                                        \
			(void)fprintf(stderr, "no speech detector to plan with (tiro models pull)\n");                 \
		else                                                                                                   \
			failed = RUN_PIPELINE(tests);                                                                  \
		(void)close(vad_fd);                                                                                   \
		failed;                                                                                                \
	})

#endif
