#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "engine/proto.h"
#include "process/child.h"

struct engine {
	struct child *child;
	const struct engine_events *events;
	void *owner;
	bool in_callback; /* the owner may call engine_close from a callback */
	bool closed;
};

static void free_engine(struct engine *engine)
{
	child_close(engine->child);
	free(engine);
}

/* Around each of the owner's callbacks: the owner may close the engine in it, which is then freed after it. */
static void enter_owner(struct engine *engine)
{
	engine->in_callback = true;
}

static void leave_owner(struct engine *engine)
{
	engine->in_callback = false;
	if (engine->closed)
		free_engine(engine);
}

static void break_off(struct engine *engine, const struct err *why)
{
	child_close(steal_ptr(&engine->child));
	enter_owner(engine);
	engine->events->on_exit(engine->owner, why);
	leave_owner(engine);
}

static void deliver_speech(struct engine *engine, uint32_t task, const struct engine_outcome *outcome)
{
	struct asr_transcript result = { 0 };
	struct err err = outcome->why;
	if (err.code == ERR_OK &&
	    asr_transcript_unpack(outcome->result, outcome->result_len, &result, &err) != ERR_OK) {
		break_off(engine, &err);
		return;
	}
	enter_owner(engine);
	engine->events->on_speech(engine->owner, task, err.code == ERR_OK ? &result : NULL, outcome->busy_us, &err);
	leave_owner(engine);
	asr_transcript_done(&result);
}

static void deliver_page(struct engine *engine, uint32_t task, const struct engine_outcome *outcome)
{
	struct ocr_page result = { 0 };
	struct err err = outcome->why;
	if (err.code == ERR_OK && ocr_page_unpack(outcome->result, outcome->result_len, &result, &err) != ERR_OK) {
		break_off(engine, &err);
		return;
	}
	enter_owner(engine);
	engine->events->on_page(engine->owner, task, err.code == ERR_OK ? &result : NULL, outcome->busy_us, &err);
	leave_owner(engine);
	ocr_page_done(&result);
}

/* Reads an outcome whose result may lie in a descriptor; `map` keeps it alive. */
static enum err_code read_outcome(const struct frame *frame, struct engine_outcome *ret, struct io_map *map,
				  struct err *err)
{
	if (engine_outcome_unpack(frame->payload, frame->len, ret, err) != ERR_OK)
		return err->code;
	if (frame->fd_count == 0)
		return ERR_OK;
	if (io_map_sealed(frame->fds[0], LIMIT_BULK_BYTES, map, err) != ERR_OK)
		return err->code;
	ret->result = map->data;
	ret->result_len = map->size;
	return ERR_OK;
}

static void on_frame(void *owner, struct frame *frame)
{
	struct engine *engine = owner;
	if (frame->type == ENGINE_READY) {
		enter_owner(engine);
		engine->events->on_ready(engine->owner);
		leave_owner(engine);
		return;
	}
	struct engine_outcome outcome;
	cleanup_map struct io_map map = { 0 };
	struct err err;
	if (read_outcome(frame, &outcome, &map, &err) != ERR_OK) {
		break_off(engine, &err);
		return;
	}
	switch (frame->type) {
	case ENGINE_SPEECH:
	case ENGINE_SPEECH_FAILED:
		deliver_speech(engine, frame->tag, &outcome);
		return;
	case ENGINE_PAGE:
	case ENGINE_PAGE_FAILED:
		deliver_page(engine, frame->tag, &outcome);
		return;
	case ENGINE_BROKEN:
		break_off(engine, &outcome.why);
		return;
	default:
		(void)err_set(&err, ERR_PROTOCOL, "the engine sent a message of unknown type %u", frame->type);
		break_off(engine, &err);
	}
}

static void on_child_exit(void *owner, const struct err *why)
{
	struct engine *engine = owner;
	struct err err = *why;
	(void)err_prefix(&err, "the recognition engine stopped");
	enter_owner(engine);
	engine->events->on_exit(engine->owner, &err);
	leave_owner(engine);
}

static const struct child_events child_callbacks = { .on_frame = on_frame, .on_exit = on_child_exit };

