#include "jail_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"
#include "process/pack.h"

static void fatal(const char *what, const struct err *err)
{
	(void)fprintf(stderr, "%s: %s\n", what, err ? err->message : "");
	abort();
}

/* -- a speech detector that takes everything for speech -------------------------------------------- */

static void add_tensor(struct strbuf *out, const char *name, const uint32_t dims[3], float value)
{
	int count = dims[2] > 1 ? 3 : dims[1] > 1 ? 2 : 1;
	pack_u32(out, (uint32_t)count);
	pack_u32(out, (uint32_t)strlen(name));
	pack_u32(out, 0);
	for (int i = 0; i < count; i++)
		pack_u32(out, dims[i]);
	strbuf_add_str(out, name);
	for (uint32_t i = 0; i < dims[0] * dims[1] * dims[2]; i++)
		pack_f32(out, value);
}

/* A file in the form of asr/vad.c with zeros for weights: only the last bias speaks. */
static int detector_fd(void)
{
	static const struct {
		const char *name;
		uint32_t dims[3];
	} tensors[] = {
		{ "_model.stft.forward_basis_buffer", { 256, 1, 258 } },
		{ "_model.encoder.0.reparam_conv.weight", { 3, 129, 128 } },
		{ "_model.encoder.0.reparam_conv.bias", { 128, 1, 1 } },
		{ "_model.encoder.1.reparam_conv.weight", { 3, 128, 64 } },
		{ "_model.encoder.1.reparam_conv.bias", { 64, 1, 1 } },
		{ "_model.encoder.2.reparam_conv.weight", { 3, 64, 64 } },
		{ "_model.encoder.2.reparam_conv.bias", { 64, 1, 1 } },
		{ "_model.encoder.3.reparam_conv.weight", { 3, 64, 128 } },
		{ "_model.encoder.3.reparam_conv.bias", { 128, 1, 1 } },
		{ "_model.decoder.rnn.weight_ih", { 128, 512, 1 } },
		{ "_model.decoder.rnn.weight_hh", { 128, 512, 1 } },
		{ "_model.decoder.rnn.bias_ih", { 512, 1, 1 } },
		{ "_model.decoder.rnn.bias_hh", { 512, 1, 1 } },
		{ "_model.decoder.decoder.2.weight", { 128, 1, 1 } },
	};
	static const uint32_t head[] = { 512, 64, 4, 129, 128, 3, 128, 64, 3, 64, 64, 3, 64, 128, 3, 128, 128, 128, 1 };
	static const uint32_t one[3] = { 1, 1, 1 };
	cleanup_strbuf struct strbuf out = STRBUF_INIT(4 * 1024 * 1024);
	struct err err;
	int fd;
	pack_u32(&out, 0x67676d6c);
	pack_str(&out, "silero-16k");
	for (int i = 0; i < 3; i++)
		pack_u32(&out, 0);
	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		pack_u32(&out, head[i]);
	for (size_t i = 0; i < ARRAY_LEN(tensors); i++)
		add_tensor(&out, tensors[i].name, tensors[i].dims, 0);
	add_tensor(&out, "_model.decoder.decoder.2.bias", one, 8.0F);
	if (io_memfd("detector", &fd, &err) != ERR_OK || io_write_all(fd, out.data, out.len, &err) != ERR_OK)
		fatal("detector", &err);
	return fd;
}

/* -- the file -------------------------------------------------------------------------------------- */

static void close_jail(struct jail_run *run)
{
	jail_close(run->jail);
	run->jail = NULL;
}

static void answer(struct jail_run *run, struct jail_read *read, bool fail)
{
	char buffer[LIMIT_RANGE_BYTES];
	struct err err = { 0 };
	size_t n = 0;
	if (fail)
		(void)err_set(&err, ERR_IO, "the disk is on fire");
	else if (run->input->read(run->input->ctx, read->offset, buffer, read->len, &n, &err) != ERR_OK)
		fatal("read", &err);
	jail_read_done(read, buffer, n, &err);
}

