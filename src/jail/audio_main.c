/*
 * tiro-jail-audio: decodes one recording, finds speech in it and sends it to the node in parts. It holds FFmpeg, the
 * speech detector and nothing else; see README.md of this folder.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "asr/vad.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "jail/worker.h"
#include "media/audio.h"

/* Progress is told this often. */
#define PROGRESS_INTERVAL_US (250 * US_PER_MS)

struct audio_job {
	struct jail_worker *worker;
	struct media_audio *audio;
	struct asr_cutter *cutter;
	uint32_t credits; /* parts that may be sent before the node asks for more */
	int64_t samples; /* decoded so far */
	int64_t told_us; /* when progress was told last, on the monotonic clock */
};

static enum err_code load_weights(int fd, struct asr_vad_weights **ret, struct err *err)
{
	off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
	if (size <= 0)
		return err_set(err, ERR_INVALID, "the speech detector's model was not given");
	void *bytes = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return err_set(err, ERR_NO_MEMORY, "no memory for the speech detector's model");
	enum err_code code = asr_vad_weights_load(bytes, (size_t)size, ret, err);
	(void)munmap(bytes, (size_t)size);
	return code;
}

static enum err_code wait_for_credit(struct audio_job *job, struct err *err)
{
	while (job->credits == 0) {
		struct frame frame;
		if (jail_worker_next(job->worker, &frame, err) != ERR_OK)
			return err->code;
		frame_close_fds(&frame);
		if (frame.type != JAIL_CREDIT)
			return err_set(err, ERR_PROTOCOL, "the node sent a request that is not about audio");
		job->credits++;
	}
	job->credits--;
	return ERR_OK;
}

static enum err_code send_part(void *ctx, const struct asr_part *part, struct err *err)
{
	struct audio_job *job = ctx;
	if (wait_for_credit(job, err) != ERR_OK)
		return err->code;
	cleanup_bulk struct jail_bulk bulk = JAIL_BULK_INIT;
	if (jail_bulk_new(part->sample_count * sizeof *part->samples, &bulk, err) != ERR_OK)
		return err->code;
	memcpy(bulk.data, part->samples, bulk.size);
	cleanup_strbuf struct strbuf fields = STRBUF_INIT(LIMIT_FRAME_PAYLOAD);
	jail_pack_part(&fields, part);
	return jail_bulk_send(job->worker, &bulk, JAIL_PART, &fields, err);
}

static int64_t decoded_us(const struct audio_job *job)
{
	return job->samples * US_PER_S / AUDIO_RATE;
}

static enum err_code send_time(struct audio_job *job, enum jail_message type, int64_t us, struct err *err)
{
	cleanup_strbuf struct strbuf fields = STRBUF_INIT(64);
	jail_pack_time(&fields, us);
	return jail_worker_send(job->worker, type, &fields, -1, err);
}

static enum err_code send_info(struct audio_job *job, struct err *err)
{
	const struct media_audio_info *from = media_audio_info(job->audio);
	struct jail_audio_info info = {
		.duration_us = from->duration_us,
		.start_us = from->start_us,
		.channels = from->channels,
		.sample_rate = from->sample_rate,
		.audio_tracks = from->tracks,
	};
	memcpy(info.codec, from->codec, sizeof info.codec);
	cleanup_strbuf struct strbuf fields = STRBUF_INIT(256);
	jail_pack_audio_info(&fields, &info);
	return jail_worker_send(job->worker, JAIL_AUDIO_INFO, &fields, -1, err);
}

static enum err_code decode(struct audio_job *job, struct err *err)
{
	for (;;) {
		const int16_t *samples;
		size_t count;
		if (media_audio_read(job->audio, &samples, &count, err) != ERR_OK)
			return err->code;
		if (count == 0)
			return asr_cutter_finish(job->cutter, err);
		job->samples += (int64_t)count;
		if (asr_cutter_push(job->cutter, samples, count, err) != ERR_OK)
			return err->code;
		int64_t now = clock_monotonic_us();
		if (now - job->told_us < PROGRESS_INTERVAL_US)
			continue;
		job->told_us = now;
		if (send_time(job, JAIL_PROGRESS, decoded_us(job), err) != ERR_OK)
			return err->code;
	}
}

/* Enters the sandbox, then looks at the file's head. */
static enum err_code begin(struct audio_job *job, const struct jail_open *open, struct err *err)
{
	if (jail_worker_confine(JAIL_PART_SAMPLES * sizeof(int16_t), NULL, err) != ERR_OK ||
	    media_audio_open(jail_worker_input(job->worker), open->audio_track, &job->audio, err) != ERR_OK)
		return err->code;
	return send_info(job, err);
}

static enum err_code probe(struct audio_job *job, const struct jail_open *open, struct err *err)
{
	int64_t us;
	if (begin(job, open, err) != ERR_OK || media_audio_length(job->audio, &us, err) != ERR_OK)
		return err->code;
	return send_time(job, JAIL_AUDIO_END, us, err);
}

static enum err_code cut(struct audio_job *job, const struct jail_open *open, int model_fd, struct err *err)
{
	struct asr_vad_weights *weights = NULL;
	job->credits = open->parts_ahead;
	if (load_weights(model_fd, &weights, err) != ERR_OK || begin(job, open, err) != ERR_OK ||
	    asr_cutter_new(weights, send_part, job, &job->cutter, err) != ERR_OK || decode(job, err) != ERR_OK)
		return err->code;
	return send_time(job, JAIL_AUDIO_END, decoded_us(job), err);
}

static enum err_code run(struct jail_worker *worker, struct err *err)
{
	struct jail_open open;
	cleanup_close int model_fd = -1;
	struct audio_job job = { .worker = worker };
	if (jail_worker_open(worker, JAIL_KIND_AUDIO, &open, &model_fd, err) != ERR_OK)
		return err->code;
	return open.is_probe ? probe(&job, &open, err) : cut(&job, &open, model_fd, err);
}

int main(void)
{
	struct jail_worker *worker = jail_worker_start();
	struct err err;
	if (run(worker, &err) != ERR_OK)
		jail_worker_fail(worker, &err);
	/* The process is the file's: its end frees everything, also what a decoder would trip over when closing. */
	_exit(EX_OK);
}
