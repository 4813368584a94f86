/*
 * Recognises WAV files (16 kHz, mono, 16 bit, a head of 44 bytes) with nothing around the room: cutter, sessions on
 * threads, the engine. For measuring settings; not a test. A line of JSON for each file and one for all.
 *
 *     asr_try MODEL VAD THREADS LANGUAGE FILE...      LANGUAGE "": detect; "file": the first two letters of the name
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "asr/cutter.h"
#include "asr/engine.h"
#include "asr/vad.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/limits.h"

enum { WAV_HEAD = 44, PARTS_MAX = 4096, THREADS_MAX = 64 };

struct part {
	int16_t *samples;
	size_t count;
	struct asr_transcript text;
};

struct run {
	struct asr_session *sessions[THREADS_MAX];
	int threads;
	struct asr_options options;
	struct part parts[PARTS_MAX];
	size_t part_count;
	atomic_size_t next_part;
	atomic_int next_session;
};

static void must(enum err_code code, const struct err *err)
{
	if (code == ERR_OK)
		return;
	fprintf(stderr, "asr_try: %s\n", err->message);
	exit(err_exit_status(code));
}

static enum err_code keep_part(void *ctx, const struct asr_part *part, struct err *err)
{
	struct run *run = ctx;
	if (run->part_count == PARTS_MAX)
		return err_set(err, ERR_TOO_BIG, "too many parts");
	struct part *kept = &run->parts[run->part_count++];
	kept->count = part->sample_count;
	kept->samples = malloc(kept->count * sizeof *kept->samples);
	if (!kept->samples)
		return err_set(err, ERR_NO_MEMORY, "no memory for a part");
	memcpy(kept->samples, part->samples, kept->count * sizeof *kept->samples);
	return ERR_OK;
}

static void *work(void *ctx)
{
	struct run *run = ctx;
	struct asr_session *session = run->sessions[atomic_fetch_add(&run->next_session, 1)];
	struct err err;
	for (;;) {
		size_t i = atomic_fetch_add(&run->next_part, 1);
		if (i >= run->part_count)
			return NULL;
		struct part *part = &run->parts[i];
		must(asr_whisper_engine.recognise(session, part->samples, part->count, &run->options, NULL, NULL,
						  &part->text, &err),
		     &err);
	}
}

static void recognise_parts(struct run *run)
{
	pthread_t threads[THREADS_MAX];
	int n = run->part_count > 1 ? run->threads : 1;
	run->options.alone = run->part_count == 1;
	run->options.threads = run->options.alone ? run->threads : 1;
	atomic_store(&run->next_part, 0);
	atomic_store(&run->next_session, 0);
	for (int i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, work, run) != 0)
			exit(1);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void print_file(struct run *run, const char *path, double duration_s, double wall_s)
{
	struct strbuf text = STRBUF_INIT(LIMIT_TRANSCRIPT_TEXT);
	struct strbuf line = STRBUF_INIT(LIMIT_TRANSCRIPT_TEXT);
	struct json j = JSON_INIT(&line);
	for (size_t i = 0; i < run->part_count; i++) {
		if (text.len > 0)
			strbuf_add_char(&text, ' ');
		asr_transcript_text(&run->parts[i].text, 0, run->parts[i].text.word_count, &text);
	}
	json_object(&j);
	json_key_str(&j, "file", path);
	json_key_real(&j, "dur", duration_s, 3);
	json_key_real(&j, "wall", wall_s, 3);
	json_key_int(&j, "parts", (int64_t)run->part_count);
	json_key_str(&j, "language", run->part_count > 0 ? run->parts[0].text.language : "");
	json_key_str(&j, "text", strbuf_str(&text));
	json_object_end(&j);
	puts(strbuf_str(&line));
	strbuf_done(&text);
	strbuf_done(&line);
}

static double seconds_since(int64_t start_us)
{
	return (double)(clock_monotonic_us() - start_us) / (double)US_PER_S;
}

/* Returns the file's duration; adds its time to *wall_s. */
static double do_file(struct run *run, const struct asr_vad_weights *vad, const char *path, const char *language,
		      double *wall_s)
{
	struct err err;
	struct strbuf wav = STRBUF_INIT((size_t)1 << 30);
	struct asr_cutter *cutter;
	must(io_read_file(path, &wav, &err), &err);
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	if (strcmp(language, "file") == 0)
		snprintf(run->options.language, sizeof run->options.language, "%.2s", name);
	else
		snprintf(run->options.language, sizeof run->options.language, "%s", language);
	int64_t start_us = clock_monotonic_us();
	run->part_count = 0;
	must(asr_cutter_new(vad, keep_part, run, &cutter, &err), &err);
	size_t count = (wav.len - WAV_HEAD) / sizeof(int16_t);
	must(asr_cutter_push(cutter, (const int16_t *)(const void *)(wav.data + WAV_HEAD), count, &err), &err);
	must(asr_cutter_finish(cutter, &err), &err);
	asr_cutter_free(cutter);
	if (run->part_count > 0)
		recognise_parts(run);
	double wall = seconds_since(start_us);
	*wall_s += wall;
	print_file(run, path, (double)count / AUDIO_RATE, wall);
	for (size_t i = 0; i < run->part_count; i++) {
		asr_transcript_done(&run->parts[i].text);
		free(run->parts[i].samples);
	}
	strbuf_done(&wav);
	return (double)count / AUDIO_RATE;
}

int main(int argc, char **argv)
{
	static struct run run;
	struct err err;
	struct strbuf vad_file = STRBUF_INIT((size_t)1 << 24);
	struct asr_vad_weights *vad;
	struct asr_model *model;
	if (argc < 6)
		return EX_USAGE;
	run.threads = (int)strtol(argv[3], NULL, 10);
	if (run.threads < 1 || run.threads > THREADS_MAX)
		return EX_USAGE;
	must(io_read_file(argv[2], &vad_file, &err), &err);
	must(asr_vad_weights_load(vad_file.data, vad_file.len, &vad, &err), &err);
	int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	must(asr_whisper_engine.model_open(
		     &(struct asr_model_spec){ .fd = fd, .sessions = run.threads, .openvino = getenv("TIRO_OPENVINO") },
		     &model, &err),
	     &err);
	for (int i = 0; i < run.threads; i++)
		must(asr_whisper_engine.session_open(model, &run.sessions[i], &err), &err);
	double duration = 0.0;
	double wall = 0.0;
	for (int i = 5; i < argc; i++)
		duration += do_file(&run, vad, argv[i], argv[4], &wall);
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	double cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
		     (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
	printf("{\"total\":1,\"load\":0,\"dur\":%.2f,\"wall\":%.3f,\"xrt\":%.2f,\"cpu\":%.2f,\"rss_mb\":%.0f}\n",
	       duration, wall, duration / wall, cpu, (double)usage.ru_maxrss / 1024.0);
	for (int i = 0; i < run.threads; i++)
		asr_whisper_engine.session_close(run.sessions[i]);
	asr_whisper_engine.model_close(model);
	asr_vad_weights_free(vad);
	strbuf_done(&vad_file);
	return 0;
}