struct later {
	uv_timer_t timer;
	struct jail_run *run;
	struct jail_read *read; /* NULL: a part to take */
	bool fail;
};

static void on_later_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_later(uv_timer_t *timer)
{
	struct later *later = timer->data;
	if (later->read) {
		answer(later->run, later->read, later->fail);
	} else if (later->run->jail) {
		later->run->waiting--;
		jail_part_taken(later->run->jail);
	}
	uv_close((uv_handle_t *)timer, on_later_closed);
}

static void do_later(struct jail_run *run, struct jail_read *read, bool fail, uint64_t ms)
{
	struct later *later = calloc(1, sizeof *later);
	if (!later)
		fatal("memory", NULL);
	*later = (struct later){ .run = run, .read = read, .fail = fail };
	(void)uv_timer_init(&run->loop, &later->timer);
	later->timer.data = later;
	(void)uv_timer_start(&later->timer, on_later, ms, 0);
}

static void on_read(void *ctx, struct jail_read *read)
{
	struct jail_run *run = ctx;
	run->reads++;
	bool fail = run->reads == run->fail_read;
	bool close = run->reads == run->close_at_read;
	if (run->answer_later || close)
		do_later(run, read, fail, 1);
	else
		answer(run, read, fail);
	if (close)
		close_jail(run);
}

/* -- events ---------------------------------------------------------------------------------------- */

static void on_audio_info(void *owner, const struct jail_audio_info *info)
{
	struct jail_run *run = owner;
	run->info = *info;
	run->infos++;
}

static void on_part(void *owner, const struct asr_part *part, int *pcm_fd)
{
	struct jail_run *run = owner;
	struct io_map map;
	struct err err;
	if (io_map_sealed(*pcm_fd, LIMIT_BULK_BYTES, &map, &err) != ERR_OK)
		fatal("part", &err);
	if (map.size != part->sample_count * sizeof(int16_t))
		fatal("a part of another size", NULL);
	io_unmap(&map);
	(void)close(steal_fd(pcm_fd));
	const struct asr_span *last = &part->spans[part->span_count - 1];
	run->last_source = last->source + last->length;
	run->samples += part->sample_count;
	run->parts++;
	run->waiting++;
	run->pid = jail_pid(run->jail);
	if (run->waiting > run->most_waiting)
		run->most_waiting = run->waiting;
	if (run->parts == run->close_at_part) {
		close_jail(run);
	} else if (run->hold_parts && run->waiting == (run->parts_ahead ? (int)run->parts_ahead : JAIL_PARTS_AHEAD)) {
		do_later(run, NULL, false, 50);
	} else if (!run->hold_parts) {
		run->waiting--;
		jail_part_taken(run->jail);
	}
}

static void on_progress(void *owner, int64_t decoded_us)
{
	(void)decoded_us;
	((struct jail_run *)owner)->progresses++;
}

static void on_end(void *owner, int64_t duration_us, const struct err *why)
{
	struct jail_run *run = owner;
	run->duration_us = duration_us;
	run->why = *why;
	run->ends++;
	close_jail(run);
}

void jail_run(struct jail_run *run, const struct media_input *input)
{
	static const struct jail_events events = {
		.on_audio_info = on_audio_info, .on_part = on_part, .on_progress = on_progress, .on_end = on_end
	};
	struct jail_source source = { .size = input->size, .read = on_read, .ctx = run };
	cleanup_close int detector = detector_fd();
	struct jail_audio_options options = { .is_probe = run->is_probe,
					      .vad_fd = detector,
					      .audio_track = run->audio_track,
					      .parts_ahead = run->parts_ahead };
	struct err err;
	run->input = input;
	if (uv_loop_init(&run->loop) != 0)
		fatal("loop", NULL);
	if (jail_open_audio(&run->loop, &source, &options, &events, run, &run->jail, &err) != ERR_OK)
		fatal("jail", &err);
	(void)uv_run(&run->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&run->loop) != 0)
		fatal("handles are left on the loop", NULL);
}