static void copy_path(char out[ENGINE_PATH_SIZE], const char *path)
{
	(void)snprintf(out, ENGINE_PATH_SIZE, "%s", path ? path : "");
}

static enum err_code send_open(struct engine *engine, const struct engine_spec *spec, struct err *err)
{
	cleanup_free struct engine_open *open = calloc(1, sizeof *open);
	if (!open)
		return err_set(err, ERR_NO_MEMORY, "no memory to start an engine");
	open->fake = spec->fake;
	open->threads = (uint32_t)spec->threads;
	open->has_pages = spec->pages != NULL;
	if (spec->pages) {
		copy_path(open->tessdata, spec->pages->tessdata);
		copy_path(open->detector, spec->pages->detector);
		copy_path(open->recogniser, spec->pages->recogniser);
	}
	copy_path(open->openvino, spec->openvino);
	cleanup_strbuf struct strbuf payload = STRBUF_INIT(LIMIT_FRAME_PAYLOAD);
	engine_open_pack(open, &payload);
	struct frame frame = { .type = ENGINE_OPEN, .payload = payload.data, .len = payload.len };
	if (spec->speech_model_fd >= 0)
		frame.fds[frame.fd_count++] = spec->speech_model_fd;
	return child_send(engine->child, &frame, err);
}

enum err_code engine_start(uv_loop_t *loop, const struct engine_spec *spec, const struct engine_events *events,
			   void *owner, struct engine **ret, struct err *err)
{
	struct engine *engine = calloc(1, sizeof *engine);
	if (!engine)
		return err_set(err, ERR_NO_MEMORY, "no memory for an engine");
	engine->events = events;
	engine->owner = owner;
	struct child_spec child_spec = { .program = "tiro-engine", .events = &child_callbacks, .owner = engine };
	enum err_code code = child_start(loop, &child_spec, &engine->child, err);
	if (code == ERR_OK)
		code = send_open(engine, spec, err);
	if (code != ERR_OK) {
		free_engine(engine);
		return code;
	}
	*ret = engine;
	return ERR_OK;
}

static enum err_code send_task(struct engine *engine, enum engine_message type, uint32_t task, int fd,
			       const struct strbuf *payload, struct err *err)
{
	enum err_code code = strbuf_check(payload, "a task", err);
	if (code != ERR_OK || !engine->child)
		return code; /* on_exit has told already */
	struct frame frame = {
		.type = type, .tag = task, .payload = payload->data, .len = payload->len, .fds = { fd }, .fd_count = 1
	};
	return child_send(engine->child, &frame, err);
}

enum err_code engine_recognise(struct engine *engine, uint32_t task, int pcm_fd, const struct asr_options *options,
			       struct err *err)
{
	cleanup_strbuf struct strbuf payload = STRBUF_INIT(LIMIT_FRAME_PAYLOAD);
	engine_options_pack(options, &payload);
	return send_task(engine, ENGINE_RECOGNISE, task, pcm_fd, &payload, err);
}

enum err_code engine_read_page(struct engine *engine, uint32_t task, int pixels_fd, const struct ocr_raster *raster,
			       const struct ocr_options *options, struct err *err)
{
	cleanup_strbuf struct strbuf payload = STRBUF_INIT(LIMIT_FRAME_PAYLOAD);
	struct engine_page_task page = { .raster = *raster, .options = *options };
	engine_page_task_pack(&page, &payload);
	return send_task(engine, ENGINE_READ_PAGE, task, pixels_fd, &payload, err);
}

void engine_abort(struct engine *engine, uint32_t task)
{
	struct frame frame = { .type = ENGINE_ABORT, .tag = task };
	struct err err;
	if (!engine->child)
		return;
	/* An abort that cannot be sent changes nothing but the time until the part ends by itself. */
	if (child_send(engine->child, &frame, &err) != ERR_OK)
		return;
}

void engine_close(struct engine *engine)
{
	if (!engine)
		return;
	if (engine->in_callback)
		engine->closed = true;
	else
		free_engine(engine);
}

int engine_pid(const struct engine *engine)
{
	return engine->child ? child_pid(engine->child) : 0;
}
